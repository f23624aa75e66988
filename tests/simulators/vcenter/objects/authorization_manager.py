"""AuthorizationManager: roles, permissions, and who may do what."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import invalid_argument, named_fault, vim, vmodl
from ..rights import ADMIN, READ, Permission, Role, described, principal
from ..wire.call import Call
from .entity import Entity

if TYPE_CHECKING:
    from ..sessions import Session

_Result = vim.AuthorizationManager


class AuthorizationManager(Managed):
    """Shows and changes `vc.rights`."""

    KIND = vim.AuthorizationManager

    @computed("privilegeList")
    def privileges(self, session: Session | None) -> list[Any]:
        """All privileges, those of extensions among them."""
        found = []
        for each in sorted(self.vc.rights.known()):
            group, _, name = each.rpartition(".")
            on_parent = group in ("Folder", "Datacenter", "Datastore") and name in ("Create", "Delete", "Move")
            found.append(_Result.Privilege(privId=each, onParent=on_parent, name=name, privGroupName=group))
        return found

    @computed("roleList")
    def roles(self, session: Session | None) -> list[Any]:
        """All roles, the system's first."""
        return [self._described(each) for each in self.vc.rights.roles.values()]

    @computed("description")
    def description(self, session: Session | None) -> Any:
        """Labels of the privileges; of extensions', in the session's language."""
        locale = "en" if session is None else session.locale
        text = self.vc.extensions.text
        return vim.AuthorizationDescription(
            privilege=[
                _element(each, text("auth", f"{each}.label", locale), text("auth", f"{each}.summary", locale))
                for each in sorted(self.vc.rights.known())
            ],
            privilegeGroup=[
                _element(each, text("auth", f"{each}.label", locale), None)
                for each in sorted({each.rpartition(".")[0] for each in self.vc.rights.known()})
            ],
        )

    def _described(self, role: Role) -> Any:
        privileges = self.vc.rights.known() if role.privileges is None else role.privileges
        return _Result.Role(
            roleId=role.id,
            system=role.system,
            name=role.name,
            info=vim.Description(label=role.name, summary=role.name),
            privilege=sorted(privileges),
        )

    def AddAuthorizationRole(self, call: Call, name: str, privileges: list[str] | None) -> int:
        with self.vc.model.change():
            self._free(name)
            number = max(0, *self.vc.rights.roles) + 1
            self._put(Role(number, name, self._checked(privileges)))
            return number

    def UpdateAuthorizationRole(self, call: Call, number: int, name: str, privileges: list[str] | None) -> None:
        with self.vc.model.change():
            role = self._own(number)
            if name != role.name:
                self._free(name)
            self._put(Role(number, name, self._checked(privileges)))

    def RemoveAuthorizationRole(self, call: Call, number: int, fail_if_used: bool) -> None:
        with self.vc.model.change():
            role = self._own(number)
            permissions = self.vc.rights.permissions
            if fail_if_used and any(each.role == number for held in permissions.values() for each in held):
                raise named_fault(vim.fault.RemoveFailed(), f"The role {role.name} is in use")
            for moid, held in permissions.items():
                permissions[moid] = tuple(each for each in held if each.role != number)
            del self.vc.rights.roles[number]
            self.vc.rights.changed()

    def _put(self, role: Role) -> None:
        self.vc.rights.roles[role.id] = role
        self.vc.rights.changed()

    def _checked(self, privileges: list[str] | None) -> frozenset[str]:
        unknown = set(privileges or ()) - self.vc.rights.known()
        if unknown:
            raise invalid_argument("privIds", f"There are no privileges {', '.join(sorted(unknown))}")
        return frozenset(privileges or ()) | READ

    def _free(self, name: str) -> None:
        if not name:
            raise named_fault(vim.fault.InvalidName(name=name), "A role has a name")
        if any(each.name == name for each in self.vc.rights.roles.values()):
            raise named_fault(vim.fault.AlreadyExists(name=name), f"There is a role {name} already")

    def _own(self, number: int) -> Role:
        role = self.vc.rights.roles.get(number)
        if role is None:
            raise named_fault(vim.fault.NotFound(), f"There is no role {number}")
        if role.system:
            raise invalid_argument("roleId", "The system's roles cannot be changed")
        return role

    def SetEntityPermissions(self, call: Call, entity: Any, permissions: list[Any]) -> None:
        subject = self.vc.entity(entity)
        wanted = {(each.principal.lower(), each.group): each for each in map(self._permission, permissions or [])}
        held = self.vc.rights.permissions.get(subject.moid, ())
        kept = [each for each in held if (each.principal.lower(), each.group) not in wanted]
        self._replace(subject, (*kept, *wanted.values()))

    def ResetEntityPermissions(self, call: Call, entity: Any, permissions: list[Any]) -> None:
        subject = self.vc.entity(entity)
        wanted = tuple(self._permission(each) for each in permissions or [])
        self._replace(subject, wanted)

    def RemoveEntityPermission(self, call: Call, entity: Any, user: str, is_group: bool) -> None:
        subject = self.vc.entity(entity)
        held = self.vc.rights.permissions.get(subject.moid, ())
        who = principal(user).lower()
        kept = tuple(each for each in held if (each.principal.lower(), each.group) != (who, is_group))
        if len(kept) == len(held):
            raise named_fault(vim.fault.NotFound(), f"{user} has no permission there")
        self._replace(subject, kept)

    def _replace(self, subject: Entity, wanted: tuple[Permission, ...]) -> None:
        with self.vc.model.change():
            held = self.vc.rights.permissions.get(subject.moid, ())
            self.vc.rights.permissions[subject.moid] = wanted
            try:
                self._demand_administrator()
            except vim.fault.AuthMinimumAdminPermission:
                self.vc.rights.permissions[subject.moid] = held
                raise
            self.vc.rights.changed()

    def _demand_administrator(self) -> None:
        held = self.vc.rights.permissions.get(self.vc.root.moid, ())
        if not any(each.role == ADMIN and each.propagate for each in held):
            raise named_fault(vim.fault.AuthMinimumAdminPermission(), "Somebody must remain administrator")

    def _permission(self, given: Any) -> Permission:
        known = self.vc.knows_group(given.principal) if given.group else self.vc.knows_user(given.principal)
        if not known:
            raise named_fault(
                vim.fault.UserNotFound(principal=given.principal, unresolved=True), f"There is no {given.principal}"
            )
        if given.roleId not in self.vc.rights.roles:
            raise named_fault(vim.fault.NotFound(), f"There is no role {given.roleId}")
        return Permission(principal(given.principal), given.group, given.roleId, given.propagate)

    def RetrieveEntityPermissions(self, call: Call, entity: Any, inherited: bool) -> list[Any]:
        subject = self.vc.entity(entity)
        found = [described(subject.ref, each) for each in self.vc.rights.permissions.get(subject.moid, ())]
        if inherited:
            for above in subject.ancestors():
                held = self.vc.rights.permissions.get(above.moid, ())
                found += [described(above.ref, each) for each in held if each.propagate]
        return found

    def RetrieveAllPermissions(self, call: Call) -> list[Any]:
        with self.vc.model.condition:
            return [
                described(self.vc.model.objects[moid].ref, each)
                for moid, held in self.vc.rights.permissions.items()
                for each in held
            ]

    def RetrieveRolePermissions(self, call: Call, number: int) -> list[Any]:
        return [each for each in self.RetrieveAllPermissions(call) if each.roleId == number]

    def HasPrivilegeOnEntity(self, call: Call, entity: Any, key: str, privileges: list[str]) -> list[bool]:
        held = self.vc.rights.of(self._session(call, key), self.vc.entity(entity))
        return [each in held for each in privileges]

    def HasPrivilegeOnEntities(self, call: Call, entities: list[Any], key: str, privileges: list[str]) -> list[Any]:
        session = self._session(call, key)
        return [
            _Result.EntityPrivilege(
                entity=entity,
                privAvailability=[
                    _Result.PrivilegeAvailability(
                        privId=each, isGranted=each in self.vc.rights.of(session, self.vc.entity(entity))
                    )
                    for each in privileges or []
                ],
            )
            for entity in entities
        ]

    def _session(self, call: Call, key: str) -> Session:
        session = self.vc.sessions.with_key(key)
        if session is None:
            raise named_fault(vmodl.fault.InvalidArgument(invalidProperty="sessionId"), "There is no such session")
        return session

    def HasUserPrivilegeOnEntities(
        self, call: Call, entities: list[Any], user: str, privileges: list[str]
    ) -> list[Any]:
        held = {entity._moId: self._of_user(call, user, self.vc.entity(entity)) for entity in entities}
        return [
            _Result.EntityPrivilege(
                entity=entity,
                privAvailability=[
                    _Result.PrivilegeAvailability(privId=each, isGranted=each in held[entity._moId])
                    for each in privileges or []
                ],
            )
            for entity in entities
        ]

    def FetchUserPrivilegeOnEntities(self, call: Call, entities: list[Any], user: str) -> list[Any]:
        return [
            _Result.UserPrivilegeResult(
                entity=entity,
                privileges=sorted(self._named(self._of_user(call, user, self.vc.entity(entity)))),
            )
            for entity in entities
        ]

    def _named(self, held: frozenset[str]) -> set[str]:
        return {each for each in self.vc.rights.known() if each in held}

    def _of_user(self, call: Call, user: str, entity: Entity) -> frozenset[str]:
        """One's own rights anybody may ask for; others' need the right to change permissions."""
        if principal(user).lower() != call.who.user.lower():
            self.vc.rights.demand(call.session, self, "Authorization.ModifyPermissions")
        return self.vc.rights.of_user(principal(user), entity)


def _element(key: str, label: str | None, summary: str | None) -> Any:
    return vim.ElementDescription(key=key, label=label or key, summary=summary or label or key)
