"""One flow at a time on a datastore or a virtual machine.

What one has half done looks finished, or empty, to another: a datastore whose machines wait to be registered again must
not be deleted. One that waits for a person counts as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import Occupied
from ....core.journal.step import Run
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Query
from ..reasons import because, phrase

KINDS = ("Datastore", "VirtualMachine")
_OURS = "vsphere."
_LATEST = 200


class Exclusion:
    """Looks at the operations of this installation."""

    def __init__(self, local: Callable[[], Adapter]) -> None:
        self._local = local

    def demand_free(self, context: Context, kind: str, resource: str, key: str | None) -> None:
        """Raises `Occupied` before an operation is accepted; the one that the key stands for is no other."""
        for each in self._unended(context, kind, resource):
            if key is None or (each.idempotency_key, each.user) != (key, context.user):
                raise _occupied(each)

    def demand_first(self, run: Run) -> None:
        """Raises `Occupied` when an operation that was accepted earlier has not ended: of two that were accepted at
        once the first goes on."""
        mine = run.operation
        for each in self._unended(run.context, mine.resource_type, str(mine.resource)):
            if each.id != mine.id and (each.created_at, each.id) < (mine.created_at, mine.id):
                raise _occupied(each)

    def _unended(self, context: Context, kind: str, resource: str) -> Iterator[Operation]:
        if kind not in KINDS:
            return
        # Whoever may begin one is told of another's, whether or not he may see the other's operations.
        steward = replace(context, roles=frozenset({"manager"}), parent=None)
        operations = self._local().storage(steward).operations
        query = Query(filters={"resource": resource}, sort="-created_at", limit=_LATEST)
        for each in operations.list(query).items:
            waiting = each.state is OperationState.NEEDS_ATTENTION
            if each.kind.startswith(_OURS) and (each.state.live or waiting):
                yield each


def _occupied(other: Operation) -> Occupied:
    title = phrase(f"action.{other.kind.removeprefix(_OURS)}.title")
    reason = "waits-for-person" if other.state is OperationState.NEEDS_ATTENTION else "at-work"
    error = because(Occupied, reason, action=title, operation=other.id)
    error.details["operation"] = other.id
    return error
