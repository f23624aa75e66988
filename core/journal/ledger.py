"""The runner's writes of an operation's row. Every one is fenced by owner and epoch; each statement is built once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, case, or_, select, type_coerce, update
from sqlalchemy import text as literal_text

from ..context import Context
from ..model.identity import now
from ..model.operation import OperationState
from ..store.columns import DatabaseClock
from ..store.database import Tx
from ..store.schema import operations as table
from ..store.statement import Statement
from .operations import repository
from .row import Row

MICROSECONDS = 1_000_000
RUNNING, PENDING, WAITING = (str(s) for s in (OperationState.RUNNING, OperationState.PENDING, OperationState.WAITING))
ATTENTION = str(OperationState.NEEDS_ATTENTION)
ENDED: tuple[str, ...] = tuple(str(state) for state in OperationState if state.ended)

_AMONG_LIVE = literal_text("operations.state IN ('pending', 'running', 'waiting')")
"""Word for word the condition of the index of live operations, so that the database sees that it may use it."""

_RAW = frozenset({"data", "result", "error"})
_CLOCK = DatabaseClock()
_COUNT = len(repository.names)


_READ = Statement(
    select(
        *repository.columns,
        table.c.context,
        type_coerce(table.c.data, Text),
        table.c.owner,
        table.c.epoch,
        table.c.waits_for,
        table.c.crashes,
        table.c.step_started,
        _CLOCK,
    ).where(table.c.id == bindparam("wanted"))
)


def read(tx: Tx, operation_id: str) -> Row | None:
    """The row, or None when there is none."""
    values = tx.execute(_READ, {"wanted": operation_id}).first()
    if values is None:
        return None
    context, data, owner, epoch, waits_for, crashes, started, clock = values[_COUNT:]
    return Row(
        repository.noun_of(values[:_COUNT]),
        Context.from_json(context),
        data,
        owner,
        epoch,
        waits_for,
        crashes,
        0.0 if not started else max(0.0, (clock - started) / MICROSECONDS),
    )


def decode(text: str) -> dict[str, Any]:
    """A document as it was saved, as an object of its own."""
    return {} if text == "{}" else dict(json.loads(text))


_MINE = and_(
    table.c.id == bindparam("wanted"),
    table.c.owner == bindparam("holder"),
    table.c.epoch == bindparam("held"),
    table.c.state == RUNNING,
)
_HERE = and_(table.c.step == bindparam("from_step"), table.c.undoing == bindparam("from_undoing"))
_LEASE: Any = _CLOCK + bindparam("lease", type_=BigInteger)
_LATER: Any = _CLOCK + bindparam("delay", type_=BigInteger)


def _set(*names: str) -> dict[str, Any]:
    return {name: bindparam(f"v_{name}", type_=Text if name in _RAW else table.c[name].type) for name in names}


_MOVE = _set("step", "undoing", "progress", "note", "data", "result", "error", "node", "updated_at")
_FRESH: dict[str, Any] = {"attempts": 0, "crashes": 0, "step_started": 0}
_LET_GO: dict[str, Any] = {"owner": None, "lease_until": 0}

_NOT_CANCELLED = table.c.cancel_requested.is_(False)
_advance = update(table).where(_MINE, _HERE).values(**_MOVE, **_FRESH, lease_until=_LEASE, waits_for=None)
_ADVANCE, _ADVANCE_UNLESS_CANCELLED = Statement(_advance), Statement(_advance.where(_NOT_CANCELLED))
_end = (
    update(table)
    .where(_MINE, _HERE)
    .values(**_MOVE, **_LET_GO, **_set("state"), waits_for=None, step_started=0, epoch=table.c.epoch + 1)
)
_END, _END_UNLESS_CANCELLED = Statement(_end), Statement(_end.where(_NOT_CANCELLED))
_park = (
    update(table)
    .where(_MINE, _HERE)
    .values(
        **_LET_GO,
        **_set("state", "progress", "note", "data", "result", "error", "attempts", "crashes", "node", "waits_for"),
        **_set("updated_at"),
        # What is being taken back heeds the cancel already, and may take its time.
        run_after=case((and_(table.c.cancel_requested.is_(True), table.c.undoing.is_(False)), 0), else_=_LATER),
        step_started=case(
            (bindparam("age", type_=BigInteger) < 0, 0), else_=_CLOCK - bindparam("age", type_=BigInteger)
        ),
    )
)
_PARK, _PARK_UNLESS_CANCELLED = Statement(_park), Statement(_park.where(_NOT_CANCELLED))


class Hold:
    """What fences a runner's writes: the operation, the owner, the epoch, and where the runner believes to stand."""

    __slots__ = ("epoch", "id", "owner", "step", "undoing")

    def __init__(self, id: str, owner: str, epoch: int, step: str, undoing: bool) -> None:
        self.id, self.owner, self.epoch, self.step, self.undoing = id, owner, epoch, step, undoing

    def parameters(self) -> dict[str, Any]:
        return {
            "wanted": self.id,
            "holder": self.owner,
            "held": self.epoch,
            "from_step": self.step,
            "from_undoing": self.undoing,
        }


