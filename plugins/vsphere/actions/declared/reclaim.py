"""What `reclaim` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared

LEAST_BANDWIDTH, MOST_BANDWIDTH = 100, 2000
"""Between these ESXi takes a fixed bandwidth, in MB/s."""

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "now": {
            "type": "boolean",
            "default": True,
            "description": "Whether all free blocks are given back now.",
        },
        "automatic": {
            "type": "string",
            "enum": ["keep", "none", "low", "fixed"],
            "default": "keep",
            "description": "How hosts give back what is freed from now on: as now, not at all, slowly, or with a fixed "
            "bandwidth.",
        },
        "bandwidth": {
            "type": "integer",
            "minimum": LEAST_BANDWIDTH,
            "maximum": MOST_BANDWIDTH,
            "default": LEAST_BANDWIDTH,
            "x-for": {"automatic": ["fixed"]},
            "description": "The fixed bandwidth in MB/s, where that is chosen.",
        },
    },
}

RECLAIM = Declared(
    "reclaim",
    "reclaim:Reclaim",
    "Reclaim space",
    "Give the array back what the file system does not use, now or from now on.",
    "volume:update",
    ("Datastore",),
    INPUT,
    {"examine": None, "set": "reset", "unmap": None, "read_back": None},
)
