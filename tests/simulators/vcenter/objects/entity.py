"""What all entities of the inventory have: a name, a place, rights, alarms and recent tasks."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..managed import Managed, computed
from ..registry import named_fault, vim
from ..rights import ADMIN, NO_ACCESS, described
from ..wire.call import Call

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter


class Entity(Managed):
    """A ManagedEntity: its own permissions decide."""

    # The beginning of its id, as a real vCenter's.
    PREFIX: ClassVar[str]

    def __init__(self, vc: VCenter, name: str, parent: Entity | None, **initial: Any) -> None:
        super().__init__(vc, f"{self.PREFIX}{vc.model.number()}")
        self.set("name", name)
        self.set("parent", None if parent is None else parent.ref)
        self.set("overallStatus", "green")
        self.set("configStatus", "green")
        self.set("alarmActionsEnabled", True)
        for path, value in initial.items():
            self.set(path, value)
        vc.model.add(self)

    @property
    def authority(self) -> Managed:
        return self

    @property
    def always_read(self) -> bool:
        # What is worked out here changes with rights and fields only, and those changes are told.
        return False

    @property
    def name(self) -> str:
        """As shown; unique in its folder."""
        return str(self.get("name"))

    @property
    def parent(self) -> Entity | None:
        """The entity above."""
        ref = self.get("parent")
        return None if ref is None else self.vc.entity(ref)

    def ancestors(self) -> list[Entity]:
        """All above, the nearest first."""
        above = self.parent
        return [] if above is None else [above, *above.ancestors()]

    @computed("permission")
    def permissions(self, session: Session | None) -> Any:
        """What was granted here."""
        return [described(self.ref, each) for each in self.vc.rights.permissions.get(self.moid, ())]

    @computed("effectiveRole")
    def effective_role(self, session: Session | None) -> list[int]:
        """The role whose privileges the session has here."""
        own = self.vc.rights.of(session, self)
        for role in self.vc.rights.roles.values():
            if role.privileges == own or (role.privileges is None and "Global.VCServer" in own):
                return [role.id]
        return [ADMIN if "Global.VCServer" in own else NO_ACCESS]

    @computed("availableField")
    def available_fields(self, session: Session | None) -> Any:
        """The custom fields that objects of this type have."""
        return self.vc.custom_fields.for_kind(self.KIND)

    def Rename_Task(self, call: Call, name: str) -> Any:
        return self.vc.tasks.start(call, self, "ManagedEntity.rename", lambda task: self.rename(name)).ref

    def rename(self, name: str) -> None:
        """Another name. InvalidName for an empty one, DuplicateName for one its folder has."""
        if not name:
            raise named_fault(vim.fault.InvalidName(name=name, entity=self.ref), "A name is needed")
        with self.vc.model.change():
            for each in self.siblings():
                if each is not self and each.name == name:
                    raise named_fault(
                        vim.fault.DuplicateName(name=name, object=each.ref), f"The name '{name}' already exists."
                    )
            self.set("name", name)
            self.renamed()

    def renamed(self) -> None:
        """Take the new name over into what repeats it."""
        if self.get("summary.name") is not None:
            self.set("summary.name", self.name)

    def siblings(self) -> list[Entity]:
        """All entities of this kind in the same folder, this one too."""
        parent = self.get("parent")
        return [
            each
            for each in self.vc.model.every(type(self))
            if parent is not None and (above := each.get("parent")) is not None and above._moId == parent._moId
        ]

    def Destroy_Task(self, call: Call) -> Any:
        return self.vc.tasks.start(call, self, "ManagedEntity.destroy", lambda task: self.destroy()).ref

    def destroy(self) -> None:
        """Leave the inventory. Kinds that may refuse say so here."""
        with self.vc.model.change():
            self.vc.rights.permissions.pop(self.moid, None)
            self.detach()
            self.vc.model.remove(self)

    def detach(self) -> None:
        """Leave whatever refers to it."""
        parent = self.parent
        if parent is not None and parent.get("childEntity"):
            parent.discard("childEntity", self.ref)

    def setCustomValue(self, call: Call, key: str, value: str) -> None:
        self.vc.rights.demand(call.session, self, "Global.SetCustomField")
        self.vc.custom_fields.set_by_name(self, key, value)
