"""A profile: what is wanted of storage, said once by an administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """What a volume of this profile must be like.

    `properties` is the document that `core/profiles/schema.json` describes, in OpenSDS's section names
    (provisioningProperties, replicationProperties, snapshotProperties, dataProtectionProperties,
    customProperties). `tenants` limits who may use it; empty means every tenant.
    `unenforced` lists the properties that no layer can enforce, which users are told of.
    """

    id: str
    name: str
    storage_type: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    description: str = ""
    is_default: bool = False
    tenants: tuple[str, ...] = ()
    unenforced: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
