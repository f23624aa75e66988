"""What `snapshot-delete` is."""

from __future__ import annotations

from ..declaration import Declared
from ..input import SNAPSHOT as CHOSEN

SNAPSHOT_DELETE = Declared(
    "snapshot-delete",
    "snapshot_delete:DeleteSnapshot",
    "Delete a snapshot of a datastore",
    "A snapshot of the volume behind the datastore goes; datastores that were cloned from it stay.",
    "snapshot:delete",
    ("Datastore",),
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["snapshot"],
        "properties": {"snapshot": CHOSEN},
    },
    {"examine": None, "delete": None, "read_back": None},
    pivot="delete",
    choices=("snapshot",),
)