def _changed(tx: Tx, statement: Any, hold: Hold, values: Mapping[str, Any]) -> bool:
    parameters = hold.parameters()
    for name, value in values.items():
        parameters[f"v_{name}"] = value
    parameters["v_updated_at"] = now()
    return bool(tx.execute(statement, parameters).rowcount == 1)


_HOLDS = Statement(select(table.c.id).where(_MINE))


def holds(tx: Tx, hold: Hold) -> bool:
    """Whether the operation is still held; for what changes nothing that a successor would mind."""
    parameters = {"wanted": hold.id, "holder": hold.owner, "held": hold.epoch}
    return tx.execute(_HOLDS, parameters).first() is not None


def advance(tx: Tx, hold: Hold, lease: float, *, heed_cancel: bool, **values: Any) -> bool:
    """Go to another step (or turn to undoing) and renew the lease.

    `values`: step, undoing, progress, note, data, result, error, node; the documents as text. False when the row is
    no longer held, stands elsewhere, or (`heed_cancel`) a cancel has been asked for.
    """
    parameters = hold.parameters()
    parameters["lease"] = int(lease * MICROSECONDS)
    for name, value in values.items():
        parameters[f"v_{name}"] = value
    parameters["v_updated_at"] = now()
    return bool(tx.execute(_ADVANCE_UNLESS_CANCELLED if heed_cancel else _ADVANCE, parameters).rowcount == 1)


def end(tx: Tx, hold: Hold, *, heed_cancel: bool, **values: Any) -> bool:
    """End the operation, or leave it to a person: like `advance`, with `state`; raises the epoch."""
    return _changed(tx, _END_UNLESS_CANCELLED if heed_cancel else _END, hold, values)


def park(
    tx: Tx, hold: Hold, *, heed_cancel: bool = False, delay: float = 0.0, age: float | None = None, **values: Any
) -> bool:
    """Let go of the operation for `delay` seconds or until `waits_for` ends; the step runs again afterwards.

    `values`: state, progress, note, data, result, error, attempts, crashes, node, waits_for. `age` is for how many
    seconds the step has been tried, None to begin its deadline anew.
    """
    parameters = hold.parameters()
    parameters["delay"] = int(delay * MICROSECONDS) if delay > 0 else -MICROSECONDS
    parameters["age"] = -1 if age is None else int(age * MICROSECONDS)
    for name, value in values.items():
        parameters[f"v_{name}"] = value
    parameters["v_updated_at"] = now()
    return bool(tx.execute(_PARK_UNLESS_CANCELLED if heed_cancel else _PARK, parameters).rowcount == 1)


_DUE = or_(
    and_(table.c.state == PENDING, table.c.run_after <= _CLOCK),
    and_(table.c.state == RUNNING, table.c.lease_until < _CLOCK),
)
_CLAIM = Statement(
    update(table)
    .where(table.c.id == bindparam("wanted"), table.c.epoch == bindparam("seen"), _DUE)
    .values(
        state=RUNNING,
        owner=bindparam("claimer", type_=table.c.owner.type),
        epoch=table.c.epoch + 1,
        lease_until=_LEASE,
        crashes=case((table.c.state == RUNNING, table.c.crashes + 1), else_=table.c.crashes),
    )
)


def claim(tx: Tx, row: Row, owner: str, lease: float) -> bool:
    """Take an operation that is due and that nobody runs; False when another was faster or it is not due."""
    parameters = {
        "wanted": row.operation.id,
        "seen": row.epoch,
        "claimer": owner,
        "lease": int(lease * MICROSECONDS),
    }
    return bool(tx.execute(_CLAIM, parameters).rowcount == 1)


