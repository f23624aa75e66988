"""What `unmount` is."""

from __future__ import annotations

from ..declaration import Declared
from ..input import HOSTS

UNMOUNT = Declared(
    "unmount",
    "unmount:Unmount",
    "Unmount a datastore from hosts",
    "Unmount the datastore from some of its hosts, which then no longer reach the volume.",
    "attachment:delete",
    ("Datastore",),
    HOSTS,
    {
        "examine": None,
        "unmount": "remount",
        "withdraw": None,
        "detach": None,
        "read_back": None,
    },
    pivot="withdraw",
    choices=("hosts",),
)
