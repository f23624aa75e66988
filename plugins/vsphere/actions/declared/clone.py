"""What `clone` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared
from ..input import CONSISTENCY, SNAPSHOT, WITHOUT_QUIESCE

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 42,
            "pattern": "^[^/\\\\%]*[^/\\\\% ]$",
            "description": "The new datastore's name.",
        },
        "snapshot": SNAPSHOT,
        "consistency": CONSISTENCY,
        "without_quiesce": WITHOUT_QUIESCE,
        "profile": {
            "type": "string",
            "minLength": 1,
            "description": "The profile of the new volume (name or id); the original's without one.",
        },
        "hosts": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
            "description": "The hosts or clusters that get it, by name or id; those of the original by default.",
        },
    },
}

CLONE = Declared(
    "clone",
    "clone:Clone",
    "Clone a datastore",
    "A new datastore with the content of this one, of now or of a snapshot.",
    "volume:create",
    ("Datastore",),
    INPUT,
    {
        "examine": None,
        "quiesce": "release",
        "take": "untake",
        "release": None,
        "volume": "no_volume",
        "attach": "detach",
        "targets": "no_targets",
        "scan": None,
        "resignature": "unresolve",
        "rename": None,
        "mount": None,
        "tidy": None,
        "read_back": None,
    },
    choices=("snapshot", "profile", "hosts"),
)