_HELD = select(table.c.id, table.c.epoch, table.c.cancel_requested).where(
    table.c.id.in_(bindparam("wanted", expanding=True)),
    table.c.owner == bindparam("holder"),
    table.c.state == RUNNING,
)
_RENEW = (
    update(table)
    .where(
        table.c.id.in_(bindparam("wanted", expanding=True)),
        table.c.owner == bindparam("holder"),
        table.c.state == RUNNING,
    )
    .values(lease_until=_LEASE)
)
_TELL = update(table).where(_MINE).values(**_set("progress", "note", "updated_at"))


def renew(tx: Tx, owner: str, ids: list[str], lease: float) -> dict[str, tuple[int, bool]]:
    """Renew the leases of what `owner` still holds: id → (epoch, whether a cancel was asked for)."""
    held = {row[0]: (row[1], row[2]) for row in tx.execute(_HELD, {"wanted": ids, "holder": owner})}
    if held:
        tx.execute(_RENEW, {"wanted": sorted(held), "holder": owner, "lease": int(lease * MICROSECONDS)})
    return held


def tell(tx: Tx, hold: Hold, progress: float, note: str) -> None:
    """Let others see how far the running step is."""
    parameters = {"wanted": hold.id, "holder": hold.owner, "held": hold.epoch}
    tx.execute(_TELL, {**parameters, "v_progress": progress, "v_note": note, "v_updated_at": now()})


_RELEASE = (
    update(table)
    .where(table.c.owner == bindparam("holder"), table.c.state == RUNNING)
    .values(**_LET_GO, state=PENDING, run_after=0, epoch=table.c.epoch + 1)
)
_RELEASE_ONE = _RELEASE.where(table.c.id == bindparam("wanted"))
_EXPIRE = update(table).where(table.c.owner == bindparam("holder"), table.c.state == RUNNING).values(lease_until=0)
_OWNERS = select(table.c.owner).where(_AMONG_LIVE, table.c.state == RUNNING).distinct()


def release_all(tx: Tx, owner: str) -> int:
    """Let go of everything `owner` holds and fence its threads out; returns how many."""
    return int(tx.execute(_RELEASE, {"holder": owner}).rowcount)


def release(tx: Tx, owner: str, operation_id: str) -> None:
    """Let go of one operation, if `owner` holds it."""
    tx.execute(_RELEASE_ONE, {"holder": owner, "wanted": operation_id})


def owners(tx: Tx) -> list[str]:
    """Who holds running operations."""
    return [row[0] for row in tx.execute(_OWNERS) if row[0] is not None]


def expire(tx: Tx, owner: str) -> int:
    """End the leases of an owner that is known to be dead; returns how many operations it held."""
    return int(tx.execute(_EXPIRE, {"holder": owner}).rowcount)


_DUE_LIST = (
    select(table.c.id, table.c.kind, table.c.flow_version)
    .where(
        _AMONG_LIVE,
        _DUE,
        table.c.kind.in_(bindparam("kinds", expanding=True)),
        or_(table.c.node.is_(None), table.c.node == bindparam("here")),
    )
    .order_by(table.c.created_at)
    .limit(bindparam("most", type_=Integer))
)


def due(tx: Tx, node: str, kinds: Collection[str], limit: int) -> list[tuple[str, str, int]]:
    """What is due on this node and nobody runs, oldest first: (id, kind, flow version)."""
    parameters = {"here": node, "kinds": sorted(kinds), "most": limit}
    return [(row[0], row[1], row[2]) for row in tx.execute(_DUE_LIST, parameters)]


_PENDING_LIST = Statement(
    select(table.c.id)
    .where(
        _AMONG_LIVE,
        table.c.state == PENDING,
        or_(table.c.attempts > 0, table.c.run_after <= _CLOCK),
        or_(table.c.node.is_(None), table.c.node == bindparam("here")),
    )
    .limit(bindparam("most", type_=Integer))
)


def pending(tx: Tx, node: str, limit: int) -> list[str]:
    """What nobody runs and `node` may, due or waiting for its next try: at most `limit` ids.

    What was not tried and is not due waits for a time (`Until`), and not for a thread.
    """
    return [row[0] for row in tx.execute(_PENDING_LIST, {"here": node, "most": limit})]
