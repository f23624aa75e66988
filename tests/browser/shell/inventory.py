"""The inventory of vCenters and their recent tasks, as the client's page shows them to one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.simulators.vcenter import VCenter
from tests.simulators.vcenter.objects.datacenter import Datacenter
from tests.simulators.vcenter.objects.entity import Entity
from tests.simulators.vcenter.objects.folder import Folder

_SHOWN_TASKS = 12


def tree(vcenters: Iterable[VCenter], user: str) -> list[dict[str, Any]]:
    """What the user may see: each vCenter's datacenters with their hosts, machines and datastores."""
    return [_node(vc, vc.root, user, vc.spec.name) for vc in vcenters]


def tasks(vcenters: Iterable[VCenter], locale: str) -> list[dict[str, Any]]:
    """The newest tasks of all vCenters, the newest first, with the names that vCenter gives them in this language."""
    infos = []
    for vc in vcenters:
        with vc.model.condition:
            recent = [vc.model.of(ref).get("info") for ref in vc.tasks.get("recentTask") or []]
        infos += [_task(vc, info, locale) for info in recent]
    return sorted(infos, key=lambda each: str(each["queued"]), reverse=True)[:_SHOWN_TASKS]


def _task(vc: VCenter, info: Any, locale: str) -> dict[str, Any]:
    kind = info.descriptionId
    described = vc.tasks.description(None).methodInfo
    name = vc.extensions.text("task", f"{kind}.label", locale.replace("-", "_"))
    labels = {each.key: each.label for each in described}
    return {
        "name": name or labels.get(kind, kind),
        "entity": info.entityName or "",
        "state": info.state,
        "progress": info.progress,
        "error": info.error.msg if info.error is not None else None,
        "user": getattr(info.reason, "userName", ""),
        "queued": info.queueTime.isoformat(),
    }


def _node(vc: VCenter, entity: Entity, user: str, name: str = "") -> dict[str, Any]:
    kind = entity.ref._wsdlName
    with vc.model.condition:
        children = [each for each in _below(vc, entity) if "System.View" in vc.rights.of_user(user, each)]
    return {
        "id": f"urn:vmomi:{kind}:{entity.moid}:{vc.guid}",
        "kind": kind,
        "name": name or entity.name,
        "children": [_node(vc, each, user) for each in children],
    }


def _below(vc: VCenter, entity: Entity) -> Iterator[Entity]:
    """The folders that every datacenter is made of are passed over."""
    if isinstance(entity, Datacenter):
        for folder in (entity.hosts, entity.machines, entity.datastores):
            yield from _below(vc, folder)
        return
    refs = entity.get("childEntity") if isinstance(entity, Folder) else _hosts(entity)
    for ref in refs or []:
        yield vc.entity(ref)


def _hosts(entity: Entity) -> Any:
    return entity.get("host") if entity.ref._wsdlName in ("ClusterComputeResource", "ComputeResource") else None
