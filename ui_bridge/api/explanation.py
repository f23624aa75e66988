"""The scheduler's account of a placement as blocks: what was asked for, what each filter made of it, who was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..block import Block, Cell, Entry, Facts, Level, Notice, Table, number, size, text
from ..locale import Texts

_SHOWN = 50
_SIZES = ("needed", "room", "free_above_reserve")
# Bytes, among a filter's numbers.
_OWN = ("pool", "name", "filter", *_SIZES)


def explanation_blocks(explanation: Mapping[str, Any], texts: Texts, locale: str) -> list[Block]:
    """Those of one decision, as it is kept with an operation or told in an error."""
    said = _Said(texts, locale)
    chosen = explanation.get("chosen")
    refused = explanation.get("refused") or []
    rows = [_refused(said, index, each) for index, each in enumerate(refused[:_SHOWN])]
    rows += [_unconfirmed(said, each) for each in (explanation.get("unconfirmed") or [])[: _SHOWN - len(rows)]]
    columns = ("name", "filter", "needed", "room", "why")
    blocks: list[Block] = []
    if not chosen:
        blocks.append(Notice(Level.WARNING, said("explain.nowhere")))
    blocks.append(Facts(said("explain.placement"), _facts(said, explanation, chosen)))
    blocks.append(
        Table(
            "filters",
            said("explain.filters"),
            [("filter", said("explain.filter")), ("refused", said("explain.refused"))],
            [
                Entry(
                    str(each["filter"]),
                    {"filter": text(said.filter(str(each["filter"]))), "refused": number(each["refused"])},
                )
                for each in explanation.get("filters") or []
                if each.get("refused")
            ],
            said("explain.filters.none"),
        )
    )
    if rows:
        titles = [(column, said(f"explain.{column}")) for column in columns]
        more = sum(int(each.get("refused", 0)) for each in explanation.get("filters") or []) > len(refused)
        blocks.append(
            Table("refused", said("explain.pools"), titles, rows, "", more=more or len(refused) > _SHOWN),
        )
    return blocks


class _Said:
    """Texts in the reader's language."""

    def __init__(self, texts: Texts, locale: str) -> None:
        self._texts, self._locale = texts, locale

    def __call__(self, key: str, /, **values: Any) -> str:
        return self._texts.get(key, self._locale, **values)

    def filter(self, name: str) -> str:
        """What a filter looks at; the name of one that we do not know."""
        return self._known(f"filter.{name}") or name

    def numbers(self, name: str, value: Any) -> str:
        """One number of a refusal in words."""
        spoken = _plain(value)
        if isinstance(value, bool):
            spoken = self("planned.yes" if value else "planned.no")
        known = self._known(f"explain.number.{name}")
        return known.format_map({"value": spoken}) if known else f"{name}: {spoken}"

    def _known(self, key: str) -> str:
        return self(key) if self._texts.has(key) else ""


def _facts(said: _Said, explanation: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> list[tuple[str, Cell]]:
    asked = explanation.get("requested") or {}
    facts: list[tuple[str, Cell]] = []
    if chosen:
        facts.append((said("explain.chosen"), text(str(chosen.get("name") or chosen.get("pool")))))
    facts += [
        (said("explain.profile"), text(asked.get("profile"))),
        (said("explain.size"), size(asked.get("size"))),
        (said("explain.provisioning"), text(said("explain.thin" if asked.get("thin") else "explain.thick"))),
    ]
    if asked.get("count", 1) != 1:
        facts.append((said("explain.count"), number(asked["count"])))
    for name in ("protocol", "zone"):
        if asked.get(name):
            facts.append((said(f"explain.{name}"), text(str(asked[name]))))
    facts.append((said("explain.considered"), number(explanation.get("considered"))))
    facts.append((said("explain.remaining"), number(explanation.get("remaining"))))
    if chosen:
        for name, value in (chosen.get("weights") or {}).items():
            facts.append((said("explain.weight", name=said._known(f"weigher.{name}") or name), number(value)))
        if chosen.get("unenforced"):
            facts.append((said("planned.unenforced"), text(", ".join(chosen["unenforced"]))))
    return facts


def _refused(said: _Said, index: int, refusal: Mapping[str, Any]) -> Entry:
    name = str(refusal.get("filter", ""))
    why = [said.numbers(key, value) for key, value in refusal.items() if key not in _OWN and value not in (None, "")]
    if "free_above_reserve" in refusal:
        why.append(said("explain.reserve"))
    return Entry(
        f"{refusal.get('pool')}-{index}",
        {
            "name": text(str(refusal.get("name") or refusal.get("pool"))),
            "filter": text(said.filter(name)),
            "needed": size(refusal.get("needed")),
            "room": size(refusal.get("room")),
            "why": text("; ".join(why)),
        },
    )


def _unconfirmed(said: _Said, refusal: Mapping[str, Any]) -> Entry:
    return Entry(
        f"{refusal.get('pool')}-late",
        {
            "name": text(str(refusal.get("name") or refusal.get("pool"))),
            "filter": text(said.filter("capacity")),
            "needed": size(refusal.get("needed")),
            "room": size(refusal.get("room")),
            "why": text(said("explain.filled")),
        },
    )


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        if "capability" in value:
            return f"{value['capability']}: {_plain(value.get('has'))} ≠ {_plain(value.get('wanted'))}"
        return ", ".join(f"{name}: {_plain(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return "-" if value is None else str(value)
