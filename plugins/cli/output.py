"""What the command prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any

import click

from ...core.model.codec import to_json
from .sizes import human_size, human_time

Show = Callable[[Any], str]
Column = tuple[str, str] | tuple[str, str, Show]
"""A heading, the field it shows, and how (as text if nothing is said)."""

_SIZES = frozenset(
    {
        "size", "new_size", "total", "used", "ours", "provisioned", "reserved", "bytes", "granularity", "capacity",
        "room_before", "room_after", "released",
    }
)  # fmt: skip


def plain(thing: Any) -> Any:
    """Nouns as plain JSON values."""
    if is_dataclass(thing) and not isinstance(thing, type):
        return to_json(thing)
    if isinstance(thing, Sequence) and not isinstance(thing, str | bytes):
        return [plain(each) for each in thing]
    return thing


def show_json(thing: Any) -> None:
    click.echo(json.dumps(plain(thing), indent=2, ensure_ascii=False, default=str))


def cell(name: str, value: Any) -> str:
    """A value on one line, as a person reads it; `name` tells sizes and times from other numbers."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and is_size(name):
        return human_size(value)
    if isinstance(value, datetime) or (isinstance(value, str) and name.endswith(("_at", "_until"))):
        return human_time(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_inner(key, each)}" for key, each in value.items()) or "-"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_inner(name, each) for each in value) or "-"
    return str(value)


def is_size(name: str) -> bool:
    """Whether a number of this name is one of bytes."""
    return name in _SIZES or name.endswith("_bytes")


def _inner(name: str, value: Any) -> str:
    """A value within another one on the same line."""
    said = cell(name, value)
    return f"({said})" if isinstance(value, Mapping | list | tuple) and value else said


def table(columns: Sequence[Column], rows: Sequence[Any], empty: str = "Nothing there.") -> None:
    """Rows under headings, as wide as they need; cut at the terminal's edge when there is one."""
    if not rows:
        click.echo(empty)
        return
    documents = [plain(row) for row in rows]
    edge = shutil.get_terminal_size((0, 0)).columns if sys.stdout.isatty() else 0
    heading, *lines = grid(
        [column[0] for column in columns], [[_shown(column, document) for column in columns] for document in documents]
    )
    click.secho(_cut(heading, edge), bold=True)
    for line in lines:
        click.echo(_cut(line, edge))


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines whose columns stand below each other, the headings first."""
    widths = [max([len(heading), *(len(row[at]) for row in rows)]) for at, heading in enumerate(headings)]
    for row in (headings, *rows):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _shown(column: Column, document: Mapping[str, Any]) -> str:
    value = document.get(column[1])
    how: Any = column[2:]
    return str(how[0](value)) if how else cell(column[1], value)


def _cut(text: str, edge: int) -> str:
    return text if not edge or len(text) <= edge else text[: edge - 1] + "…"
