"""A whole profile as OpenSDS exchanges it: name, storage type and sections in one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .request import ProfileRequest

_THEIRS = frozenset({"id", "createdAt", "updatedAt"})
OPENSDS_NAMES = _THEIRS | {
    "storageType",
    "enforcement",
    "provisioningProperties",
    "replicationProperties",
    "snapshotProperties",
    "dataProtectionProperties",
    "customProperties",
}
"""The names of such a document that a `ProfileRequest` does not have."""


def wanted(document: Mapping[str, Any]) -> ProfileRequest:
    """The profile that such a document asks for; its id and times are its old system's and are not kept.

    What it has besides becomes properties, where the engine refuses what it does not know. Raises `KeyError` without a
    name.
    """
    apart = {"name", "description", "storageType", *_THEIRS}
    return ProfileRequest(
        name=document["name"],
        properties={name: value for name, value in document.items() if name not in apart},
        storage_type=document.get("storageType", "block"),
        description=document.get("description", ""),
    )
