"""Nouns as plain JSON and back: one way for every face and adapter.

Times become RFC 3339 text in UTC, enumerations their value, tuples lists. Unknown keys are ignored on the way back, so
that an older client reads a newer server.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Convert = Callable[[Any], Any]


def time_text(moment: datetime) -> str:
    """`2026-01-31T12:00:00.123456Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def time_of(text: str) -> datetime:
    """The inverse of `time_text`; also takes any RFC 3339 text."""
    return datetime.fromisoformat(text).astimezone(UTC)


def to_json(noun: Any) -> dict[str, Any]:
    """The noun's fields as plain JSON values."""
    plan: tuple[tuple[str, Convert | None], ...] = _plan(type(noun))  # type: ignore[arg-type]
    return {name: getattr(noun, name) if write is None else write(getattr(noun, name)) for name, write in plan}


def from_json(kind: type[T], document: Mapping[str, Any]) -> T:
    """The noun of class `kind` that `document` describes; raises `KeyError` or `ValueError` when it does not."""
    known: dict[str, Convert] = _readers(kind)  # type: ignore[arg-type]
    return kind(**{name: known[name](value) for name, value in document.items() if name in known})


@cache
def _plan(kind: type) -> tuple[tuple[str, Convert | None], ...]:
    """The fields, each with how it is written; None for what is plain JSON already."""
    hints = get_type_hints(kind)
    plain = (str, int, bool, float, str | None, int | None)
    return tuple((f.name, None if hints[f.name] in plain else _writer(hints[f.name])) for f in fields(kind))


def _writer(hint: Any) -> Convert:
    if hint is datetime:
        return time_text
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _value
    return _out


def _value(member: Any) -> Any:
    return member.value if isinstance(member, Enum) else member


def _out(value: Any) -> Any:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Mapping):
        return {str(key): _out(item) for key, item in value.items()}
    if isinstance(value, Sequence | frozenset | set):
        return [_out(item) for item in value]
    if is_dataclass(value):
        return to_json(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _readers(kind: type) -> dict[str, Convert]:
    hints = get_type_hints(kind)
    return {f.name: _reader(hints[f.name]) for f in fields(kind)}


def _reader(hint: Any) -> Convert:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        inner = _reader(options[0])
        return lambda value: None if value is None else inner(value)
    if origin is tuple or origin is Sequence:
        item = _reader(get_args(hint)[0])
        return lambda value: tuple(item(each) for each in value)
    if isinstance(hint, type):
        if issubclass(hint, datetime):
            return time_of
        if issubclass(hint, Enum):
            return hint
        if is_dataclass(hint):
            return lambda value: from_json(hint, value)
    return lambda value: value
