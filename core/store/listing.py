"""Lists, page by page, by keyset: a page costs the same wherever in the list it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar, get_type_hints

from sqlalchemy import BigInteger, Boolean, Column, Integer, bindparam, func, select, tuple_, type_coerce
from sqlalchemy.sql import ColumnElement

from ..errors import Invalid
from ..model.page import LARGEST_PAGE, Page, Query
from .columns import Moment
from .database import Tx
from .repository import Repository

T = TypeVar("T")

_TAG_BYTES = 16
_LARGEST = (1 << 63) - 1
_statements: dict[tuple[Any, ...], Any] = {}
_enums: dict[type[Any], dict[str, type[Enum]]] = {}


def page(
    tx: Tx,
    repository: Repository[T],
    query: Query,
    *,
    sort_keys: Collection[str],
    filter_fields: Collection[str],
    signer: bytes,
    scope: Mapping[str, Any] | None = None,
    conditions: Sequence[ColumnElement[bool]] = (),
    total: Callable[[], int | None] | None = None,
) -> Page[T]:
    """The part of the list that `query` asks for.

    `scope` holds equalities that the caller is bound to (his tenant) and `conditions` further ones; a cursor is good
    only for the scope, the filters and the sort it was made for. `signer` is the installation's key for cursors.
    `total` gives the number of all items in scope where somebody knows it (the usage row); else, and with filters, a
    total that is asked for is counted. Items of equal sort value follow each other by id.

    Raises `Invalid` for an unknown sort or filter, a value of the wrong type, a wrong limit or a foreign cursor.
    """
    if isinstance(query.limit, bool) or not isinstance(query.limit, int) or not 1 <= query.limit <= LARGEST_PAGE:
        raise Invalid(f"The limit must be a whole number from 1 to {LARGEST_PAGE}.")
    column, descending = _sort(repository, query.sort, sort_keys)
    filters = _filters(repository, query.filters, filter_fields)
    equalities = {**filters, **(scope or {})}
    binding = json.dumps([repository.table.name, query.sort, filters, scope], sort_keys=True, default=str)
    parameters: dict[str, Any] = {f"f_{name}": value for name, value in equalities.items() if value is not None}
    parameters["rows"] = query.limit + 1
    if query.cursor is not None:
        parameters["after_value"], parameters["after_id"] = _open_cursor(query.cursor, binding, signer, column)
    shape = tuple(sorted((name, value is None) for name, value in equalities.items()))
    statement = _statement(repository, column, descending, shape, query.cursor is not None)
    if conditions:
        statement = statement.where(*conditions)
    rows = tx.execute(statement, parameters).all()
    following = None
    if len(rows) > query.limit:
        rows = rows[: query.limit]
        following = _make_cursor(rows[-1][-1], rows[-1].id, binding, signer)
    width = len(repository.names)
    items = repository.complete(tx, [repository.noun_of(row[:width]) for row in rows])
    return Page(items, following, _total(tx, repository, query, filters, scope or {}, conditions, total))


def _sort(repository: Repository[Any], sort: str, allowed: Collection[str]) -> tuple[Column[Any], bool]:
    name = sort.removeprefix("-")
    if name not in allowed:
        raise Invalid(
            f"A {repository.label} list cannot be sorted by {name[:64]!r}.",
            next_step=f"Sort by one of {', '.join(sorted(allowed))}; put - before it for descending order.",
            allowed=sorted(allowed),
        )
    return repository.table.c[name], sort.startswith("-")


def _filters(repository: Repository[Any], given: Mapping[str, Any], allowed: Collection[str]) -> dict[str, Any]:
    """The filters with their values in the types that the columns hold."""
    for name in given:
        if name not in allowed:
            raise Invalid(
                f"A {repository.label} list cannot be filtered by {str(name)[:64]!r}.",
                next_step=f"Filter by {', '.join(sorted(allowed))}." if allowed else "Leave the filter out.",
                allowed=sorted(allowed),
            )
    return {name: _value(repository, name, value) for name, value in given.items()}


def _value(repository: Repository[Any], name: str, value: Any) -> Any:
    column = repository.table.c[name]
    if value is None and column.nullable:
        return None
    if isinstance(column.type, Boolean):
        known = {"true": True, "false": False}.get(str(value).lower())
        if known is not None:
            return known
        raise Invalid(f"The filter {name} is true or false.")
    if isinstance(column.type, Integer | BigInteger):
        try:
            number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        if number is None or abs(number) > _LARGEST:
            raise Invalid(f"The filter {name} is a whole number.")
        return number
    kind = _enums_of(repository).get(name)
    if kind is not None:
        texts = [str(member.value) for member in kind]
        text = str(value.value if isinstance(value, Enum) else value)
        if text in texts:
            return text
        raise Invalid(f"The filter {name} is one of {', '.join(texts)}.", allowed=texts)
    if not isinstance(value, str) or "\0" in value or not _encodes(value):
        raise Invalid(f"The filter {name} is a text.")
    return value


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _enums_of(repository: Repository[Any]) -> dict[str, type[Enum]]:
    noun = repository.noun
    if noun not in _enums:
        hints = get_type_hints(noun)
        names = [field.name for field in fields(noun)]
        _enums[noun] = {n: hints[n] for n in names if isinstance(hints[n], type) and issubclass(hints[n], Enum)}
    return _enums[noun]


def _statement(
    repository: Repository[Any], column: Column[Any], descending: bool, shape: tuple[tuple[str, bool], ...], more: bool
) -> Any:
    key = (repository.table, column.name, descending, shape, more)
    statement = _statements.get(key)
    if statement is None:
        statement = _statements[key] = _build(repository, column, descending, shape, more)
    return statement


def _build(
    repository: Repository[Any], column: Column[Any], descending: bool, shape: tuple[tuple[str, bool], ...], more: bool
) -> Any:
    table = repository.table
    identity = table.c.id
    raw = _raw(column)
    statement = select(*repository.columns, raw.label("sort_value")).where(*_equalities(repository, shape))
    if more:
        here = tuple_(raw, identity)
        there = tuple_(bindparam("after_value", type_=raw.type), bindparam("after_id", type_=identity.type))
        statement = statement.where(here < there if descending else here > there)
    order = (column.desc(), identity.desc()) if descending else (column.asc(), identity.asc())
    return statement.order_by(*order).limit(bindparam("rows", type_=Integer()))


def _equalities(repository: Repository[Any], shape: tuple[tuple[str, bool], ...]) -> list[ColumnElement[bool]]:
    columns = repository.table.c
    return [
        columns[name].is_(None) if absent else columns[name] == bindparam(f"f_{name}", type_=columns[name].type)
        for name, absent in shape
    ]


def _raw(column: Column[Any]) -> ColumnElement[Any]:
    """The column as the database holds it: a cursor carries microseconds, not a time."""
    return type_coerce(column, BigInteger) if isinstance(column.type, Moment) else type_coerce(column, column.type)


def _total(
    tx: Tx,
    repository: Repository[Any],
    query: Query,
    filters: Mapping[str, Any],
    scope: Mapping[str, Any],
    conditions: Sequence[ColumnElement[bool]],
    total: Callable[[], int | None] | None,
) -> int | None:
    if not query.with_total:
        return None
    known = total() if total is not None and not filters else None
    if known is not None:
        return known
    equalities = {**filters, **scope}
    shape = tuple(sorted((name, value is None) for name, value in equalities.items()))
    statement = select(func.count()).select_from(repository.table).where(*_equalities(repository, shape), *conditions)
    parameters = {f"f_{name}": value for name, value in equalities.items() if value is not None}
    return int(tx.execute(statement, parameters).scalar_one())


def _make_cursor(value: Any, identifier: str, binding: str, signer: bytes) -> str:
    payload = json.dumps([value, identifier], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_tag(payload, binding, signer) + payload).rstrip(b"=").decode()


def _open_cursor(cursor: str, binding: str, signer: bytes, column: Column[Any]) -> tuple[Any, str]:
    try:
        raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not payload or not hmac.compare_digest(tag, _tag(payload, binding, signer)):
        raise Invalid(
            "The cursor does not belong to this list with these filters and this sort.",
            next_step="Ask for the first page again, without a cursor.",
        )
    value, identifier = json.loads(payload)
    return value, identifier


def _tag(payload: bytes, binding: str, signer: bytes) -> bytes:
    return hmac.new(signer, binding.encode() + b"\0" + payload, hashlib.sha256).digest()[:_TAG_BYTES]
