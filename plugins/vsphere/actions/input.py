"""What actions take: JSON Schemas. Sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SMALLEST = 1400 << 20
"""The smallest volume that VMFS 6 fits on (1.3 GB of file system), in bytes."""

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
            "description": "The hosts, by name or id, or their clusters.",
        },
    },
}

SNAPSHOT: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "description": "A snapshot of the datastore's volume, by id or name.",
}

CONSISTENCY: Mapping[str, Any] = {
    "enum": ["vm", "crash"],
    "default": "vm",
    "description": "vm: each virtual machine that runs is put to rest for it; crash: as after a power failure.",
}

WITHOUT_QUIESCE: Mapping[str, Any] = {
    "type": "boolean",
    "default": False,
    "description": "Whether machines that cannot be put to rest (no VMware Tools) are taken as they are.",
}
