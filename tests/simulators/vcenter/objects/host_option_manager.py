"""OptionManager of a host: its advanced options."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..registry import invalid_argument, named_fault, support, vim
from ..wire.call import Call
from .host_system import HostPart, HostSystem

# Those that checks of storage look at: the value of a fresh host, the least and the greatest.
_INITIAL: dict[str, tuple[int, int, int]] = {
    "Disk.DiskMaxIOSize": (32767, 32, 32767),
    "Disk.QFullSampleSize": (0, 0, 64),
    "Disk.QFullThreshold": (8, 1, 16),
    "DataMover.HardwareAcceleratedInit": (1, 0, 1),
    "DataMover.HardwareAcceleratedMove": (1, 0, 1),
    "Misc.APDHandlingEnable": (1, 0, 1),
    "Misc.APDTimeout": (140, 20, 99999),
    "NFS.HeartbeatFrequency": (12, 1, 4294967295),
    "NFS.HeartbeatMaxFailures": (10, 1, 4294967295),
    "NFS.HeartbeatTimeout": (5, 1, 60),
    "NFS.MaxQueueDepth": (4294967295, 1, 4294967295),
    "NFS.MaxVolumes": (8, 8, 256),
    "NFS41.MaxVolumes": (8, 8, 256),
    "Net.TcpipHeapMax": (1536, 32, 2048),
    "Net.TcpipHeapSize": (0, 0, 32),
    "VMFS3.HardwareAcceleratedLocking": (1, 0, 1),
    "VMFS3.UseATSForHBOnVMFS5": (1, 0, 1),
}


class HostOptionManager(HostPart):
    """Only options there are can be set, each to a value of its own type (xsd:long, as hosts want it) and range."""

    KIND = vim.option.OptionManager
    PRIVILEGES: ClassVar[Mapping[str, str]] = {"UpdateOptions": "Host.Config.AdvancedConfig"}

    def __init__(self, host: HostSystem, moid: str) -> None:
        super().__init__(host, moid)
        self.set("supportedOption", [_definition(key, *bounds) for key, bounds in _INITIAL.items()])
        self._show([_option(key, value) for key, (value, _, _) in _INITIAL.items()])

    def _show(self, settings: list[Any]) -> None:
        with self.vc.model.change():
            self.set("setting", settings)
            self.host.set("config.option", self.get("setting"))

    def play(self, key: str, value: int) -> None:
        """For tests: somebody set it at the host itself."""
        self._show([_option(key, value) if each.key == key else each for each in self.get("setting")])

    def value(self, key: str) -> int:
        """What an option is now."""
        return int(next(each.value for each in self.get("setting") if each.key == key))

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
                _, least, most = _INITIAL[each.key]
                if type(each.value) is not support.long or not least <= each.value <= most:
                    raise invalid_argument(each.key, f"A specified parameter was not correct: {each.key}")
                known[each.key] = each
            self._show(list(known.values()))


def _option(key: str, value: int) -> Any:
    return vim.option.OptionValue(key=key, value=support.long(value))


def _definition(key: str, value: int, least: int, most: int) -> Any:
    kind = vim.option.LongOption(
        valueIsReadonly=False, min=support.long(least), max=support.long(most), defaultValue=support.long(value)
    )
    return vim.option.OptionDef(key=key, label=key, summary=key, optionType=kind)
