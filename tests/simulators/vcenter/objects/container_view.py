"""ContainerView: all entities of some types below one, as they come and go."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import vim
from ..wire.call import Call
from .compute_resource import ComputeResource
from .datacenter import Datacenter
from .entity import Entity
from .folder import Folder

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

_FOLDERS = ("vmFolder", "hostFolder", "datastoreFolder", "networkFolder")


class ContainerView(Managed):
    """Worked out when it is asked for, and again when the inventory has moved."""

    KIND = vim.view.ContainerView

    def __init__(
        self, vc: VCenter, moid: str, session: Session, container: Entity, kinds: list[Any], recursive: bool
    ) -> None:
        super().__init__(vc, moid, container=container.ref, type=kinds, recursive=recursive)
        self._session, self._container = session, container
        self._kinds, self._recursive = tuple(kinds) or (vim.ManagedEntity,), recursive
        self._seen: tuple[int, list[Any]] = (0, [])

    @computed("view")
    def view(self, session: Session | None) -> list[Any]:
        """The entities the session may see."""
        structure = self.vc.model.structure
        if self._seen[0] != structure:
            found = {
                each.moid: each.ref
                for each in self._below(self._container)
                if isinstance(each.ref, self._kinds) and "System.View" in self.vc.rights.of(self._session, each)
            }
            self._seen = (structure, list(found.values()))
        return self._seen[1]

    def _below(self, entity: Entity) -> Iterator[Entity]:
        for child in _children(self.vc, entity):
            yield child
            if self._recursive:
                yield from self._below(child)

    def DestroyView(self, call: Call) -> None:
        call.who.objects.pop(self.moid, None)


def _children(vc: VCenter, entity: Entity) -> Iterator[Entity]:
    places: tuple[str, ...]
    if isinstance(entity, Folder):
        places = ("childEntity",)
    elif isinstance(entity, Datacenter):
        places = _FOLDERS
    elif isinstance(entity, ComputeResource):
        places = ("host", "resourcePool")
    elif isinstance(entity.ref, vim.ResourcePool):
        places = ("resourcePool", "vm")
    else:
        return
    for place in places:
        value = entity.get(place)
        for ref in value if isinstance(value, list) else [value]:
            found = None if ref is None else vc.model.objects.get(ref._moId)
            if isinstance(found, Entity):
                yield found
