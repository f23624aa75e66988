"""Which objects are watched, and what of them. All of it comes in one call, so it is what is needed and no more."""

from __future__ import annotations

from collections.abc import Mapping

WATCHED: Mapping[str, tuple[str, ...]] = {
    "Folder": ("name", "parent"),
    "Datacenter": ("name", "parent"),
    "ComputeResource": ("name", "parent", "host"),
    "HostSystem": (
        "name",
        "parent",
        "configManager.datastoreSystem",
        "configManager.storageSystem",
        "datastore",
        "overallStatus",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "summary.config.product.version",
    ),
    "Datastore": (
        "name",
        "parent",
        "host",
        "info",
        "iormConfiguration.enabled",
        "overallStatus",
        "summary.accessible",
        "summary.capacity",
        "summary.freeSpace",
        "summary.maintenanceMode",
        "summary.type",
        "summary.uncommitted",
        "summary.url",
        "vm",
    ),
    "VirtualMachine": ("name", "parent", "datastore", "runtime.host", "runtime.powerState", "summary.config.template"),
}
"""Properties by type; a cluster is a `ComputeResource`."""

RAW = ("host", "info")
"""Properties that are kept as pyVmomi made them too, for those who work with such."""
