"""A plan as blocks, whatever the action: what it says by name, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..block import Block, Cell, Entry, Facts, Level, Notice, Table, number, size, state, text, thing
from ..objects import ObjectId
from .exchange import Exchange
from .operation import label

_COURSE = ("kind", "steps", "pivot")
_APART = ("backend", "unenforced", "warnings")
# Back ends are none of a tenant's business.
_SAID = ("source", "title")
# In rows: what their first part says already, and where that comes from, if that part has words for the reader.
_SIZES = frozenset(
    {"capacity", "free", "new_size", "released", "room", "room_after", "room_before", "size", "total", "used"}
)
_LEVELS = ("level", "severity")
_KINDS = {
    "cluster": "ClusterComputeResource",
    "datastore": "Datastore",
    "host": "HostSystem",
    "machine": "VirtualMachine",
}
# What an id stands for that is told under this name, or as one of several.


def plan_blocks(x: Exchange, action: str, plan: Mapping[str, Any], names: Mapping[str, str]) -> list[Block]:
    """First what is to be known, then what would be, then the steps and from where on there is no way back. `names` are
    those of ids in the plan."""
    return [*document_blocks(x, x.text("planned.title"), plan, names), *_course(x, action, plan)]


def document_blocks(x: Exchange, title: str, plan: Mapping[str, Any], names: Mapping[str, str]) -> list[Block]:
    """Any answer of an action: warnings, its plain values under the title, and a block for each part that has parts."""
    drawn = _Drawn(x, names)
    blocks: list[Block] = []
    for said in _found(plan, "warnings"):
        blocks.append(Notice(Level.WARNING, str(said)))
    unenforced = sorted({str(each) for each in _found(plan, "unenforced")})
    if unenforced:
        blocks.append(Notice(Level.WARNING, x.text("planned.unenforced.notice", what=", ".join(unenforced))))
    plain = drawn.facts(plan)
    if plain:
        blocks.append(Facts(title, plain))
    for key, value in plan.items():
        if key in (*_COURSE, *_APART):
            continue
        if isinstance(value, Mapping) and not _is_name(value):
            if facts := drawn.facts(value, key):
                blocks.append(Facts(drawn.label(key), facts))
        elif _is_rows(value):
            blocks.append(drawn.table(key, value))
    return blocks


def _course(x: Exchange, action: str, plan: Mapping[str, Any]) -> list[Block]:
    steps = [str(each) for each in plan.get("steps") or ()]
    if not steps:
        return []
    rows = [Entry(step, {"step": text(label(x, action, step))}) for step in steps]
    pivot = plan.get("pivot")
    if pivot:
        own = f"planned.pivot.{action}"
        key = own if x.surface.texts.has(own) else "planned.pivot"
        end = Notice(Level.WARNING, x.text(key, step=label(x, action, str(pivot))))
    else:
        end = Notice(Level.INFO, x.text("planned.reversible"))
    return [end, Table("steps", x.text("planned.steps"), [("step", x.text("planned.step"))], rows, "")]


class _Drawn:
    """Values by their names."""

    def __init__(self, x: Exchange, names: Mapping[str, str]) -> None:
        self._x, self._names = x, names

    def label(self, key: str) -> str:
        """`plan.KEY` in the reader's language, or what an input of this name is called; the key where there is no such
        text."""
        return self._x.first(f"plan.{key}", f"input.{key}") or key

    def facts(self, found: Mapping[str, Any], within: str = "") -> list[tuple[str, Cell]]:
        """What is no block of its own. Ids are left out where a name or anything else tells which it is."""
        facts: list[tuple[str, Cell]] = []
        if within and found.get("name"):
            facts.append((self.label("name"), self._name(within, found)))
        for key, value in found.items():
            if key in (*_COURSE, *_APART) or value is None or value == [] or (within and key in ("id", "name")):
                continue
            if isinstance(value, Mapping) and _is_name(value):
                facts.append((self.label(key), self._name(key, value)))
            elif isinstance(value, Mapping):
                facts += self.facts(value, key) if within else []
            elif _is_rows(value):
                if within:
                    named = ", ".join(str(each.get("name", each.get("id"))) for each in value)
                    facts.append((self.label(key), text(named)))
            else:
                facts.append((self.label(key), self.cell(key, value)))
        if within and not facts and found.get("id"):
            facts.append((self.label("id"), self.cell("id", found["id"])))
        return facts

    def table(self, key: str, rows: Sequence[Mapping[str, Any]]) -> Table:
        """Names first. What follows from the id that the rows begin with may have words of its own: `plan.PART.ID`."""
        named = any("name" in row for row in rows)
        apart = ("id", "name", *(_SAID if all(self._spoken(row) for row in rows) else ()))
        columns = list(dict.fromkeys(name for row in rows for name in row if name not in apart))
        entries = [
            Entry(
                str(row.get("id", index)),
                {
                    **({"name": self._name(key, row)} if named else {}),
                    **{name: self._part(name, row) for name in columns},
                },
            )
            for index, row in enumerate(rows)
        ]
        titles = [(name, self.label(name)) for name in (*(["name"] if named else []), *columns)]
        return Table(key, self.label(key), titles, entries, "")

    def _spoken(self, row: Mapping[str, Any]) -> bool:
        first = next(iter(row), "")
        return self._x.first(f"plan.{first}.{row.get(first)}") is not None

    def _part(self, name: str, row: Mapping[str, Any]) -> Cell:
        first, value = next(iter(row)), row.get(name)
        words = None if first in ("id", "name") or value is None else self._x.first(f"plan.{name}.{row[first]}")
        return self.cell(name, value) if words is None else text(words)

    def cell(self, key: str, value: Any) -> Cell:
        """One value, by the name under which it stands."""
        if value is None:
            return text(None)
        if isinstance(value, bool):
            return text(self._x.text("planned.yes" if value else "planned.no"))
        if isinstance(value, int | float):
            return size(int(value)) if key in _SIZES or key.endswith(("_size", "_bytes")) else number(value)
        if isinstance(value, Mapping) and _is_name(value):
            return self._name(key, value)
        if isinstance(value, Mapping):
            return text(", ".join(f"{self.label(name)}: {self.cell(name, part).value}" for name, part in value.items()))
        if isinstance(value, list | tuple):
            return text(", ".join(str(self.cell(key, each).value) for each in value))
        if key in _LEVELS and value in tuple(Level):
            return state(Level(value), self._x.first(f"plan.{key}.{value}") or str(value))
        return text(self._x.first(f"plan.{key}.{value}") or self._names.get(str(value), str(value)))

    def _name(self, key: str, found: Mapping[str, Any]) -> Cell:
        name, moid = str(found.get("name", found.get("id", ""))), found.get("id")
        kind = _KINDS.get(key.removesuffix("s"))
        if kind is None or not moid:
            return text(name)
        return thing(str(ObjectId(kind, str(moid), self._x.target.guid)), name)


def _is_name(value: Mapping[str, Any]) -> bool:
    return bool(value) and value.keys() <= {"id", "name"} and "name" in value


def _is_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _found(plan: Mapping[str, Any], key: str) -> list[Any]:
    """What stands under this key in the plan or one level below."""
    parts = [plan, *(value for value in plan.values() if isinstance(value, Mapping))]
    return [each for part in parts for each in part.get(key) or ()]
