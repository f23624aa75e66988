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
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_of(text: str) -> datetime:
    """The inverse of `time_text`; also takes any RFC 3339 text."""
    return datetime.fromisoformat(text).astimezone(UTC)


def to_json(noun: Any) -> dict[str, Any]:
    """The noun's fields as plain JSON values."""
    return {name: (value if plain else _out(value)) for name, plain, value in _values(noun)}


def from_json(kind: type[T], document: Mapping[str, Any]) -> T:
    """The noun of class `kind` that `document` describes; raises `KeyError` or `ValueError` when it does not."""
    known: dict[str, Convert] = _readers(kind)  # type: ignore[arg-type]
    return kind(**{name: known[name](value) for name, value in document.items() if name in known})


def _values(noun: Any) -> Sequence[tuple[str, bool, Any]]:
    plan: tuple[tuple[str, bool], ...] = _plan(type(noun))  # type: ignore[arg-type]
    return [(name, plain, getattr(noun, name)) for name, plain in plan]


@cache
def _plan(kind: type) -> tuple[tuple[str, bool], ...]:
    hints = get_type_hints(kind)
    plain = (str, int, bool, float, str | None, int | None)
    return tuple((f.name, hints[f.name] in plain) for f in fields(kind))


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
