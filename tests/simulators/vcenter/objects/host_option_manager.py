"""OptionManager of a host: its advanced options."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..registry import named_fault, vim
from ..wire.call import Call
from .host_system import HostPart, HostSystem

# Those that checks of storage look at, with the values of a fresh host.
_INITIAL: dict[str, int] = {
    "Disk.DiskMaxIOSize": 32767,
    "Disk.QFullSampleSize": 0,
    "Disk.QFullThreshold": 8,
    "DataMover.HardwareAcceleratedInit": 1,
    "DataMover.HardwareAcceleratedMove": 1,
    "Misc.APDHandlingEnable": 1,
    "Misc.APDTimeout": 140,
    "NFS.HeartbeatFrequency": 12,
    "NFS.HeartbeatMaxFailures": 10,
    "NFS.HeartbeatTimeout": 5,
    "NFS.MaxQueueDepth": 4294967295,
    "NFS.MaxVolumes": 8,
    "NFS41.MaxVolumes": 8,
    "Net.TcpipHeapMax": 1536,
    "Net.TcpipHeapSize": 0,
    "VMFS3.HardwareAcceleratedLocking": 1,
    "VMFS3.UseATSForHBOnVMFS5": 1,
}


class HostOptionManager(HostPart):
    """Only options there are can be set."""

    KIND = vim.option.OptionManager
    PRIVILEGES: ClassVar[Mapping[str, str]] = {"UpdateOptions": "Host.Config.AdvancedConfig"}

    def __init__(self, host: HostSystem, moid: str) -> None:
        super().__init__(host, moid)
        self._show([_option(key, value) for key, value in _INITIAL.items()])

    def _show(self, settings: list[Any]) -> None:
        with self.vc.model.change():
            self.set("setting", settings)
            self.host.set("config.option", self.get("setting"))

    def QueryOptions(self, call: Call, name: str | None) -> list[Any]:
        self.host.demand_connected()
        found = [
            each
            for each in self.get("setting")
            if not name or each.key == name or (name.endswith(".") and each.key.startswith(name))
        ]
        if not found:
            raise named_fault(vim.fault.InvalidName(name=name), f"There is no option {name}")
        return found

    def UpdateOptions(self, call: Call, changed: list[Any]) -> None:
        self.host.demand_connected()
        with self.vc.model.change():
            known = {each.key: each for each in self.get("setting")}
            for each in changed:
                if each.key not in known:
                    raise named_fault(vim.fault.InvalidName(name=each.key), f"There is no option {each.key}")
                known[each.key] = each
            self._show(list(known.values()))


def _option(key: str, value: int) -> Any:
    return vim.option.OptionValue(key=key, value=value)
