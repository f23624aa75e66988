"""What `snapshot` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared
from ..input import CONSISTENCY, WITHOUT_QUIESCE

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80, "description": "The snapshot's name."},
        "description": {"type": "string", "maxLength": 1000, "default": "", "description": "What it is for."},
        "consistency": CONSISTENCY,
        "without_quiesce": WITHOUT_QUIESCE,
    },
}

SNAPSHOT = Declared(
    "snapshot",
    "snapshot:TakeSnapshot",
    "Take a snapshot of a datastore",
    "A snapshot of the volume behind the datastore, with the virtual machines on it at rest.",
    "snapshot:create",
    ("Datastore",),
    INPUT,
    {
        "examine": None,
        "quiesce": "release",
        "take": "untake",
        "release": None,
        "read_back": None,
    },
    # The machines' own snapshots go on the way back too: what the storage has taken is not given up for them.
    pivot="release",
)
