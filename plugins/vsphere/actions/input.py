"""What actions take: JSON Schemas. Sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....plugin_manager.contract import LOCAL_SYSTEM

SMALLEST = 1400 << 20
"""The smallest volume that VMFS 6 fits on (1.3 GB of file system), in bytes."""

PROVISION: Mapping[str, Any] = {
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
        "size": {"type": "integer", "minimum": SMALLEST, "description": "The volume's size in bytes."},
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

DELETE: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "with_snapshots": {
            "type": "boolean",
            "default": False,
            "description": "Whether the volume's snapshots go with it; else it is refused while there are any.",
        },
    },
}

EXPAND: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": SMALLEST, "description": "The volume's new size in bytes."},
    },
}

HOSTS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["hosts"],
    "properties": {
        "hosts": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
            "description": "The hosts, by name or id.",
        },
    },
}
