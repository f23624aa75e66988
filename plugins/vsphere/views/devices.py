"""The storage of hosts as they have it: adapters, disks, paths. Read in the reader's own session, all hosts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..hosts.reading import read_all
from ..inventory.item import Reference

_STORAGE = "configManager.storageSystem"
_ADAPTERS = "storageDeviceInfo.hostBusAdapter"
_DISKS = "storageDeviceInfo.scsiLun"
_TOPOLOGY = "storageDeviceInfo.scsiTopology"
_PATHS = "storageDeviceInfo.multipathInfo"
_ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A storage adapter. `iqn` is set of iSCSI adapters; `software` of the one that ESXi brings."""

    device: str
    model: str
    status: str
    iqn: str = ""
    software: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """An iSCSI target that an adapter is logged in to, and how many disks it shows."""

    iqn: str
    portals: tuple[str, ...]
    adapter: str
    disks: int


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk. `size` in bytes; `state` as the host says it (`ok`, `off`, `lostCommunication` …); how many of its paths
    are active. `uuid` is what raw device mappings name it by."""

    name: str
    uuid: str
    label: str
    size: int | None
    state: str
    active: int
    paths: int


@dataclass(frozen=True, slots=True)
class Devices:
    """What one host has. Disks and targets are empty where only adapters were asked for."""

    adapters: tuple[Adapter, ...] = ()
    targets: tuple[Target, ...] = ()
    disks: tuple[Disk, ...] = ()

    @property
    def software(self) -> Adapter | None:
        """The software iSCSI adapter; None while it is not enabled."""
        return next((each for each in self.adapters if each.software), None)


def devices(
    connection: Connection, hosts: Sequence[Reference], *, adapters_only: bool = False
) -> Mapping[Reference, Devices]:
    """By host; those whose storage may not be read are left out. Two calls, whatever the number."""
    refs = [connection.reference(each.kind, each.moid) for each in hosts]
    places = read_all(connection, refs, _STORAGE)
    systems = {moid: values[_STORAGE] for moid, values in places.items() if _STORAGE in values}
    paths = (_ADAPTERS,) if adapters_only else (_ADAPTERS, _DISKS, _TOPOLOGY, _PATHS)
    found = read_all(connection, list(systems.values()), *paths)
    return {
        each: _devices(found[systems[each.moid]._moId])
        for each in hosts
        if each.moid in systems and systems[each.moid]._moId in found
    }


def _devices(values: Mapping[str, Any]) -> Devices:
    buses = values.get(_ADAPTERS) or []
    keys = {str(each.key): str(each.device) for each in buses}
    return Devices(
        tuple(_adapter(each) for each in buses),
        tuple(_targets(values.get(_TOPOLOGY), keys)),
        tuple(_disks(values.get(_DISKS) or [], values.get(_PATHS))),
    )


def _adapter(bus: Any) -> Adapter:
    iscsi = isinstance(bus, vim.host.InternetScsiHba)
    return Adapter(
        str(bus.device),
        str(bus.model or ""),
        str(bus.status),
        str(bus.iScsiName) if iscsi else "",
        bool(bus.isSoftwareBased) if iscsi else False,
    )


def _targets(topology: Any, adapters: Mapping[str, str]) -> list[Target]:
    found = []
    for interface in topology.adapter if topology is not None else ():
        for each in interface.target:
            transport = each.transport
            if isinstance(transport, vim.host.InternetScsiTargetTransport):
                adapter = adapters.get(str(interface.adapter), str(interface.adapter))
                portals = tuple(str(one) for one in transport.address)
                found.append(Target(str(transport.iScsiName), portals, adapter, len(each.lun)))
    return found


def _disks(luns: Sequence[Any], multipath: Any) -> list[Disk]:
    paths: dict[str, list[str]] = {}
    for each in multipath.lun if multipath is not None else ():
        paths[str(each.lun)] = [str(one.state or one.pathState) for one in each.path]
    return [_disk(each, paths.get(str(each.key), [])) for each in luns if isinstance(each, vim.host.ScsiDisk)]


def _disk(lun: Any, paths: Sequence[str]) -> Disk:
    capacity = lun.capacity
    states = [str(each) for each in lun.operationalState]
    return Disk(
        str(lun.canonicalName),
        str(lun.uuid),
        str(lun.displayName or ""),
        int(capacity.block) * int(capacity.blockSize) if capacity is not None else None,
        next((each for each in states if each != "ok"), states[0] if states else ""),
        sum(each == _ACTIVE for each in paths),
        len(paths),
    )
