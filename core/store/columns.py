"""Column types that every database keeps alike: times as integer microseconds, JSON as text, lists as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from ..model.json_text import encoder

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The UTC time of `value` microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """A UTC time, kept as integer microseconds."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda value: None if value is None else to_micros(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda value: None if value is None else from_micros(value)


class Json(TypeDecorator[Any]):
    """A JSON document, kept as text; empty objects and lists cost nothing to read."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        encode = encoder(_plain)
        return lambda value: None if value is None else ("{}" if value == {} else encode(value))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        decode = json.loads
        return lambda value: None if value is None else ({} if value == "{}" else decode(value))


class Names(TypeDecorator[tuple[str, ...]]):
    """A short list of texts, kept as a JSON list and read as a tuple."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda value: None if value is None else json.dumps(list(value))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda value: None if value is None else tuple(json.loads(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict) or hasattr(value, "keys"):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


class DatabaseClock(FunctionElement[int]):
    """Microseconds since 1970 by the database's own clock, which all processes share."""

    inherit_cache = True
    type: TypeEngine[int] = BigInteger()


@compiles(DatabaseClock, "sqlite")
def _sqlite_clock(element: DatabaseClock, compiler: Any, **options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"


@compiles(DatabaseClock, "postgresql")
def _postgresql_clock(element: DatabaseClock, compiler: Any, **options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
