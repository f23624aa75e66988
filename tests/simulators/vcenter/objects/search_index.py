"""SearchIndex: entities by what a person or a program knows of them."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..managed import Managed
from ..registry import vim
from ..wire.call import Call
from .datacenter import Datacenter
from .entity import Entity
from .host_system import HostSystem
from .virtual_machine import VirtualMachine


class SearchIndex(Managed):
    """Answers with nothing for what there is not, or what the session may not see."""

    KIND = vim.SearchIndex

    def FindByUuid(self, call: Call, datacenter: Any, uuid: str, machines: bool, instance: bool | None) -> Any:
        if not machines:
            return self._first(call, datacenter, HostSystem, lambda host: host.get("summary.hardware.uuid") == uuid)
        path = "config.instanceUuid" if instance else "config.uuid"
        return self._first(call, datacenter, VirtualMachine, lambda machine: machine.get(path) == uuid)

    def FindByDnsName(self, call: Call, datacenter: Any, name: str, machines: bool) -> Any:
        if machines:
            return self._first(call, datacenter, VirtualMachine, lambda each: each.get("guest.hostName") == name)
        return self._first(call, datacenter, HostSystem, lambda host: host.name == name)

    def FindByIp(self, call: Call, datacenter: Any, address: str, machines: bool) -> Any:
        path = "guest.ipAddress" if machines else "summary.managementServerIp"
        if not machines:
            return None
        return self._first(call, datacenter, VirtualMachine, lambda each: each.get(path) == address)

    def FindByInventoryPath(self, call: Call, path: str) -> Any:
        at: Entity | None = self.vc.root
        for name in path.strip("/").split("/"):
            at = None if at is None else self._child(at, name)
        return self._shown(call, at)

    def FindChild(self, call: Call, entity: Any, name: str) -> Any:
        return self._shown(call, self._child(self.vc.entity(entity), name))

    def _child(self, parent: Entity, name: str) -> Entity | None:
        below = (each for each in self.vc.model.every(Entity) if each.get("parent") == parent.ref)
        return next((each for each in below if each.name == name), None)

    def _first(self, call: Call, datacenter: Any, kind: type[Entity], fits: Callable[[Entity], bool]) -> Any:
        return next(self._fitting(call, datacenter, kind, fits), None)

    def _fitting(
        self, call: Call, datacenter: Any, kind: type[Entity], fits: Callable[[Entity], bool]
    ) -> Iterator[Any]:
        place = None if datacenter is None else self.vc.entity(datacenter)
        for each in self.vc.model.every(kind):
            if not fits(each) or (isinstance(place, Datacenter) and place not in each.ancestors()):
                continue
            shown = self._shown(call, each)
            if shown is not None:
                yield shown

    def _shown(self, call: Call, entity: Entity | None) -> Any:
        return None if entity is None or self.vc.visible(entity.ref, call.session) is None else entity.ref
