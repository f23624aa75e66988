"""What a page shows, without saying how it is drawn: blocks of typed values, with labels in the reader's language.

The plugin makes blocks, the web pages draw them; so a page is tested without a browser, and every page looks alike.
What depends on the reader's settings (sizes, times, numbers) goes out as plain values and is formatted by the browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class Level(StrEnum):
    """How well something is."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. `kind` says what `value` is, and what else there is beside it:

    `text` a string; `number`, `bytes`, `percent` (0 to 100), `milliseconds` a number; `time` ISO 8601 in UTC; `state` a
    `Level` with `text`; `bar` how much is used (bytes) `of` how much; `object` an object of the platform's inventory by
    its name for the client, `operation` one by its id, both with `text`. A value that nobody knows is None,
    one that is known not to be there an empty `text`.
    """

    kind: str
    value: Any
    text: str = ""
    of: int | None = None

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self.kind, "value": self.value}
        if self.text:
            found["text"] = self.text
        if self.of is not None:
            found["of"] = self.of
        return found


def text(value: str | None) -> Cell:
    return Cell("text", value)


def number(value: float | None) -> Cell:
    return Cell("number", value)


def size(value: int | None) -> Cell:
    """In bytes."""
    return Cell("bytes", value)


def percent(value: float | None) -> Cell:
    """0 to 100."""
    return Cell("percent", value)


def milliseconds(value: float | None) -> Cell:
    return Cell("milliseconds", value)


def moment(value: datetime | None) -> Cell:
    return Cell("time", None if value is None else value.isoformat())


def state(level: Level, said: str) -> Cell:
    return Cell("state", level.value, said)


def bar(used: int | None, of: int | None) -> Cell:
    """Both in bytes."""
    return Cell("bar", used, of=of)


def thing(urn: str, name: str) -> Cell:
    """An object of the platform's inventory; its client can go there."""
    return Cell("object", urn, name)


def operation(identifier: str, said: str) -> Cell:
    """An operation; the page can show its steps."""
    return Cell("operation", identifier, said)


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, in this order."""

    title: str
    facts: Sequence[tuple[str, Cell]]

    def to_json(self) -> dict[str, Any]:
        facts = [{"label": label, "value": cell.to_json()} for label, cell in self.facts]
        return {"type": "facts", "title": self.title, "facts": facts}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a table: its cells by column. `target` is what the actions named in `actions` are done to; None where
    they are done to nothing in particular, with `given` as the input that is known already."""

    id: str
    cells: Mapping[str, Cell]
    actions: Sequence[str] = ()
    target: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "cells": {column: cell.to_json() for column, cell in self.cells.items()},
            "actions": list(self.actions),
            "target": self.target,
            "given": dict(self.given),
        }


@dataclass(frozen=True, slots=True)
class Table:
    """Columns (id and label) and rows; `empty` is said when there are none. `actions` are those of the whole table.
    `more` is true when rows were left out: no page shows thousands."""

    id: str
    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Entry]
    empty: str
    actions: Sequence[str] = ()
    more: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "type": "table",
            "id": self.id,
            "title": self.title,
            "columns": [{"id": identifier, "label": label} for identifier, label in self.columns],
            "rows": [row.to_json() for row in self.rows],
            "empty": self.empty,
            "actions": list(self.actions),
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class Trend:
    """Values over time, oldest first; None is a hole. `unit` is a kind of number of `Cell`, or `per_second`."""

    title: str
    unit: str
    series: Sequence[tuple[str, Sequence[tuple[datetime, float | None]]]]
    empty: str

    def to_json(self) -> dict[str, Any]:
        series = [
            {"label": label, "points": [[at.isoformat(), value] for at, value in points]}
            for label, points in self.series
        ]
        return {"type": "trend", "title": self.title, "unit": self.unit, "series": series, "empty": self.empty}


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that stands out, and what to do about it."""

    level: Literal[Level.INFO, Level.WARNING, Level.ERROR, Level.OK]
    text: str
    cure: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"type": "notice", "level": self.level.value, "text": self.text, "cure": self.cure}


Block = Facts | Table | Trend | Notice
