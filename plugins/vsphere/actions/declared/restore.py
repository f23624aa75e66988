"""What `restore` is."""

from __future__ import annotations

from ..declaration import Declared
from ..input import SNAPSHOT as CHOSEN

RESTORE = Declared(
    "restore",
    "restore:Restore",
    "Restore a datastore",
    "The datastore as it was at a snapshot; what was written since is lost.",
    "volume:revert",
    ("Datastore",),
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["snapshot"],
        "properties": {"snapshot": CHOSEN},
    },
    {
        "examine": None,
        "unregister": "reregister",
        "unmount": "mount",
        "targets": "connect",
        "withdraw": "attach",
        "rehearse": None,
        "revert": None,
        "attach": None,
        "connect": None,
        "mount": None,
        "register": None,
        "rewind": None,
        "read_back": None,
    },
    pivot="revert",
    choices=("snapshot",),
)
