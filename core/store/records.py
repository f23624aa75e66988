"""Records of plugins and drivers, bound to an owner so that each sees its own only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import BigInteger, and_, bindparam, or_, select, type_coerce, update
from sqlalchemy.exc import IntegrityError

from ..errors import Conflict, Invalid, NotFound, NotOffered, Stale
from ..model.identity import now
from ..model.page import LARGEST_PAGE
from ..model.record import LARGEST_RECORD, Record
from . import schema
from .columns import DatabaseClock
from .database import Database, Tx
from .dialects import insert_if_absent

_records = schema.records
_NAMES = ("kind", "id", "body", "tenant", "key", "sealed", "expires_at", "version", "created_at", "updated_at")
_columns = [_records.c[name] for name in _NAMES]
_of_kind = and_(_records.c.owner == bindparam("o"), _records.c.kind == bindparam("k"))
_this = and_(_of_kind, _records.c.id == bindparam("i"))
_keyed = and_(_of_kind, _records.c.key == bindparam("y"))
_live = or_(_records.c.expires_at.is_(None), type_coerce(_records.c.expires_at, BigInteger) > DatabaseClock())
_expired = type_coerce(_records.c.expires_at, BigInteger) <= DatabaseClock()
_by_id = select(*_columns).where(_this, _live)
_by_key = select(*_columns).where(_keyed, _live)
_listed = select(*_columns).where(_of_kind, _records.c.id > bindparam("a"), _live).order_by(_records.c.id)
_listed = _listed.limit(bindparam("rows"))
_listed_of_tenant = _listed.where(_records.c.tenant == bindparam("t"))
_CHANGED = ("body", "tenant", "key", "sealed", "expires_at", "updated_at")
_swap = (
    update(_records)
    .where(_this, _records.c.version == bindparam("if_version"), _live)
    .values(
        {name: bindparam(f"v_{name}", type_=_records.c[name].type) for name in _CHANGED}
        | {"version": _records.c.version + 1}
    )
)
_remove = _records.delete().where(_this)
_remove_version = _remove.where(_records.c.version == bindparam("if_version"))
_make_way = _records.delete().where(
    _of_kind, or_(_records.c.id == bindparam("i"), _records.c.key == bindparam("y")), _expired
)
_some_expired = select(_records.c.owner, _records.c.kind, _records.c.id).where(_expired).limit(bindparam("rows"))
_remove_expired = _remove.where(_expired)
_forget = _records.delete().where(_records.c.owner == bindparam("o"))


class Seals(Protocol):
    """What closes and opens secrets, bound to their owner."""

    def seal(self, owner: str, plaintext: bytes) -> bytes: ...

    def open(self, owner: str, sealed: bytes) -> bytes: ...


class OwnedRecords:
    """The `Records` of one owner (`plugin:NAME`, `driver:NAME`), each call in its own durable transaction."""

    def __init__(self, database: Database, owner: str, sealer: Seals | None = None) -> None:
        if not owner or len(owner) > 128:
            raise Invalid("The owner of records has a name of 1 to 128 characters.")
        self._database = database
        self._owner = owner
        self._sealer = sealer

    def get(self, kind: str, id: str) -> Record | None:
        with self._database.read() as tx:
            return _one(tx, _by_id, {"o": self._owner, "k": kind, "i": id})

    def find_by_key(self, kind: str, key: str) -> Record | None:
        with self._database.read() as tx:
            return _one(tx, _by_key, {"o": self._owner, "k": kind, "y": key})

    def list(
        self, kind: str, *, tenant: str | None = None, after: str | None = None, limit: int = 100
    ) -> Sequence[Record]:
        if not 1 <= limit <= LARGEST_PAGE:
            raise Invalid(f"The limit must be a whole number from 1 to {LARGEST_PAGE}.")
        parameters: dict[str, Any] = {"o": self._owner, "k": kind, "a": after or "", "rows": limit}
        statement = _listed
        if tenant is not None:
            statement, parameters["t"] = _listed_of_tenant, tenant
        with self._database.read() as tx:
            return [Record(*row) for row in tx.execute(statement, parameters)]

    def put(self, record: Record) -> Record:
        _check(record)
        return self._database.change(lambda tx: self._put(tx, record), durable=True)

    def replace(self, record: Record) -> Record:
        _check(record)
        try:
            return self._database.change(lambda tx: self._replace(tx, record), durable=True)
        except IntegrityError as error:
            raise _key_taken(record) from error

    def delete(self, kind: str, id: str, *, version: int | None = None) -> bool:
        return self._database.change(lambda tx: self._delete(tx, kind, id, version), durable=True)

    def seal(self, secret: bytes) -> bytes:
        return self._seals().seal(sealing_owner(self._owner), secret)

    def open(self, sealed: bytes) -> bytes:
        return self._seals().open(sealing_owner(self._owner), sealed)

    def _put(self, tx: Tx, record: Record) -> Record:
        moment = now()
        row = {name: getattr(record, name) for name in _NAMES}
        row |= {"owner": self._owner, "version": 1, "created_at": moment, "updated_at": moment}
        if not insert_if_absent(tx, _records, row):
            self._make_way(tx, record)
            if not insert_if_absent(tx, _records, row):
                raise self._taken(tx, record)
        return Record(*(row[name] for name in _NAMES))

    def _replace(self, tx: Tx, record: Record) -> Record:
        this = {"o": self._owner, "k": record.kind, "i": record.id}
        holder = None
        if record.key is not None:
            self._make_way(tx, record)
            holder = _one(tx, _by_key, {"o": self._owner, "k": record.kind, "y": record.key})
        current = _one(tx, _by_id, this)
        if current is None:
            raise NotFound(f"There is no {record.kind} record {record.id}.", resource=record.id)
        if current.version != record.version:
            raise _stale(record.kind, record.id, current.version)
        if holder is not None and holder.id != record.id:
            raise _key_taken(record)
        values = {f"v_{name}": getattr(record, name) for name in _CHANGED} | {"v_updated_at": now()}
        if tx.execute(_swap, this | values | {"if_version": record.version}).rowcount != 1:
            raise _stale(record.kind, record.id, None)
        stored = _one(tx, _by_id, this)
        if stored is None:
            raise NotFound(f"The {record.kind} record {record.id} has expired.", resource=record.id)
        return stored

    def _delete(self, tx: Tx, kind: str, id: str, version: int | None) -> bool:
        this: dict[str, Any] = {"o": self._owner, "k": kind, "i": id}
        if version is None:
            return bool(tx.execute(_remove, this).rowcount == 1)
        if tx.execute(_remove_version, this | {"if_version": version}).rowcount == 1:
            return True
        current = _one(tx, _by_id, this)
        if current is not None:
            raise _stale(kind, id, current.version)
        return False

    def _make_way(self, tx: Tx, record: Record) -> None:
        """Remove what has expired and would stand in the way of this record."""
        tx.execute(_make_way, {"o": self._owner, "k": record.kind, "i": record.id, "y": record.key})

    def _taken(self, tx: Tx, record: Record) -> Conflict:
        if _one(tx, _by_id, {"o": self._owner, "k": record.kind, "i": record.id}) is not None:
            return Conflict(f"There is a {record.kind} record {record.id} already.", resource=record.id)
        return _key_taken(record)

    def _seals(self) -> Seals:
        if self._sealer is None:
            raise NotOffered("These records keep no secrets: no sealing key is set up.")
        return self._sealer


def sealing_owner(owner: str) -> str:
    """For whom the secrets in records of this owner are sealed."""
    return f"records:{owner}"


def expire(tx: Tx, limit: int = 500) -> int:
    """Remove up to `limit` records, whoever's, whose time has passed; returns how many went."""
    rows = tx.execute(_some_expired, {"rows": limit}).all()
    return sum(int(tx.execute(_remove_expired, {"o": o, "k": k, "i": i}).rowcount) for o, k, i in rows)


