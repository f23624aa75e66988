"""Which pages there are. The first without a type of object is the one that the client's navigation leads to."""

from __future__ import annotations

from ....ui_bridge.view import View

VIEWS = (
    View("overview"),
    View("systems"),
    View("pools"),
    View("volumes"),
    View("hosts"),
    View("operations"),
    View("events"),
    View("datastore-card", "Datastore", "summary"),
    View("datastore-storage", "Datastore", "monitor"),
    View("host-card", "HostSystem", "summary"),
    View("host-storage", "HostSystem", "monitor"),
    View("vm-disks", "VirtualMachine", "monitor"),
)
