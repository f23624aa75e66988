"""What was begun at a vCenter and has not come to its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import IsthmusError, Occupied
from ....core.model.operation import Operation, OperationState
from ..actions.stage import everything
from ..connection.sealed_sessions import SealedSessions
from ..vcenters.vcenter import VCenter

_OURS = "vsphere."


class UnderWay:
    """`local` is the system whose journal runs the operations."""

    def __init__(self, local: Callable[[], Adapter], sealed: SealedSessions) -> None:
        self._local, self._sealed = local, sealed

    def operations(self, vcenter: VCenter) -> list[Operation]:
        """Those on objects of the vCenter that have not ended, also those that wait for a person; the oldest first."""
        steward = Context(vcenter.tenant, "vsphere", frozenset({"manager"}))
        listed = self._local().storage(steward).operations.list
        found = {
            each.id: each
            for state in OperationState
            if not state.ended
            for each in everything(listed, state=state.value)
            if each.kind.startswith(_OURS) and str(each.resource).endswith(f":{vcenter.guid}")
        }
        return sorted(found.values(), key=lambda each: each.created_at)

    def demand_none(self, vcenter: VCenter) -> None:
        """Raises `Occupied`, naming them."""
        found = self.operations(vcenter)
        if found:
            error = Occupied(
                f"Operations at {vcenter.name} have not ended: {'; '.join(map(told, found))}.",
                next_step="Wait for them or cancel them (isthmus operation cancel ID); retry or abandon those that "
                "need attention. With --forget they are left half done: neither finished nor taken back.",
            )
            error.details["operations"] = [each.id for each in found]
            raise error

    def end_sessions(self, vcenter: VCenter, *, reachable: bool) -> None:
        """Nobody acts there any more for those who began something: log out, where somebody answers, and forget."""
        for each in self._sealed.every():
            if each.guid != vcenter.guid:
                continue
            if reachable:
                with suppress(IsthmusError):
                    self._sealed.end(each.id, vcenter.endpoint)
            self._sealed.forget(each.id)


def told(operation: Operation) -> str:
    """An operation in a few words."""
    return f"{operation.kind.removeprefix(_OURS)} {operation.id} ({operation.state.value.replace('_', ' ')})"
