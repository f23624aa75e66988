"""Where a setting of each kind is read and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from ..connection.vmodl import support, vim
from .host_state import HostState
from .rule import Value


class Kind(Protocol):
    """A kind of settings. `privilege` is what vCenter asks of whoever changes one."""

    privilege: ClassVar[str]

    def found(self, state: HostState, name: str, ours: frozenset[str]) -> Mapping[str, Value]:
        """The values by device, the host itself being `""`; none where the host has nothing of this name."""

    def write(self, state: HostState, name: str, device: str, value: Value) -> None:
        """Set one. Raises the vCenter's faults."""


class Option:
    """An advanced option of the host."""

    privilege: ClassVar[str] = "Host.Config.AdvancedConfig"

    def found(self, state: HostState, name: str, ours: frozenset[str]) -> Mapping[str, Value]:
        return {"": state.options[name]} if name in state.options else {}

    def write(self, state: HostState, name: str, device: str, value: Value) -> None:
        # A host takes numbers of 64 bits only, and the library would send 32.
        number = isinstance(value, int) and not isinstance(value, bool)
        wanted = vim.option.OptionValue(key=name, value=support.long(value) if number else value)
        state.systems["advancedOption"].UpdateOptions([wanted])


class Parameter:
    """A parameter of the software iSCSI adapter."""

    privilege: ClassVar[str] = "Host.Config.Storage"

    def found(self, state: HostState, name: str, ours: frozenset[str]) -> Mapping[str, Value]:
        return {state.adapter: state.parameters[name]} if name in state.parameters else {}

    def write(self, state: HostState, name: str, device: str, value: Value) -> None:
        wanted = vim.host.InternetScsiHba.ParamValue(key=name, value=value)
        state.systems["storageSystem"].UpdateInternetScsiAdvancedOptions(device, None, [wanted])


class PathSelection:
    """How the host chooses a path to each disk of ours: the policy, and behind a blank the path that is preferred."""

    privilege: ClassVar[str] = "Host.Config.Storage"

    def found(self, state: HostState, name: str, ours: frozenset[str]) -> Mapping[str, Value]:
        return {
            disk: f"{each.policy} {each.preferred}".strip() for disk, each in state.disks.items() if disk in ours
        }  # fmt: skip

    def write(self, state: HostState, name: str, device: str, value: Value) -> None:
        policy, _, preferred = str(value).partition(" ")
        info = vim.host.MultipathInfo
        wanted = (
            info.FixedLogicalUnitPolicy(policy=policy, prefer=preferred)
            if preferred
            else info.LogicalUnitPolicy(policy=policy)
        )
        state.systems["storageSystem"].SetMultipathLunPolicy(state.disks[device].lun, wanted)


class Service:
    """A service: `running` or `stopped`, and its policy (`on`, `off`, `automatic`)."""

    privilege: ClassVar[str] = "Host.Config.NetService"

    def found(self, state: HostState, name: str, ours: frozenset[str]) -> Mapping[str, Value]:
        return {"": state.services[name]} if name in state.services else {}

    def write(self, state: HostState, name: str, device: str, value: Value) -> None:
        running, _, policy = str(value).partition(" ")
        now, _, was = str(state.services[name]).partition(" ")
        system = state.systems["serviceSystem"]
        if policy != was:
            system.UpdateServicePolicy(name, policy)
        if running != now:
            (system.StartService if running == "running" else system.StopService)(name)


class TimeServers:
    """The servers that the host takes its time from."""

    privilege: ClassVar[str] = "Host.Config.DateTime"

    def found(self, state: HostState, name: str, ours: frozenset[str]) -> Mapping[str, Value]:
        return {"": state.time_servers}

    def write(self, state: HostState, name: str, device: str, value: Value) -> None:
        servers = list(value) if isinstance(value, tuple) else [str(value)]
        config = vim.host.DateTimeConfig(ntpConfig=vim.host.NtpConfig(server=servers))
        state.systems["dateTimeSystem"].UpdateDateTimeConfig(config)


KINDS: Mapping[str, Kind] = {
    "option": Option(),
    "iscsi": Parameter(),
    "multipath": PathSelection(),
    "service": Service(),
    "ntp": TimeServers(),
}
"""By the `kind` of a rule."""
