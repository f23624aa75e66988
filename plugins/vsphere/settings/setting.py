"""The plugin's setting `host_rules`. Light: it is read whenever the plugin is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HOST_RULES: Mapping[str, Any] = {
    "type": "object",
    "default": {},
    "description": "Rules for settings of hosts, by id: false for none, or another bound (equals, at_least, at_most).",
    "additionalProperties": {
        "anyOf": [
            {"const": False},
            {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "equals": {"type": ["boolean", "integer", "string", "array"]},
                    "at_least": {"type": "integer"},
                    "at_most": {"type": "integer"},
                },
            },
        ]
    },
}
