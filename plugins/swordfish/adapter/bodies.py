"""Reading what a service says: anything may be missing or of another type than the schema has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from .paths import path_of

Body = Mapping[str, Any]

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that the service does not tell."""

_DIGITS = 20
"""Of the largest number of 64 bits."""


def at(body: Any, *names: str | int) -> Any:
    """What stands at a place, None where nothing does."""
    for name in names:
        if isinstance(body, Mapping):
            body = body.get(name)
        elif isinstance(body, list) and isinstance(name, int) and name < len(body):
            body = body[name]
        else:
            return None
    return body


def text(body: Any, *names: str | int) -> str:
    """The text at a place, empty where there is none."""
    found = at(body, *names)
    return found if isinstance(found, str) else ""


def number(body: Any, *names: str | int) -> int | None:
    """The whole number at a place. Numbers that came as texts are numbers."""
    found = at(body, *names)
    if isinstance(found, bool):
        return None
    if isinstance(found, int):
        return found
    if isinstance(found, float) and found.is_integer():
        return int(found)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= _DIGITS:
        return int(found)
    return None


def mappings(body: Any, *names: str | int) -> Iterator[Body]:
    """The objects in the list at a place."""
    found = at(body, *names)
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping):
            yield one


def texts(body: Any, *names: str | int) -> list[str]:
    """The texts in the list at a place."""
    found = at(body, *names)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def link(body: Any, *names: str | int) -> str | None:
    """The path that a link at a place leads to. A bare URI is a link too."""
    found = at(body, *names)
    return path_of(found if isinstance(found, str) else at(found, "@odata.id"))


def links(body: Any, *names: str | int) -> list[str]:
    """The paths that the links in the list at a place lead to."""
    return [path for one in mappings(body, *names) if (path := path_of(one.get("@odata.id"))) is not None]


def kind(body: Any) -> str:
    """The name of its schema: `Volume` of `#Volume.v1_10_2.Volume`."""
    return text(body, "@odata.type").lstrip("#").partition(".")[0]


def moment(body: Any, *names: str | int) -> datetime | None:
    """The time at a place, in UTC; a time without a zone is taken for UTC."""
    try:
        found = datetime.fromisoformat(text(body, *names))
        return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
