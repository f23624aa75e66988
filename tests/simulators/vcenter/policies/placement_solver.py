"""PbmPlacementSolver: which datastores satisfy a policy."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from ..managed import Managed
from ..objects.datastore import Datastore
from ..registry import invalid_argument, named_fault, pbm
from ..wire.call import Call
from .policy import Policy


class PlacementSolver(Managed):
    """Hubs are datastores; those the caller may not see are none."""

    KIND = pbm.placement.PlacementSolver

    def PbmQueryMatchingHub(self, call: Call, hubs: list[Any] | None, identity: Any) -> list[Any]:
        policy = self._policy(identity)
        return [hub for hub, store in self._hubs(call, hubs) if policy.satisfied(self.vc.policies.tags_of(store))]

    def PbmCheckCompatibility(self, call: Call, hubs: list[Any] | None, identity: Any) -> list[Any]:
        policy = self._policy(identity)
        results = []
        for hub, store in self._hubs(call, hubs):
            fault = None
            if not policy.satisfied(self.vc.policies.tags_of(store)):
                fault = named_fault(
                    pbm.fault.CompatibilityCheckFault(hub=hub), f"{store.name} does not satisfy {policy.name}"
                )
            results.append(pbm.placement.CompatibilityResult(hub=hub, error=[fault] if fault else None))
        return results

    def _policy(self, identity: Any) -> Policy:
        found = self.vc.policies.policies.get(identity.uniqueId)
        if found is None:
            raise invalid_argument("profile", f"There is no policy {identity.uniqueId}")
        return found

    def _hubs(self, call: Call, hubs: list[Any] | None) -> list[tuple[Any, Datastore]]:
        stores = {each.moid: each for each in self.vc.model.every(Datastore) if self.vc.visible(each.ref, call.session)}
        if not hubs:
            return [
                (pbm.placement.PlacementHub(hubType="Datastore", hubId=moid), each) for moid, each in stores.items()
            ]
        unknown = [each for each in hubs if each.hubType != "Datastore" or each.hubId not in stores]
        if unknown:
            raise named_fault(pbm.fault.NonExistentHubs(hubs=unknown), "There are no such hubs")
        return [(each, stores[each.hubId]) for each in hubs]
