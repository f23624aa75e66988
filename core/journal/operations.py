"""The rows of operations: accepting, finding, listing. The runner's own writes are in `ledger`."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Text, bindparam, func, or_, select, type_coerce, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ColumnElement

from ..context import Context
from ..errors import Conflict, KeyReused
from ..model.identity import now
from ..model.json_text import encoder
from ..model.operation import Operation, OperationState
from ..store.columns import DatabaseClock
from ..store.database import Database, Tx
from ..store.repository import Repository
from ..store.schema import operations as table
from ..store.statement import Statement
from .row import JustAccepted, Row
from .step import Flow

DEFAULT_LEASE = 10.0
FIRST_EPOCH = 1
"""Only what is claimed at its acceptance is ever run in this epoch; every later claim raises it."""

just_accepted = JustAccepted()

LIVE = (OperationState.PENDING, OperationState.RUNNING, OperationState.WAITING)

repository: Repository[Operation] = Repository(table, Operation, "operation")
"""The operations as nouns: `get`, `find`, `where`. The context and the notebook are never read through it."""


class Caller(Protocol):
    """The hold of a runner on the operation whose step runs in this thread."""

    operation: Operation
    epoch: int
    owner: str
    lost: bool


calling: contextvars.ContextVar[Caller | None] = contextvars.ContextVar("isthmus_operation", default=None)
"""Set while a step runs: what it accepts is fenced like its own commit."""


def encode(document: Any) -> str:
    """Plain JSON as the table keeps it; what is no JSON in an error's details is said by its text."""
    return "{}" if not document else _ENCODE(document)


_ENCODE = encoder()
_ENCODE_ANY = encoder(str)


def encode_error(document: Any) -> str | None:
    """An error document; details that are no JSON are kept as their text."""
    return None if document is None else _ENCODE_ANY(document)


def _insert(claimed: bool) -> Statement:
    raw = {name: bindparam(name, type_=Text) for name in ("context", "data", "explanation")}
    names = "id kind flow_version resource_type resource tenant user request_id state step parent idempotency_scope"
    names += " idempotency_key request_hash node owner epoch created_at updated_at"
    values: dict[str, Any] = {name: bindparam(name, type_=table.c[name].type) for name in names.split()}
    fixed: dict[str, Any] = {"undoing": False, "progress": 0.0, "note": "", "cancel_requested": False, "result": {}}
    fixed |= {"run_after": 0, "step_started": 0, "attempts": 0, "crashes": 0}
    lease: Any = DatabaseClock() + bindparam("lease", type_=table.c.lease_until.type) if claimed else 0
    return Statement(table.insert().values(**values, **raw, **fixed, lease_until=lease))


_INSERT_CLAIMED = _insert(True)
_INSERT_PENDING = _insert(False)
_FENCE_PARENT = Statement(
    update(table)
    .where(
        table.c.id == bindparam("asking"),
        table.c.owner == bindparam("holder"),
        table.c.epoch == bindparam("held_epoch"),
        table.c.state == OperationState.RUNNING.value,
    )
    .values(waits_for=table.c.waits_for)
)
_LIVE_PARENT = Statement(
    update(table)
    .where(table.c.id == bindparam("asking"), or_(*(table.c.state == str(state) for state in LIVE)))
    .values(waits_for=table.c.waits_for)
)


def accept(
    tx: Tx,
    *,
    id: str,
    flow: Flow,
    resource_type: str,
    resource: str | None,
    context: Context,
    data: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
    request_hash: str | None = None,
    explanation: Any = None,
    tenant: str | None = None,
    parent: str | None = None,
    claim: str | None = None,
    lease: float = DEFAULT_LEASE,
    node: str | None = None,
) -> Operation:
    """Write the operation's row in the transaction that accepts it (which must be durable).

    With `claim` (an owner) the row is born running, held by that owner in epoch 1 for `lease` seconds; the owner
    submits it to its journal after the commit. `data` must hold no unsealed secret. `tenant` (whose resource it is)
    and `parent` default to the context's; a parent in another installation is taken as it is.

    Raises SQLAlchemy's `IntegrityError` when the idempotency key exists (see `once`), and `Conflict` when the parent
    operation has ended or the step that asks no longer runs it.
    """
    parent = parent or context.parent
    if parent is not None:
        _check_parent(tx, parent)
    moment = now()
    claimed = claim is not None
    operation = Operation(
        id=id,
        kind=flow.kind,
        resource_type=resource_type,
        resource=resource,
        tenant=context.tenant if tenant is None else tenant,
        user=context.user,
        request_id=context.request_id,
        state=OperationState.RUNNING if claimed else OperationState.PENDING,
        created_at=moment,
        updated_at=moment,
        flow_version=flow.version,
        parent=parent,
        idempotency_key=idempotency_key,
        step=flow.steps[0].name,
        node=node,
        explanation=explanation,
    )
    values = {
        "id": id,
        "kind": flow.kind,
        "flow_version": flow.version,
        "resource_type": resource_type,
        "resource": resource,
        "tenant": operation.tenant,
        "user": context.user,
        "request_id": context.request_id,
        "state": operation.state.value,
        "step": operation.step,
        "parent": parent,
        "idempotency_scope": None if idempotency_key is None else scope(context),
        "idempotency_key": idempotency_key,
        "request_hash": request_hash,
        "node": node,
        "owner": claim,
        "epoch": FIRST_EPOCH,
        "created_at": moment,
        "updated_at": moment,
        "context": _ENCODE(context.to_json()),
        "data": encode(data),
        "explanation": None if explanation is None else _ENCODE_ANY(explanation),
    }
    if claimed:
        values["lease"] = int(lease * 1_000_000)
        just_accepted.put(Row(operation, context, str(values["data"]), claim, FIRST_EPOCH), lease / 2)
    tx.execute(_INSERT_CLAIMED if claimed else _INSERT_PENDING, values)
    return operation


