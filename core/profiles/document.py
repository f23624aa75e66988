"""A whole profile as OpenSDS exchanges it: name, storage type and sections in one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.profile import Profile
from .requirement import Requirement, compiled
from .schema import check_profile

_SECTIONS = (
    "enforcement",
    "provisioningProperties",
    "replicationProperties",
    "snapshotProperties",
    "dataProtectionProperties",
    "customProperties",
)


@dataclass(frozen=True, slots=True)
class ProfileDocument:
    """The parts of such a document that a `Profile` is made of, with what they compile to."""

    name: str
    storage_type: str
    requirement: Requirement
    description: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


def read(document: Mapping[str, Any]) -> ProfileDocument:
    """Take a profile document apart. Its id and times are its old system's and are not kept. Raises `Invalid`."""
    check_profile(document)
    properties = {section: document[section] for section in _SECTIONS if section in document}
    name, storage_type = str(document["name"]), str(document.get("storageType", "block"))
    return ProfileDocument(
        name=name,
        storage_type=storage_type,
        requirement=compiled(properties, name, storage_type),
        description=str(document.get("description", "")),
        properties=properties,
    )


def write(profile: Profile) -> dict[str, Any]:
    """The document of a profile; `read` gives its parts back."""
    return {
        "id": profile.id,
        "name": profile.name,
        "description": profile.description,
        "storageType": profile.storage_type,
        **{section: profile.properties[section] for section in _SECTIONS if section in profile.properties},
    }
