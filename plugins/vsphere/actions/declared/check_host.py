"""What `check-host` is."""

from __future__ import annotations

from ...vcenters.privileges import VIEW
from ..declaration import Declared

CHECK_HOST = Declared(
    "check-host",
    "check_host:CheckHost",
    "Check host settings",
    "Compare settings of hosts with the rules, and say what differs and why it matters. Nothing is changed.",
    "host:read",
    ("HostSystem", "ClusterComputeResource"),
    {"type": "object", "additionalProperties": False, "properties": {}},
    {},
    privilege=VIEW,
)
