"""PbmProfileProfileManager: storage policies made, changed, found, and whom they belong to."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import uuid
from typing import Any

from ..managed import Managed
from ..registry import invalid_argument, named_fault, pbm
from ..wire.call import Call
from .policy import TAGS, Policy, demand, property_id

_CATEGORIES = ("REQUIREMENT", "RESOURCE", "DATA_SERVICE_POLICY")


class ProfileManager(Managed):
    """Rules are about tags; those of vendors are not played."""

    KIND = pbm.profile.ProfileManager

    @property
    def _policies(self) -> dict[str, Policy]:
        return self.vc.policies.policies

    def PbmFetchResourceType(self, call: Call) -> list[Any]:
        return [pbm.profile.ResourceType(resourceType="STORAGE")]

    def PbmFetchCapabilityMetadata(self, call: Call, resource: Any, vendor: str | None) -> list[Any]:
        found = [_capability(category, tags) for category, tags in sorted(self.vc.policies.tags().items())]
        if not found:
            return []
        return [
            pbm.capability.provider.CapabilityObjectMetadataPerCategory(subCategory="tag", capabilityMetadata=found)
        ]

    def PbmCreate(self, call: Call, spec: Any) -> Any:
        if not spec.name or len(spec.name) > 80:
            raise invalid_argument("createSpec.name", "A policy has a name of 80 characters at most")
        category = spec.category or "REQUIREMENT"
        if category not in _CATEGORIES or spec.resourceType.resourceType != "STORAGE":
            raise invalid_argument("createSpec.category", f"There is no such category: {category}")
        with self.vc.model.change():
            self._demand_free(spec.name, None)
            demand(spec.constraints, self.vc.policies.tags())
            policy = Policy(
                str(uuid.uuid4()), spec.name, spec.description or "", category, spec.constraints, call.who.user,
                self.vc.clock.now(),
            )  # fmt: skip
            self._policies[policy.id] = policy
        return pbm.profile.ProfileId(uniqueId=policy.id)

    def PbmUpdate(self, call: Call, identity: Any, spec: Any) -> None:
        with self.vc.model.change():
            policy = self._policy(identity, "profileId")
            if spec.name:
                self._demand_free(spec.name, policy)
            if spec.constraints is not None:
                demand(spec.constraints, self.vc.policies.tags())
                policy.constraints = spec.constraints
            policy.name = spec.name or policy.name
            policy.description = policy.description if spec.description is None else spec.description
            policy.updater, policy.updated = call.who.user, self.vc.clock.now()
            policy.generation += 1

    def PbmDelete(self, call: Call, identities: list[Any]) -> list[Any]:
        outcomes = []
        with self.vc.model.change():
            for each in identities:
                policy = self._policies.get(each.uniqueId)
                fault = None
                if policy is None:
                    fault = named_fault(pbm.fault.NotFound(), f"There is no policy {each.uniqueId}")
                elif policy.used_by:
                    fault = named_fault(pbm.fault.ResourceInUse(name=policy.name), f"{policy.name} is in use")
                else:
                    del self._policies[policy.id]
                outcomes.append(pbm.profile.ProfileOperationOutcome(profileId=each, fault=fault))
        return outcomes

    def PbmQueryProfile(self, call: Call, resource: Any, category: str | None) -> list[Any]:
        return [
            pbm.profile.ProfileId(uniqueId=each.id)
            for each in self._policies.values()
            if category in (None, each.category)
        ]

    def PbmRetrieveContent(self, call: Call, identities: list[Any]) -> list[Any]:
        return [self._policy(each, "profileIds").described() for each in identities]

    def PbmQueryAssociatedEntity(self, call: Call, identity: Any, kind: str | None) -> list[Any]:
        policy = self._policy(identity, "profile")
        return [
            pbm.ServerObjectRef(objectType=each, key=key, serverUuid=self.vc.guid)
            for each, key in policy.used_by
            if kind in (None, each)
        ]

    def PbmQueryAssociatedProfile(self, call: Call, entity: Any) -> list[Any]:
        return [
            pbm.profile.ProfileId(uniqueId=each.id)
            for each in self._policies.values()
            if (entity.objectType, entity.key) in each.used_by
        ]

    def _policy(self, identity: Any, argument: str) -> Policy:
        found = self._policies.get(identity.uniqueId)
        if found is None:
            raise invalid_argument(argument, f"There is no policy {identity.uniqueId}")
        return found

    def _demand_free(self, name: str, but: Policy | None) -> None:
        if any(each.name.lower() == name.lower() and each is not but for each in self._policies.values()):
            raise named_fault(pbm.fault.DuplicateName(name=name), f"The name '{name}' already exists.")


def _capability(category: str, tags: set[str]) -> Any:
    words = _words(category)
    return pbm.capability.CapabilityMetadata(
        id=pbm.capability.CapabilityMetadata.UniqueId(namespace=TAGS, id=category),
        summary=words,
        mandatory=False,
        propertyMetadata=[
            pbm.capability.PropertyMetadata(
                id=property_id(category),
                summary=words,
                mandatory=False,
                allowedValue=pbm.capability.types.DiscreteSet(
                    values=[
                        pbm.capability.types.DescriptiveValue(description=_words(tag), value=tag)
                        for tag in sorted(tags)
                    ]
                ),
                requirementsTypeHint="com.vmware.vim.vmomi.core.types.Set",
            )
        ],
    )


def _words(name: str) -> Any:
    return pbm.ExtendedElementDescription(label=name, summary=name, key=name, messageCatalogKeyPrefix="tag")
