"""Copies of VMFS file systems: a host sees that one is on another disk than it was made on, and gives it an identity of
its own."""

from __future__ import annotations

from typing import Any

from ....core.errors import Failed
from ..connection.vmodl import vim
from ..reasons import because
from . import vmfs
from .esx import Esx
from .waiting import Alive, ended, settle

_RESIGNING = "host.DatastoreSystem.resignatureUnresolvedVmfsVolume"


def extents_on(host: Esx, identifier: str) -> list[str]:
    """The paths of the unresolved extents on a disk, as the host sees them now."""
    with host.at():
        found = host.datastores.QueryUnresolvedVmfsVolumes()
    return [
        str(extent.devicePath) for volume in found for extent in volume.extent if extent.device.diskName == identifier
    ]


def resignature(host: Esx, identifier: str, alive: Alive) -> Any:
    """The datastore of the copy on this disk, which is another's no more; the one of an earlier try when there is one.
    `Failed` when the host sees no copy there."""
    known = settled(host, identifier, alive)
    if known is not None:
        return known.ref
    paths = extents_on(host, identifier)
    if not paths:
        raise because(Failed, "no-copy", host=host.name, disk=identifier)
    spec = vim.host.UnresolvedVmfsResignatureSpec(extentDevicePath=paths)
    with host.at():
        task = host.datastores.ResignatureUnresolvedVmfsVolume_Task(spec)
        return ended(host.connection, task, alive).result


def settled(host: Esx, identifier: str, alive: Alive) -> vmfs.Vmfs | None:
    """The datastore on the disk, when nothing is under way on the host that was begun before."""
    settle(host.connection, host.ref, alive, _RESIGNING)
    host.scan()
    return vmfs.on_disk(host, identifier)
