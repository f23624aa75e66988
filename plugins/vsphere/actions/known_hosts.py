"""Hosts of a vCenter as a storage system knows them: made known when a flow needs it, and forgotten on its way back."""

from __future__ import annotations

from contextlib import suppress

from ....core.errors import Conflict, InUse, NotFound, Refused
from ....core.journal.step import Run
from ....core.model.host import Host, Initiator
from ....core.model.request import HostRequest
from ..reasons import because
from .stage import Stage, everything
from .wanted import MARK


def ensured(stage: Stage, run: Run, name: str, iqn: str) -> Host:
    """The host with this initiator. `Refused` when the storage knows that as another's."""
    request = HostRequest(name, (Initiator("iscsi", iqn),), os_type="esxi", metadata={MARK: run.operation.id})
    try:
        return stage.steward(run).hosts.ensure(request)
    except Conflict as error:
        raise because(Refused, "initiator-taken", host=name, iqn=iqn, said=error.message) from None


def forget(stage: Stage, run: Run) -> None:
    """Those that this operation made known go, unless they have something else by now."""
    hosts = stage.steward(run).hosts
    for each in list(everything(hosts.list)):
        if each.metadata.get(MARK) == run.operation.id:
            with suppress(InUse, NotFound):
                hosts.delete(each.id)
