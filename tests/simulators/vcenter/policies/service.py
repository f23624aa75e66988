"""The storage policies of one vCenter and the objects through which clients reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..managed import Managed
from ..registry import named_fault, vmodl
from .managers import CapabilityMetadataManager, ComplianceManager, PolicySessions
from .placement_solver import PlacementSolver
from .policy import Policy
from .profile_manager import ProfileManager
from .service_instance import PolicyServiceInstance

if TYPE_CHECKING:
    from ..objects.datastore import Datastore
    from ..objects.virtual_machine import VirtualMachine
    from ..sessions import Session
    from ..vcenter import VCenter

_OBJECTS: dict[str, type[Managed]] = {
    "ServiceInstance": PolicyServiceInstance,
    "SessionManager": PolicySessions,
    "CapabilityMetadataManager": CapabilityMetadataManager,
    "ProfileManager": ProfileManager,
    "complianceManager": ComplianceManager,
    "placementSolver": PlacementSolver,
}


class PolicyService:
    """`policies` by id."""

    def __init__(self, vc: VCenter) -> None:
        self._vc = vc
        self.policies: dict[str, Policy] = {}
        self.objects = {moid: kind(vc, moid) for moid, kind in _OBJECTS.items()}

    def find(self, ref: Any, session: Session | None) -> Managed:
        """The object a reference names. ManagedObjectNotFound when there is none."""
        found = self.objects.get(ref._moId)
        if found is None or not isinstance(found.ref, type(ref)):
            raise named_fault(vmodl.fault.ManagedObjectNotFound(obj=ref), f"There is no object {ref._moId}")
        return found

    def named(self, name: str) -> Policy:
        """A policy by its name. `LookupError` when there is none."""
        for each in self.policies.values():
            if each.name == name:
                return each
        raise LookupError(name)

    def assign(self, policy: Policy, machine: VirtualMachine) -> None:
        """For tests: a virtual machine has the policy, for its home and its disks."""
        policy.used_by.append(("virtualMachine", machine.moid))

    def tags(self) -> dict[str, set[str]]:
        """The names of all tags, by category."""
        tagging = self._vc.tagging
        found: dict[str, set[str]] = {each.name: set() for each in tagging.categories.values()}
        for tag in tagging.tags.values():
            found[tagging.categories[tag.category_id].name].add(tag.name)
        return found

    def tags_of(self, store: Datastore) -> dict[str, set[str]]:
        """The names of a datastore's tags, by category."""
        tagging = self._vc.tagging
        found: dict[str, set[str]] = {}
        for identity in tagging.of("Datastore", store.moid):
            tag = tagging.tags[identity]
            found.setdefault(tagging.categories[tag.category_id].name, set()).add(tag.name)
        return found
