"""Settings of hosts as they are now: five calls, however many hosts there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..hosts.esx import Esx
from ..hosts.reading import read_all
from .rule import Value

_SYSTEMS = ("storageSystem", "advancedOption", "serviceSystem", "dateTimeSystem")
_FILE_SYSTEMS = {"NFS": "nfs", "NFS41": "nfs"}


@dataclass(frozen=True, slots=True)
class Paths:
    """How a host chooses among the paths to a disk. `lun` is the id to set it by; `preferred` a path, where it is
    fixed."""

    lun: str
    policy: str
    preferred: str = ""


@dataclass(frozen=True, slots=True)
class HostState:
    """A host. `adapter` is the device of its software iSCSI adapter, empty without one; `disks` are by canonical name;
    `services` say of each `running` or `stopped` and then its policy. `systems` are the objects that change them."""

    esx: Esx
    release: str
    options: Mapping[str, Value]
    adapter: str
    parameters: Mapping[str, Value]
    disks: Mapping[str, Paths]
    services: Mapping[str, Value]
    time_servers: tuple[str, ...]
    transports: frozenset[str]
    systems: Mapping[str, Any]
    restart: bool
    """Whether the host itself says that it waits for one."""


def states(connection: Connection, hosts: Sequence[Esx]) -> list[HostState]:
    """Of those that are connected, in their order."""
    there = [each for each in hosts if each.connected]
    about = read_all(
        connection,
        [each.ref for each in there],
        "summary.config.product.version",
        "summary.rebootRequired",
        *(f"configManager.{name}" for name in _SYSTEMS),
    )
    systems = {
        each.moid: {name: about.get(each.moid, {}).get(f"configManager.{name}") for name in _SYSTEMS} for each in there
    }

    def parts(name: str, *paths: str) -> dict[str, dict[str, Any]]:
        refs = [found[name] for found in systems.values() if found[name] is not None]
        return read_all(connection, refs, *paths)

    storage = parts(
        "storageSystem",
        "storageDeviceInfo.hostBusAdapter",
        "storageDeviceInfo.scsiLun",
        "storageDeviceInfo.multipathInfo",
        "fileSystemVolumeInfo.mountInfo",
    )
    read = {
        **storage,
        **parts("advancedOption", "setting"),
        **parts("serviceSystem", "serviceInfo.service"),
        **parts("dateTimeSystem", "dateTimeInfo"),
    }
    found = []
    for host in there:
        values: dict[str, Any] = {}
        for ref in systems[host.moid].values():
            values.update(read.get(ref._moId, {}) if ref is not None else {})
        found.append(_state(host, about.get(host.moid, {}), systems[host.moid], values))
    return found


def _state(host: Esx, about: Mapping[str, Any], systems: Mapping[str, Any], values: Mapping[str, Any]) -> HostState:
    adapters = [
        each
        for each in values.get("storageDeviceInfo.hostBusAdapter") or ()
        if isinstance(each, vim.host.InternetScsiHba) and each.isSoftwareBased and each.status != "offline"
    ]
    transports = {
        _FILE_SYSTEMS[each.volume.type]
        for each in values.get("fileSystemVolumeInfo.mountInfo") or ()
        if each.volume.type in _FILE_SYSTEMS
    }
    clock = values.get("dateTimeInfo")
    servers = getattr(getattr(clock, "ntpConfig", None), "server", None) or ()
    return HostState(
        host,
        str(about.get("summary.config.product.version") or ""),
        {str(each.key): _plain(each.value) for each in values.get("setting") or ()},
        str(adapters[0].device) if adapters else "",
        {str(each.key): _plain(each.value) for each in (adapters[0].advancedOptions or ())} if adapters else {},
        _disks(values),
        {
            str(each.key): f"{'running' if each.running else 'stopped'} {each.policy}"
            for each in values.get("serviceInfo.service") or ()
        },
        tuple(str(each) for each in servers),
        frozenset(transports | ({"iscsi"} if adapters else set())),
        systems,
        bool(about.get("summary.rebootRequired")),
    )


def _disks(values: Mapping[str, Any]) -> dict[str, Paths]:
    names = {each.key: str(each.canonicalName) for each in values.get("storageDeviceInfo.scsiLun") or ()}
    multipath = values.get("storageDeviceInfo.multipathInfo")
    found = {}
    for each in getattr(multipath, "lun", None) or ():
        if each.lun in names:
            preferred = str(getattr(each.policy, "prefer", None) or "")
            found[names[each.lun]] = Paths(str(each.id), str(each.policy.policy), preferred)
    return found


def _plain(value: Any) -> Value:
    """Without the numbers of the library's own types."""
    if isinstance(value, bool):
        return bool(value)
    return int(value) if isinstance(value, int) else str(value)
