"""What `sync-profiles` is."""

from __future__ import annotations

from ...vcenters.privileges import MANAGE
from ..declaration import Declared

SYNC_PROFILES = Declared(
    "sync-profiles",
    "sync_profiles:SyncProfiles",
    "Bring storage policies in step with profiles",
    "A tag and a storage policy for each profile, and the tag on the datastores whose volumes have the profile.",
    "host:update",
    ("Datacenter",),
    {"type": "object", "additionalProperties": False, "properties": {}},
    {"compare": None, "tags": None, "policies": None, "datastores": None, "prune": None, "read_back": None},
    # What is begun is brought to its end: half of it is of no use, and taking it back would undo others' work.
    pivot="tags",
    privilege=MANAGE,
)
