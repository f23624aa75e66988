"""What `provision` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .....plugin_manager.contract import LOCAL_SYSTEM
from ..declaration import Declared
from ..input import SMALLEST

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "size"],
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 42,
            "pattern": "^[^/\\\\%]*[^/\\\\% ]$",
            "description": "The datastore's name.",
        },
        "size": {
            "type": "integer",
            "minimum": SMALLEST,
            "x-unit": "bytes",
            "description": "The volume's size in bytes.",
        },
        "system": {
            "type": "string",
            "minLength": 1,
            "default": LOCAL_SYSTEM,
            "description": "The storage system; this installation by default.",
        },
        "profile": {
            "type": "string",
            "minLength": 1,
            "description": "The profile (name or id), which also says thin or thick; the system's default without one.",
        },
        "pool": {
            "type": "string",
            "minLength": 1,
            "description": "The pool (name or id); without one the system chooses.",
        },
        "hosts": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
            "description": "On a cluster: only these hosts (names or ids); all of them by default.",
        },
    },
}

PROVISION = Declared(
    "provision",
    "provision:Provision",
    "Provision a datastore",
    "A VMFS datastore on a new volume, on a host or on all hosts of a cluster.",
    "volume:create",
    ("HostSystem", "ClusterComputeResource"),
    INPUT,
    {
        "volume": "no_volume",
        "attach": "detach",
        "targets": "no_targets",
        "scan": None,
        "format": "unformat",
        "mount": None,
        "read_back": None,
    },
    choices=("system", "profile", "pool", "hosts"),
)
