"""The leases of duties in the store, by the database's clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from ..store import schema
from ..store.columns import DatabaseClock, from_micros
from ..store.database import Tx
from ..store.dialects import insert_if_absent

_duties = schema.duties
_named = _duties.c.name == bindparam("wanted")
_held = and_(_named, _duties.c.owner == bindparam("me"), _duties.c.epoch == bindparam("e"))
_until = DatabaseClock() + bindparam("lease", type_=_duties.c.lease_until.type)
_told: dict[str, Any] = {name: bindparam(f"v_{name}") for name in ("last_started", "last_ended", "last_error")}
_all = select(*_duties.c, DatabaseClock().label("clock")).order_by(_duties.c.name)
_free = or_(
    _duties.c.owner.is_(None),
    _duties.c.lease_until <= DatabaseClock(),
    _duties.c.owner == bindparam("me"),
    _duties.c.owner == bindparam("dead"),
)
_claim = update(_duties).where(_named, _duties.c.epoch == bindparam("e"), _free)
_claim = _claim.values(owner=bindparam("me"), epoch=_duties.c.epoch + 1, lease_until=_until)
_renew = update(_duties).where(_held).values({"lease_until": _until} | _told)
_release = update(_duties).where(_held).values({"owner": None, "lease_until": 0} | _told)


@dataclass(frozen=True, slots=True)
class DutyStatus:
    """A duty as it stands in the store. `owner` is None when nobody holds it now; times are UTC, None for never."""

    name: str
    owner: str | None
    epoch: int
    lease_until: datetime | None
    last_started: datetime | None
    last_ended: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A duty's row as read, times in microseconds by the database's clock, with what that clock said."""

    name: str
    owner: str | None
    epoch: int
    lease_until: int
    last_started: int
    last_ended: int
    last_error: str | None
    clock: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a holder says of its runs when it renews or releases."""

    last_started: int
    last_ended: int
    last_error: str | None


def register(tx: Tx, names: Iterable[str]) -> None:
    """Make sure that each duty has a row."""
    for name in sorted(names):
        insert_if_absent(tx, _duties, {"name": name, "epoch": 0, "lease_until": 0, "last_started": 0, "last_ended": 0})


def rows(tx: Tx) -> list[Row]:
    """All duties."""
    found: Iterable[Any] = tx.execute(_all)
    return [Row(*row) for row in found]


def statuses(tx: Tx) -> list[DutyStatus]:
    """All duties, for people."""
    return [
        DutyStatus(
            row.name,
            row.owner if row.lease_until > row.clock else None,
            row.epoch,
            _moment(row.lease_until),
            _moment(row.last_started),
            _moment(row.last_ended),
            row.last_error,
        )
        for row in rows(tx)
    ]


def claim(tx: Tx, row: Row, me: str, lease: int, *, dead: bool = False) -> bool:
    """Take the duty as it was read in `row` for `lease` microseconds, if it is free; returns whether it was taken.

    `dead` says that the owner in `row` is known to live no more, so that its lease need not be waited for. The epoch
    rises by one.
    """
    parameters = {"wanted": row.name, "e": row.epoch, "me": me, "lease": lease, "dead": row.owner if dead else me}
    return bool(tx.execute(_claim, parameters).rowcount == 1)


def renew(tx: Tx, name: str, me: str, epoch: int, lease: int, told: Told) -> bool:
    """Hold on for another `lease` microseconds; False when the duty is no longer ours."""
    return bool(tx.execute(_renew, _parameters(name, me, epoch, told) | {"lease": lease}).rowcount == 1)


def release(tx: Tx, name: str, me: str, epoch: int, told: Told) -> bool:
    """Give the duty back, so that another can take it at once; False when it was no longer ours."""
    return bool(tx.execute(_release, _parameters(name, me, epoch, told)).rowcount == 1)


def _parameters(name: str, me: str, epoch: int, told: Told) -> dict[str, object]:
    return {
        "wanted": name,
        "me": me,
        "e": epoch,
        "v_last_started": told.last_started,
        "v_last_ended": told.last_ended,
        "v_last_error": told.last_error,
    }


def _moment(micros: int) -> datetime | None:
    return from_micros(micros) if micros else None
