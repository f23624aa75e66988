"""What the command prints: tables and details for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any

import click

from ...core.model.codec import to_json
from .sizes import human_size, human_time

Show = Callable[[Any], str]
Column = tuple[str, str] | tuple[str, str, Show]
"""A heading, the field it shows, and how (as text if nothing is said)."""

_SIZES = frozenset({"size", "total", "used", "ours", "provisioned", "reserved", "bytes", "max_bytes", "granularity"})


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
    """A value as a person reads it; `name` tells sizes and times from other numbers."""
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime) or name.endswith(("_at", "_until")):
        return human_time(value)
    if name in _SIZES:
        return human_size(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items()) or "-"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_item(each) for each in value) or "-"
    return str(value)


def _item(value: Any) -> str:
    if isinstance(value, Mapping):
        return ":".join(str(each) for each in value.values())
    return str(value)


def table(columns: Sequence[Column], rows: Sequence[Any], empty: str = "Nothing there.") -> None:
    """Rows under headings, as wide as they need; cut at the terminal's edge when there is one."""
    if not rows:
        click.echo(empty)
        return
    documents = [plain(row) for row in rows]
    cells = [[_shown(column, document) for column in columns] for document in documents]
    widths = [max([len(column[0]), *(len(line[at]) for line in cells)]) for at, column in enumerate(columns)]
    edge = shutil.get_terminal_size((0, 0)).columns if sys.stdout.isatty() else 0
    heading = "  ".join(column[0].ljust(width) for column, width in zip(columns, widths, strict=True))
    click.secho(_cut(heading.rstrip(), edge), bold=True)
    for line in cells:
        click.echo(_cut("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip(), edge))


def _shown(column: Column, document: Mapping[str, Any]) -> str:
    value = document.get(column[1])
    how: Any = column[2:]
    return str(how[0](value)) if how else cell(column[1], value)


def _cut(text: str, edge: int) -> str:
    return text if not edge or len(text) <= edge else text[: edge - 1] + "…"


def details(thing: Any, *, leave_out: Sequence[str] = (), said: Mapping[str, str] | None = None) -> None:
    """One thing, a field a line; what is empty is left out. `said` has the text of fields that read better so."""
    document = {**plain(thing), **(said or {})}
    shown = {
        name: value for name, value in document.items() if name not in leave_out and value not in (None, "", [], {}, ())
    }
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        label = click.style(name.replace("_", " ").ljust(width), bold=True)
        if isinstance(value, Mapping) and any(isinstance(each, Mapping | list) for each in value.values()):
            click.echo(f"{label}  {json.dumps(value, ensure_ascii=False)}")
        else:
            exact = f" ({value} bytes)" if name in _SIZES and isinstance(value, int) and value >= 1024 else ""
            click.echo(f"{label}  {cell(name, value)}{exact}")
