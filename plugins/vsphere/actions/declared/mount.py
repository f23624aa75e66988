"""What `mount` is."""

from __future__ import annotations

from ..declaration import Declared
from ..input import HOSTS

MOUNT = Declared(
    "mount",
    "mount:Mount",
    "Mount a datastore on hosts",
    "Let more hosts reach the volume behind the datastore, and mount it there.",
    "attachment:create",
    ("Datastore",),
    HOSTS,
    {
        "examine": None,
        "attach": "detach",
        "targets": "no_targets",
        "mount": "unmount",
        "read_back": None,
    },
    choices=("hosts",),
)
