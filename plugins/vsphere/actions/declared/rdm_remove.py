"""What `rdm-remove` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["disk"],
    "properties": {
        "disk": {"type": "integer", "description": "The machine's raw disk, by its device key."},
        "delete_volume": {
            "type": "boolean",
            "default": False,
            "description": "Whether the volume is deleted with all that is on it; else it stays, and no host has it.",
        },
    },
}

RDM_REMOVE = Declared(
    "rdm-remove",
    "rdm_remove:RdmRemove",
    "Remove a raw device",
    "Take a raw device mapping from the virtual machine and the volume from its hosts.",
    "attachment:delete",
    ("VirtualMachine",),
    INPUT,
    {
        "examine": None,
        "unmap": "remap",
        "let_go": "take_up",
        "withdraw": None,
        "detach": None,
        "volume": None,
        "read_back": None,
    },
    # A machine can have its disk again until its hosts no longer reach it, which they may refuse to let go of.
    pivot="withdraw",
    choices=("disk",),
)