def forget(tx: Tx, owner: str) -> int:
    """Remove all records of an owner that is gone; returns how many there were."""
    return int(tx.execute(_forget, {"o": owner}).rowcount)


def _one(tx: Tx, statement: Any, parameters: dict[str, Any]) -> Record | None:
    row = tx.execute(statement, parameters).first()
    return None if row is None else Record(*row)


def _check(record: Record) -> None:
    for name, longest in (("kind", 128), ("id", 64), ("key", 255)):
        value = getattr(record, name)
        if value is not None and (not value or len(value) > longest or "\0" in value):
            raise Invalid(f"The {name} of a record has 1 to {longest} characters.")
    try:
        size = len(json.dumps(dict(record.body), separators=(",", ":"), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise Invalid(f"The body of the {record.kind} record {record.id} is not plain JSON.") from error
    for name, length in (("body", size), ("sealed part", len(record.sealed or b""))):
        if length > LARGEST_RECORD:
            raise Invalid(
                f"The {name} of the {record.kind} record {record.id} has {length} bytes; {LARGEST_RECORD} are allowed.",
                next_step="Keep large documents elsewhere, or split them over several records.",
            )


def _key_taken(record: Record) -> Conflict:
    return Conflict(f"Another {record.kind} record has the key {record.key}.", key=record.key)


def _stale(kind: str, id: str, version: int | None) -> Stale:
    said = "changed meanwhile" if version is None else f"is at version {version}"
    return Stale(
        f"The {kind} record {id} {said}.",
        next_step="Read it again and repeat the change if it still makes sense.",
        version=version,
    )
