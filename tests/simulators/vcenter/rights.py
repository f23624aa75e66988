"""Who may do what: roles, permissions on entities, and the check that every call passes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from .registry import named_fault, support, vim

if TYPE_CHECKING:
    from .managed import Managed
    from .sessions import Session
    from .vcenter import VCenter

NO_ACCESS, ANONYMOUS, VIEW, READ_ONLY, ADMIN = -5, -4, -3, -2, -1
READ = frozenset({"System.Anonymous", "System.View", "System.Read"})
# Privileges a vCenter has and no method of the registry names, by group.
_FURTHER = {
    "Datacenter": (
        "Delete",
        "Move",
        "Rename",
    ),
    "Datastore": (
        "Browse",
        "Move",
        "UpdateVirtualMachineMetadata",
    ),
    "Folder": (
        "Move",
        "Rename",
    ),
    "Global": (
        "CancelTask",
        "DisableMethods",
        "EnableMethods",
        "Health",
        "Proxy",
        "ScriptAction",
        "SystemTag",
    ),
    "Host.Config": ("Quarantine",),
    "Host.Inventory": (
        "MoveCluster",
        "DeleteCluster",
        "RenameCluster",
    ),
    "InventoryService.Tagging": (
        "AttachTag",
        "CreateCategory",
        "CreateTag",
        "DeleteCategory",
        "DeleteTag",
        "EditCategory",
        "EditTag",
        "ObjectAttachable",
    ),
    "Network": (
        "Config",
        "Move",
    ),
    "Resource": (
        "ApplyRecommendation",
        "AssignVAppToPool",
        "DeletePool",
        "HotMigrate",
        "RenamePool",
    ),
    "StorageProfile": (
        "Update",
        "View",
    ),
    "StorageViews": (
        "ConfigureService",
        "View",
    ),
    "VirtualMachine.Config": (
        "AddNewDisk",
        "AddRemoveDevice",
        "AdvancedConfig",
        "Annotation",
        "CPUCount",
        "ChangeTracking",
        "DiskExtend",
        "DiskLease",
        "EditDevice",
        "ManagedBy",
        "Memory",
        "RawDevice",
        "Rename",
        "Resource",
    ),
    "VirtualMachine.Inventory": (
        "CreateFromExisting",
        "Move",
    ),
    "VirtualMachine.Provisioning": (
        "CloneTemplate",
        "DeployTemplate",
        "DiskRandomAccess",
    ),
}


def principal(name: str) -> str:
    """The one form of a user's or group's name: `user@domain` becomes `DOMAIN\\user`."""
    user, at, domain = name.rpartition("@")
    if at:
        return f"{domain.upper()}\\{user}"
    domain, slash, user = name.rpartition("\\")
    return f"{domain.upper()}\\{user}" if slash else name


@cache
def known_privileges() -> frozenset[str]:
    """All privileges of a vCenter without extensions: those the registry's methods need, and some more."""
    found = {f"{group}.{name}" for group, names in _FURTHER.items() for name in names} | READ
    for name in support.ListManagedTypes():
        if not name.startswith("vim."):
            continue
        kind = support.GetVmodlType(name)
        for method in kind._GetMethodList():
            for each in (method, *method.params):
                found.update((each.privId or "").split())
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of privileges. `privileges` None: all there are, and all there will be."""

    id: int
    name: str
    privileges: frozenset[str] | None
    system: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """What one user or group may do with one entity, and with all below it when it propagates."""

    principal: str
    group: bool
    role: int
    propagate: bool


class Everything(frozenset[str]):
    """The privileges of an administrator."""

    def __contains__(self, privilege: object) -> bool:
        return True


class Rights:
    """The roles and permissions of one vCenter. Changes are made under the model's lock."""

    def __init__(self, vc: VCenter) -> None:
        self._vc = vc
        self.roles = {
            each.id: each
            for each in (
                Role(NO_ACCESS, "NoAccess", frozenset(), system=True),
                Role(ANONYMOUS, "Anonymous", frozenset({"System.Anonymous"}), system=True),
                Role(VIEW, "View", frozenset({"System.Anonymous", "System.View"}), system=True),
                Role(READ_ONLY, "ReadOnly", READ, system=True),
                Role(ADMIN, "Admin", None, system=True),
            )
        }
        self.permissions: dict[str, tuple[Permission, ...]] = {}
        # Privileges that extensions brought, by extension.
        self.added: dict[str, frozenset[str]] = {}
        self._memory: dict[tuple[str, str], frozenset[str]] = {}
        self._ways: dict[str, set[str]] = {}
        self._remembered = 0

    def known(self) -> frozenset[str]:
        """All privileges there are now."""
        return known_privileges().union(*self.added.values())

    def changed(self) -> None:
        """To be called after a change of roles, permissions or privileges."""
        with self._vc.model.change():
            self._memory.clear()
            self._vc.model.touch_all()

    def permit(self, entity: Managed, permission: Permission) -> None:
        """Grant; replaces what the same user or group had on the entity."""
        with self._vc.model.change():
            kept = [each for each in self.permissions.get(entity.moid, ()) if not _same_holder(each, permission)]
            self.permissions[entity.moid] = (*kept, permission)
            self.changed()

    def of(self, session: Session | None, managed: Managed) -> frozenset[str]:
        """The privileges a session has on an object."""
        if session is None:
            return frozenset({"System.Anonymous"})
        return self.of_user(session.user, managed.authority)

    def of_user(self, user: str, entity: Managed) -> frozenset[str]:
        """The privileges a user has on an entity: what is said nearest to it counts, of a user before a group."""
        with self._vc.model.condition:
            if self._remembered != self._vc.model.structure:
                self._memory.clear()
                self._remembered = self._vc.model.structure
                self._ways = self._ways_to()
            key = (user.lower(), entity.moid)
            found = self._memory.get(key)
            if found is None:
                found = self._memory[key] = self._worked_out(user, entity)
            return found

    def demand(self, session: Session | None, managed: Managed, privilege: str) -> None:
        """NoPermission, naming the entity and the privilege; NotAuthenticated without a session."""
        if privilege == "System.Anonymous" or privilege in self.of(session, managed):
            return
        if session is None:
            raise named_fault(
                vim.fault.NotAuthenticated(object=managed.authority.ref, privilegeId=privilege),
                "The session is not authenticated.",
            )
        raise named_fault(
            vim.fault.NoPermission(object=managed.authority.ref, privilegeId=privilege),
            f"Permission to perform this operation was denied: {privilege} on {managed.authority.moid}.",
        )

    def _ways_to(self) -> dict[str, set[str]]:
        """Who sees an entity because of a right on something below it: the way there is always visible."""
        ways: dict[str, set[str]] = {}
        for moid, permissions in self.permissions.items():
            entity = self._vc.model.objects.get(moid)
            holders = {each.principal.lower() for each in permissions if each.role != NO_ACCESS}
            while entity is not None:
                ways.setdefault(entity.moid, set()).update(holders)
                entity = self._above(entity)
        return ways

    def _worked_out(self, user: str, entity: Managed) -> frozenset[str]:
        names = {name.lower() for name in (user, *self._vc.groups_of(user))}
        at: Managed | None = entity
        while at is not None:
            permissions = [
                each
                for each in self.permissions.get(at.moid, ())
                if (each.propagate or at is entity) and each.principal.lower() in names
            ]
            own = [each for each in permissions if not each.group]
            if permissions:
                return self._union(own or permissions)
            at = self._above(at)
        on_the_way = names & self._ways.get(entity.moid, set())
        return frozenset({"System.Anonymous", "System.View"}) if on_the_way else frozenset()

    def _union(self, permissions: list[Permission]) -> frozenset[str]:
        roles = [self.roles[each.role] for each in permissions if each.role in self.roles]
        if any(role.privileges is None for role in roles):
            return Everything()
        return frozenset[str]().union(*(role.privileges or frozenset() for role in roles))

    def _above(self, entity: Managed) -> Managed | None:
        parent = entity.get("parent")
        return None if parent is None else self._vc.model.objects.get(parent._moId)


def _same_holder(one: Permission, other: Permission) -> bool:
    return one.principal.lower() == other.principal.lower() and one.group == other.group


def described(entity: Any, permission: Permission) -> Any:
    """As vim.AuthorizationManager.Permission."""
    return vim.AuthorizationManager.Permission(
        entity=entity,
        principal=permission.principal,
        group=permission.group,
        roleId=permission.role,
        propagate=permission.propagate,
    )
