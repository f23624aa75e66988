"""What `expand` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared
from ..input import SMALLEST

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["size"],
    "properties": {
        "size": {
            "type": "integer",
            "minimum": SMALLEST,
            "x-unit": "bytes",
            "description": "The volume's new size in bytes.",
        },
    },
}

EXPAND = Declared(
    "expand",
    "expand:Expand",
    "Expand a datastore",
    "Enlarge the volume and the file system on it together, while both are used.",
    "volume:extend",
    ("Datastore",),
    INPUT,
    {"examine": None, "extend": "keep", "scan": None, "grow": None, "read_back": None},
    # A system that does not let the volume grow leaves all as it was. One that was stopped meanwhile may have grown it:
    # it is never made smaller again, and the outcome says so.
    pivot="scan",
    bounded=True,
)
