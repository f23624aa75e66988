"""What `rdm-add` is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration import Declared
from .provision import INPUT as PROVISION

_OF_PROVISION = PROVISION["properties"]

INPUT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "volume": {
            "type": "string",
            "minLength": 1,
            "description": "A volume of the system that nobody uses, by id; without one a new volume is made.",
        },
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "description": "The new volume's name.",
        },
        "size": {
            "type": "integer",
            "minimum": 1 << 20,
            "x-unit": "bytes",
            "description": "The new volume's size in bytes.",
        },
        "system": _OF_PROVISION["system"],
        "profile": _OF_PROVISION["profile"],
        "pool": _OF_PROVISION["pool"],
        "mode": {
            "type": "string",
            "enum": ["physical", "virtual"],
            "default": "physical",
            "description": "physical: the machine's SCSI commands pass through to the storage; virtual: as with other "
            "virtual disks, snapshots of the machine included.",
        },
        "hosts": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
            "description": "Only these hosts of the machine's cluster (names or ids) are to reach the volume, so the "
            "machine can run on them; all of them by default.",
        },
    },
}

RDM_ADD = Declared(
    "rdm-add",
    "rdm_add:RdmAdd",
    "Add a raw device",
    "Give the virtual machine a volume of its own, as a raw device mapping.",
    "attachment:create",
    ("VirtualMachine",),
    INPUT,
    {
        "volume": "no_volume",
        "attach": "detach",
        "targets": "no_targets",
        "scan": None,
        "map": "unmap",
        "read_back": None,
    },
    choices=("volume", "system", "profile", "pool", "hosts"),
)
