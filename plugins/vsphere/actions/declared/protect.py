"""What `protect` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared

NEVER, AS_PROFILE = "never", "as-profile"
TIMED = ("hourly", "daily", "weekly", "monthly")
_MOST = 100_000
_ONLY: Mapping[str, Any] = {"every": list(TIMED)}

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["every"],
    "properties": {
        "every": {
            "type": "string",
            "enum": [*TIMED, NEVER, AS_PROFILE],
            "description": "How often; never: whatever the profile says; as-profile: the profile says it.",
        },
        "first": {
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-for": _ONLY,
            "description": "The first time in ISO 8601, UTC where it names no offset (2030-01-31T22:00:00Z); later "
            "ones follow from it. Without one: full hours, midnight UTC, Mondays, the first of a month.",
        },
        "keep": {
            "type": "integer",
            "minimum": 1,
            "maximum": _MOST,
            "x-for": _ONLY,
            "description": "How many of these snapshots are kept; any number by default.",
        },
        "days": {
            "type": "integer",
            "minimum": 1,
            "maximum": _MOST,
            "x-for": _ONLY,
            "description": "For how many days one of them is kept at most; for good by default.",
        },
    },
}

PROTECT = Declared(
    "protect",
    "protect:Protect",
    "Schedule snapshots of a datastore",
    "The volume behind the datastore says when its snapshots are taken by themselves. They do not put virtual machines "
    "at rest; the action snapshot does.",
    "volume:update",
    ("Datastore",),
    INPUT,
    {"examine": None, "set": "reset", "read_back": None},
)