def _check_parent(tx: Tx, parent: str) -> None:
    caller = calling.get()
    if caller is not None and caller.operation.id == parent:
        fence = {"asking": parent, "holder": caller.owner, "held_epoch": caller.epoch}
        alive = not caller.lost and tx.execute(_FENCE_PARENT, fence).rowcount == 1
    else:
        alive = tx.execute(_LIVE_PARENT, {"asking": parent}).rowcount == 1 or repository.find(tx, parent) is None
    if not alive:
        raise Conflict(
            f"Operation {parent}, on whose behalf this was asked, has ended or is run by another process.",
            operation=parent,
        )


def scope(context: Context) -> str:
    """In which idempotency keys are unique: the tenant and the user."""
    return f"{context.tenant or ''}/{context.user}"


_BY_KEY = Statement(
    select(table.c.request_hash, *repository.columns).where(
        table.c.idempotency_scope == bindparam("wanted_scope"), table.c.idempotency_key == bindparam("wanted_key")
    )
)


def find_by_key(tx: Tx, context: Context, key: str) -> tuple[Operation, str | None] | None:
    """The operation that was accepted with this key by the same tenant and user, with its request's hash."""
    row = tx.execute(_BY_KEY, {"wanted_scope": scope(context), "wanted_key": key}).first()
    return None if row is None else (repository.noun_of(row[1:]), row[0])


def known(database: Database, context: Context, key: str, request_hash: str) -> Operation | None:
    """The operation that was accepted with this key, None without one; raises `KeyReused` as `once` does."""
    with database.read() as tx:
        found = find_by_key(tx, context, key)
    return None if found is None else _same(found, request_hash)


def once(
    database: Database, context: Context, key: str | None, request_hash: str | None, work: Callable[[Tx], Operation]
) -> tuple[Operation, bool]:
    """Run `work` (which calls `accept` with this key and hash) in one durable transaction, at most once per key.

    Returns the operation and whether it is new. A key that came before gives that operation, whatever became of it;
    raises `KeyReused` when it came with another request, and what `work` raises.
    """

    def first(tx: Tx) -> tuple[Operation, bool]:
        known = None if key is None else find_by_key(tx, context, key)
        return (work(tx), True) if known is None else (_same(known, request_hash), False)

    try:
        return database.change(first, durable=True)
    except IntegrityError:
        with database.read() as tx:
            known = None if key is None else find_by_key(tx, context, key)
        if known is None:
            raise
        return _same(known, request_hash), False


def _same(known: tuple[Operation, str | None], request_hash: str | None) -> Operation:
    operation, its_hash = known
    if its_hash != request_hash:
        raise KeyReused(
            f"The idempotency key was used for another request (operation {operation.id}).",
            next_step="Use a new key for a new request.",
            operation=operation.id,
        )
    return operation


def get(tx: Tx, operation_id: str) -> Operation:
    """The operation; raises `NotFound`."""
    return repository.get(tx, operation_id)


def select_where(tx: Tx, *conditions: ColumnElement[bool], limit: int = 1000) -> list[Operation]:
    """Operations that satisfy the conditions, oldest first."""
    statement = select(*repository.columns).where(*conditions).order_by(table.c.created_at, table.c.id).limit(limit)
    return [repository.noun_of(row) for row in tx.execute(statement)]


def live_of(tx: Tx, resource: str) -> list[Operation]:
    """The operations that change this resource now, oldest first."""
    return select_where(tx, table.c.resource == resource, table.c.state.in_([str(state) for state in LIVE]))


def working_with(tx: Tx, system: str) -> list[Operation]:
    """The operations that have not ended and whose notebook names this system (see `Run`), oldest first."""
    states = [str(state) for state in (*LIVE, OperationState.NEEDS_ATTENTION)]
    likely = type_coerce(table.c.data, Text).contains('"system"')
    named = tx.execute(select(table.c.id, table.c.data).where(table.c.state.in_(states), likely))
    found = [id for id, data in named if data.get("system") == system]
    return select_where(tx, table.c.id.in_(found)) if found else []


def children(tx: Tx, parent: str) -> list[Operation]:
    """All operations that steps of `parent` asked for, oldest first."""
    return select_where(tx, table.c.parent == parent)


def unfinished_kinds(tx: Tx) -> dict[tuple[str, int], int]:
    """How many operations per kind and flow version may still run; an upgrade must keep their flows."""
    states = [str(state) for state in (*LIVE, OperationState.NEEDS_ATTENTION)]
    statement = (
        select(table.c.kind, table.c.flow_version, func.count())
        .where(table.c.state.in_(states))
        .group_by(table.c.kind, table.c.flow_version)
    )
    return {(kind, version): count for kind, version, count in tx.execute(statement)}
