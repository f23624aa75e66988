"""A whole profile as OpenSDS exchanges it: name, storage type and sections in one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.request import ProfileRequest
from .schema import check_profile

_SECTIONS = (
    "enforcement",
    "provisioningProperties",
    "replicationProperties",
    "snapshotProperties",
    "dataProtectionProperties",
    "customProperties",
)
OPENSDS_NAMES = frozenset({"id", "createdAt", "updatedAt", "storageType", *_SECTIONS})
"""The names of such a document that a `ProfileRequest` does not have."""


def read(document: Mapping[str, Any]) -> ProfileRequest:
    """The profile that such a document asks for; its id and times are its old system's and are not kept. Raises
    `Invalid`."""
    check_profile(document)
    return ProfileRequest(
        name=document["name"],
        properties={section: document[section] for section in _SECTIONS if section in document},
        storage_type=document.get("storageType", "block"),
        description=document.get("description", ""),
    )
