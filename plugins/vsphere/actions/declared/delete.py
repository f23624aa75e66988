"""What `delete` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared

INPUT: Mapping[str, Any] = {
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

DELETE = Declared(
    "delete",
    "delete:Delete",
    "Delete a datastore",
    "Remove the datastore from all hosts and delete the volume behind it.",
    "volume:delete",
    ("Datastore",),
    INPUT,
    {
        "examine": None,
        "unmount": "remount",
        "destroy": None,
        "detach": None,
        "targets": None,
        "withdraw": None,
        "volume": None,
        "read_back": None,
    },
    pivot="destroy",
)
