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
            "description": "The hosts, by name or id.",
        },
    },
}
