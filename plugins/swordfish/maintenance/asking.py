"""A change that a client asks for: made at once, or kept until the maintenance window."""

from __future__ import annotations

from dataclasses import replace

from ....adapters.contract import Storage
from ....core.errors import LimitExceeded
from ....core.model.codec import time_text
from ....core.model.identity import now
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Query
from ..protocol.request import Request
from .change import Change
from .later import PREFIX

MOST_WAITING = 1000
"""How many operations of one tenant may wait for windows."""
_KEYS = 200


def asked(request: Request, change: Change) -> Operation | None:
    """Do what the body's `@Redfish.OperationApplyTime` says.

    What is to wait is rehearsed, so that what cannot be is refused at once. While the window is open it is done at
    once. The right to do it is decided now; at the window it is done on behalf of whoever asked.
    """
    storage, key = request.tenant_storage, request.key
    if not request.later:
        return _now(storage, change, key)
    tenant, kind = request.params["tenant"], PREFIX + change.kind
    moment = now()
    window = request.service.windows.get(tenant, moment).window
    times = {"start": time_text(window.start), "end": time_text(window.end)}
    known = None if key is None else _known(storage, kind, key)
    if known is not None:
        # The same request under its key is the same operation, whichever window comes next by now.
        times = {name: known.result.get(name, time) for name, time in times.items()}
    elif window.open(moment):
        return _now(storage, change, key)
    else:
        _demand_room(storage)
        change.begin(storage, dry_run=True)
    operation = request.service.setup.submit(
        kind,
        storage.context,
        resource_type=change.kind.partition(".")[0],
        resource=change.resource,
        data={"change": change.to_json(), **times},
        key=key,
    )
    # It says so itself a moment later.
    return replace(operation, result={**times, **operation.result})


def _now(storage: Storage, change: Change, key: str | None) -> Operation | None:
    operation = change.begin(storage, key=key)
    change.finish(storage)
    return operation


def _known(storage: Storage, kind: str, key: str) -> Operation | None:
    """The operation that the caller asked for under this key, among the last ones of the kind."""
    wanted = {"kind": kind, "user": storage.context.user}
    found = storage.operations.list(Query(filters=wanted, sort="-created_at", limit=_KEYS)).items
    return next((one for one in found if one.idempotency_key == key), None)


def _demand_room(storage: Storage) -> None:
    waiting = Query(filters={"state": OperationState.PENDING.value}, limit=1, with_total=True)
    if (storage.operations.list(waiting).total or 0) >= MOST_WAITING:
        raise LimitExceeded(
            f"{MOST_WAITING} operations wait already.",
            next_step="Ask again when the next maintenance window has begun, or cancel some.",
        )
