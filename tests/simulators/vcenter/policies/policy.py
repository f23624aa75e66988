"""One storage policy, and what of a datastore satisfies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..registry import invalid_argument, pbm

TAGS = "http://www.vmware.com/storage/tag"
"""The namespace of capabilities that are tags of a category; a capability's id is the category's name."""


def property_id(category: str) -> str:
    """What the property of a category's capability is called."""
    return f"com.vmware.storage.tag.{category}.property"


@dataclass(slots=True, eq=False)
class Policy:
    """`used_by`: what has it, by type and key (`virtualMachine`, `vm-7`)."""

    id: str
    name: str
    description: str
    category: str
    constraints: Any
    creator: str
    created: datetime
    updater: str = ""
    updated: datetime | None = None
    generation: int = 0
    used_by: list[tuple[str, str]] = field(default_factory=list)

    def described(self) -> Any:
        """As CapabilityBasedProfile."""
        return pbm.profile.CapabilityBasedProfile(
            profileId=pbm.profile.ProfileId(uniqueId=self.id),
            name=self.name,
            description=self.description or None,
            creationTime=self.created,
            createdBy=self.creator,
            lastUpdatedTime=self.updated or self.created,
            lastUpdatedBy=self.updater or self.creator,
            profileCategory=self.category,
            resourceType=pbm.profile.ResourceType(resourceType="STORAGE"),
            constraints=self.constraints,
            generationId=self.generation,
            isDefault=False,
        )

    def satisfied(self, tags: Mapping[str, set[str]]) -> bool:
        """Whether a datastore with these tags (names by category) does: one of the rule sets, with all its rules."""
        return any(
            all(_met(capability, tags) for capability in rules.capability) for rules in self.constraints.subProfiles
        )


def demand(constraints: Any, tags: Mapping[str, set[str]]) -> None:
    """InvalidArgument for rules that are not about tags there are (names by category)."""
    if not isinstance(constraints, pbm.profile.SubProfileCapabilityConstraints) or not constraints.subProfiles:
        raise invalid_argument("constraints", "A policy has rule sets")
    for rules in constraints.subProfiles:
        for capability in rules.capability:
            known = tags.get(capability.id.id)
            if capability.id.namespace != TAGS or known is None:
                raise invalid_argument("constraints", f"There is no capability {capability.id.id}")
            for constraint in capability.constraint:
                for each in constraint.propertyInstance:
                    if each.id != property_id(capability.id.id):
                        raise invalid_argument("constraints", f"There is no property {each.id}")
                    if not _names(each.value) or not _names(each.value) <= known:
                        raise invalid_argument("constraints", f"{capability.id.id} has no such tag")


def _met(capability: Any, tags: Mapping[str, set[str]]) -> bool:
    has = tags.get(capability.id.id, set())
    return any(
        all(bool(_names(each.value) & has) != (each.operator == "NOT") for each in constraint.propertyInstance)
        for constraint in capability.constraint
    )


def _names(value: Any) -> set[str]:
    return set(value.values) if isinstance(value, pbm.capability.types.DiscreteSet) else set()
