"""Documents of any depth, as people read them: a field a line, and what holds more stands indented below its name."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from .findings import finding_lines, findings_in
from .output import cell, grid, is_size, plain

_WIDE = 110
"""What is wider stands below its name, where no terminal says how wide it is."""


def details(thing: Any, *, leave_out: Sequence[str] = (), said: Mapping[str, str] | None = None) -> None:
    """One thing; what is empty is left out. `said` has the text of fields that read better so."""
    document = {**plain(thing), **(said or {})}
    tell({name: value for name, value in document.items() if name not in leave_out and not _empty(value)})


def tell(document: Mapping[str, Any]) -> None:
    """The whole of a document, also what is empty in it."""
    for line in _fields(document, _edge()):
        click.echo(line)


def _fields(document: Mapping[str, Any], edge: int) -> Iterator[str]:
    below = {name: list(_below(value, edge - 2)) for name, value in document.items()}
    width = max((len(name) for name in document if not below[name]), default=0)
    for name, value in document.items():
        label = name.replace("_", " ")
        if below[name]:
            yield click.style(label, bold=True)
            yield from (f"  {line}" for line in below[name])
        else:
            first, *more = _sentences(name, value)
            yield f"{click.style(label.ljust(width), bold=True)}  {first}"
            yield from (f"{'':{width}}  {line}" for line in more)


def _below(value: Any, edge: int) -> Iterator[str]:
    """The lines of what does not fit beside its name."""
    if isinstance(value, Mapping):
        if value and not _is_said(value) and (not _flat(value) or len(cell("", value)) > edge // 2):
            yield from _fields(value, edge)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if found := findings_in(value):
            yield from finding_lines(found)
        elif value and all(isinstance(each, Mapping) for each in value):
            yield from _rows(value, edge)
        elif len(value) > 1 and len(cell("", value)) > edge:
            yield from (cell("", each) for each in value)


def _rows(rows: Sequence[Mapping[str, Any]], edge: int) -> Iterator[str]:
    """A table where it fits, else one block after the other."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if all(_flat(row) for row in rows):
        shown = [[cell(name, row.get(name)) for name in names] for row in rows]
        lines = list(grid([name.replace("_", " ").upper() for name in names], shown))
        if max(map(len, lines)) <= edge:
            yield click.style(lines[0], bold=True)
            yield from lines[1:]
            return
    for row in rows:
        for number, line in enumerate(_fields(row, edge - 2)):
            yield f"{'  ' if number else '- '}{line}"


def _sentences(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping) and _is_said(value):
        return [str(value["message"]), *([str(value["next_step"])] if value.get("next_step") else [])]
    if isinstance(value, Sequence) and not value and not isinstance(value, str):
        return ["none"]
    exact = isinstance(value, int) and not isinstance(value, bool) and is_size(name) and value >= 1024
    return [cell(name, value) + (f" ({value} bytes)" if exact else "")]


def _is_said(value: Mapping[str, Any]) -> bool:
    """Whether it has a text for people, as errors have."""
    return isinstance(value.get("message"), str)


def _flat(value: Mapping[str, Any]) -> bool:
    """Whether nothing in it holds more than single values."""
    return not any(
        isinstance(each, Mapping) or (isinstance(each, list | tuple) and any(map(_holds, each)))
        for each in value.values()
    )


def _holds(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | Mapping | Sequence) and not value)


def _edge() -> int:
    return shutil.get_terminal_size((_WIDE, 0)).columns if sys.stdout.isatty() else _WIDE
