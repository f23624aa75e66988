"""HostServiceSystem: the services of a host, and whether they run."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from ..registry import invalid_argument, named_fault, vim
from ..wire.call import Call
from .host_system import HostPart, HostSystem

_SERVICES = {"ntpd": ("NTP Daemon", True), "TSM-SSH": ("SSH", False), "snmpd": ("SNMP Server", False)}
_POLICIES = ("on", "off", "automatic")


class HostServiceSystem(HostPart):
    """Those that checks of a host look at."""

    KIND = vim.host.ServiceSystem

    def __init__(self, host: HostSystem, moid: str) -> None:
        super().__init__(host, moid)
        services = [
            vim.host.Service(
                key=key, label=label, required=False, uninstallable=False, running=running,
                policy="on" if running else "off",
            )
            for key, (label, running) in _SERVICES.items()
        ]  # fmt: skip
        self._show(services)

    def _show(self, services: list[Any]) -> None:
        with self.vc.model.change():
            self.set("serviceInfo", vim.host.ServiceInfo(service=services))
            self.host.set("config.service", self.get("serviceInfo"))

    def _change(self, key: str, **values: Any) -> None:
        self.host.demand_connected()
        services = self.get("serviceInfo.service")
        if key not in [each.key for each in services]:
            raise named_fault(vim.fault.NotFound(), f"There is no service {key}")
        changed = [
            vim.host.Service(
                **{
                    "key": each.key, "label": each.label, "required": False, "uninstallable": False,
                    "running": each.running, "policy": each.policy, **(values if each.key == key else {}),
                }
            )
            for each in services
        ]  # fmt: skip
        self._show(changed)

    def StartService(self, call: Call, key: str) -> None:
        self._turn(key, True)

    def StopService(self, call: Call, key: str) -> None:
        self._turn(key, False)

    def _turn(self, key: str, running: bool) -> None:
        if any(each.key == key and each.running is running for each in self.get("serviceInfo.service")):
            state = "running" if running else "stopped"
            raise named_fault(vim.fault.InvalidState(), f"The service {key} is {state} already")
        self._change(key, running=running)

    def RestartService(self, call: Call, key: str) -> None:
        self._change(key, running=True)

    def UpdateServicePolicy(self, call: Call, key: str, policy: str) -> None:
        if policy not in _POLICIES:
            raise invalid_argument("policy", f"There is no policy {policy}")
        self._change(key, policy=policy)

    def RefreshServices(self, call: Call) -> None:
        self.host.demand_connected()
