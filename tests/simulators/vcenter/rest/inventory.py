"""`/api/vcenter/{datacenter,cluster,host,datastore,vm}`: the inventory in short."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..objects.compute_resource import Cluster
from ..objects.datacenter import Datacenter
from ..objects.datastore import Datastore
from ..objects.entity import Entity
from ..objects.host_system import HostSystem
from ..objects.virtual_machine import VirtualMachine
from .router import Question, Router, problem

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

_POWER = {"poweredOn": "POWERED_ON", "poweredOff": "POWERED_OFF", "suspended": "SUSPENDED"}
_CONNECTION = {"connected": "CONNECTED", "disconnected": "DISCONNECTED", "notResponding": "NOT_RESPONDING"}


def _host(host: Any) -> dict[str, Any]:
    return {
        "connection_state": _CONNECTION[str(host.get("runtime.connectionState"))],
        "power_state": _POWER[str(host.get("runtime.powerState"))],
    }


def _datastore(store: Any) -> dict[str, Any]:
    return {
        "type": store.get("summary.type"),
        "free_space": store.get("summary.freeSpace"),
        "capacity": store.get("summary.capacity"),
    }


def _machine(machine: Any) -> dict[str, Any]:
    return {
        "power_state": _POWER[str(machine.get("runtime.powerState"))],
        "cpu_count": machine.get("config.hardware.numCPU"),
        "memory_size_MiB": machine.get("config.hardware.memoryMB"),
    }


_KINDS: dict[str, tuple[type[Entity], Callable[[Any], dict[str, Any]]]] = {
    "datacenter": (Datacenter, lambda entity: {}),
    "cluster": (Cluster, lambda entity: {"ha_enabled": False, "drs_enabled": False}),
    "host": (HostSystem, _host),
    "datastore": (Datastore, _datastore),
    "vm": (VirtualMachine, _machine),
}


def install(vc: VCenter, router: Router) -> None:
    """Lists with the filters `names` and by id; what the session may not read is not there."""

    def seen(session: Session, kind: type[Entity]) -> list[Entity]:
        return [each for each in vc.model.every(kind) if "System.Read" in vc.rights.of(session, each)]

    def add(name: str, kind: type[Entity], more: Callable[[Any], dict[str, Any]]) -> None:
        def listed(question: Question, session: Session) -> list[dict[str, Any]]:
            asked = question.parameters()
            names, ids = asked.get("names"), asked.get(f"{name}s")
            return [
                {name: each.moid, "name": each.name, **more(each)}
                for each in seen(session, kind)
                if (names is None or each.name in names) and (ids is None or each.moid in ids)
            ]

        def shown(question: Question, session: Session, moid: str) -> dict[str, Any]:
            for each in seen(session, kind):
                if each.moid == moid:
                    return {"name": each.name, **more(each)}
            raise problem(404, "NOT_FOUND", f"There is no {name} {moid}")

        router.add("GET", f"/api/vcenter/{name}", listed)
        router.add("GET", f"/api/vcenter/{name}/{{id}}", shown)

    for name, (kind, more) in _KINDS.items():
        add(name, kind, more)
