"""What `apply-host-settings` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...vcenters.privileges import MANAGE
from ..declaration import Declared

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rules"],
    "properties": {
        "rules": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "uniqueItems": True,
            "description": "The rules (ids) whose settings are put right; with an empty list all that differ.",
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

APPLY_HOST_SETTINGS = Declared(
    "apply-host-settings",
    "apply_host_settings:ApplyHostSettings",
    "Apply host settings",
    "Put settings of hosts right that differ from the rules. No host is restarted.",
    "host:update",
    ("HostSystem", "ClusterComputeResource"),
    INPUT,
    {"examine": None, "apply": "restore", "read_back": None},
    privilege=MANAGE,
    choices=("rules", "hosts"),
)
