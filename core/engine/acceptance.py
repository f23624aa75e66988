"""Accepting a change: one durable transaction, after which it will be finished or undone."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from ..context import Context
from ..errors import Invalid
from ..journal import operations
from ..journal.step import describe
from ..model.identity import new_id, now
from ..model.operation import Operation, OperationState
from ..runtime.parts import Parts
from ..store.database import Tx

Work = Callable[[Tx, str], Mapping[str, Any]]
Request = Callable[[], Mapping[str, Any]]

_DRY_RUN = "dry-run"
_LONGEST_KEY = 255


def accept(
    parts: Parts,
    context: Context,
    kind: str,
    resource_type: str,
    resource: str,
    request: Request,
    work: Work,
    *,
    key: str | None = None,
    tenant: str | None = None,
    node: str | None = None,
    explanation: Callable[[], Mapping[str, Any] | None] | None = None,
    accepted: Callable[[], None] | None = None,
) -> Operation:
    """Accept an operation of `kind` on `resource`; `request` gives all that the caller asked, the target included.

    `work(tx, operation_id)` makes all conditional updates and returns the operation's data; whatever it raises leaves
    nothing behind. It may run again after a deadlock. `accepted` is called once after the commit. With an idempotency
    `key` that was accepted before, the operation of then comes back (`KeyReused` for another request). Raises
    `Overloaded` when the backlog is full.
    """
    flow = parts.flows.newest(kind)
    digest = _digest(kind, request()) if key is not None else None
    parts.journal.admit()
    identifier = new_id()
    claimed = parts.journal.claim(node)

    def change(tx: Tx) -> Operation:
        data = work(tx, identifier)
        return operations.accept(
            tx,
            id=identifier,
            flow=flow,
            resource_type=resource_type,
            resource=resource,
            context=context,
            tenant=tenant,
            data=dict(data),
            idempotency_key=key,
            request_hash=digest,
            explanation=explanation() if explanation is not None else None,
            claim=claimed,
            lease=parts.settings.lease,
            node=node,
        )

    operation, fresh = operations.once(parts.database, context, key, digest, change)
    if fresh:
        if accepted is not None:
            accepted()
        parts.journal.submit(operation.id)
    return operation


def repeated(parts: Parts, context: Context, kind: str, request: Request, key: str | None) -> Operation | None:
    """The operation that this request was accepted as before, None when it is new or has no key.

    To be asked before anything else is looked at: by the time of a repeat the volume may be deleted and the pool full,
    often by the very request. Raises `KeyReused` when the key came with another request, `Invalid` for an unusable
    key.
    """
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise Invalid(
            "The idempotency key is not usable.",
            next_step=f"Use 1 to {_LONGEST_KEY} printable characters.",
            field="idempotency_key",
        )
    return operations.known(parts.database, context, key, _digest(kind, request()))


def promise(parts: Parts, promised: Mapping[str, int]) -> None:
    """Let the scheduler know of committed promises, in bytes by pool; before, they might still be taken back."""
    for pool, size in promised.items():
        parts.scheduler.adjust(pool, size)


def planned(
    parts: Parts,
    context: Context,
    kind: str,
    resource_type: str,
    resource: str | None,
    plan: Mapping[str, Any],
    work: Work | None = None,
    explanation: Callable[[], Mapping[str, Any] | None] | None = None,
) -> Operation:
    """The answer to a dry run: an operation that was never stored, with the plan.

    `work` is done and taken back, so that a dry run is refused by just what would refuse the change.
    """
    if work is not None:
        _rehearse(parts, work)
    moment = now()
    return Operation(
        id=_DRY_RUN,
        kind=kind,
        resource_type=resource_type,
        resource=resource,
        tenant=context.tenant,
        user=context.user,
        request_id=context.request_id,
        state=OperationState.PENDING,
        created_at=moment,
        updated_at=moment,
        explanation=explanation() if explanation is not None else None,
        plan={**describe(parts.flows.newest(kind)), **plan},
    )


class _TakenBack(Exception):
    """A rehearsal went well; its transaction is rolled back."""


def _rehearse(parts: Parts, work: Work) -> None:
    def change(tx: Tx) -> None:
        work(tx, _DRY_RUN)
        raise _TakenBack

    with contextlib.suppress(_TakenBack):
        parts.database.change(change)


def _digest(kind: str, request: Mapping[str, Any]) -> str:
    text = json.dumps([kind, request], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
