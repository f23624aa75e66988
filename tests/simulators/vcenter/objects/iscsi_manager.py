"""HostIscsiManager: which VMkernel ports the software adapter is bound to."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from ..registry import named_fault, vim
from ..storage.lookup import storage_of
from ..wire.call import Call
from .host_system import HostPart


class IscsiManager(HostPart):
    """Port binding has no effect on the logins: the simulated hosts share one network."""

    KIND = vim.host.IscsiManager

    def BindVnic(self, call: Call, adapter: str, port: str) -> None:
        bound = storage_of(self.host).demand_adapter(adapter).bound
        self._demand_port(port)
        if port in bound:
            raise named_fault(vim.fault.IscsiFaultVnicAlreadyBound(vnicDevice=port), f"{port} is bound already")
        bound.append(port)

    def UnbindVnic(self, call: Call, adapter: str, port: str, force: bool) -> None:
        bound = storage_of(self.host).demand_adapter(adapter).bound
        if port not in bound:
            raise named_fault(vim.fault.IscsiFaultVnicNotBound(vnicDevice=port), f"{port} is not bound")
        bound.remove(port)

    def QueryBoundVnics(self, call: Call, adapter: str) -> list[Any]:
        return [_described(each) for each in storage_of(self.host).demand_adapter(adapter).bound]

    def QueryCandidateNics(self, call: Call, adapter: str) -> list[Any]:
        bound = storage_of(self.host).demand_adapter(adapter).bound
        return [_described(each) for each in self._ports() if each not in bound]

    def _ports(self) -> list[str]:
        return [each.device for each in self.host.system("networkSystem").get("networkInfo.vnic") or []]

    def _demand_port(self, port: str) -> None:
        if port not in self._ports():
            raise named_fault(vim.fault.IscsiFaultVnicNotFound(vnicDevice=port), f"There is no port {port}")


def _described(port: str) -> Any:
    return vim.host.IscsiManager.IscsiPortInfo(
        vnicDevice=port,
        pnicDevice="vmnic0",
        complianceStatus=vim.host.IscsiManager.IscsiStatus(),
        pathStatus="active",
    )
