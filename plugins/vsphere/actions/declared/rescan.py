"""What `rescan` is."""

from __future__ import annotations

from ..declaration import Declared

RESCAN = Declared(
    "rescan",
    "rescan:Rescan",
    "Rescan storage",
    "Let hosts look for disks and file systems, and say what came and what went.",
    "attachment:create",
    ("HostSystem", "ClusterComputeResource"),
    {"type": "object", "additionalProperties": False, "properties": {}},
    {"note": None, "scan": "keep", "compare": None, "judge": None},
)
