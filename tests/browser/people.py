"""Who uses the client in these tests, with which rights in the vCenter."""

from __future__ import annotations

from tests.simulators.vcenter import Grant, Role, Specification, User

MANAGERS = Role(
    "Storage managers",
    (
        "Isthmus.View", "Isthmus.Provision", "Isthmus.Manage", "Host.Config.Storage", "Host.Config.AdvancedConfig",
        "Host.Config.DateTime", "Host.Config.NetService", "Datastore.AllocateSpace", "Datastore.Browse",
        "Datastore.Config", "Datastore.Delete", "Datastore.Rename", "Task.Create", "Task.Update",
        "Resource.AssignVMToPool", "VirtualMachine.Config.AddNewDisk", "VirtualMachine.Config.AddRemoveDevice",
        "VirtualMachine.Config.RawDevice", "VirtualMachine.Config.RemoveDisk",
        "VirtualMachine.Inventory.Register", "VirtualMachine.Inventory.Unregister",
        "VirtualMachine.State.CreateSnapshot", "VirtualMachine.State.RemoveSnapshot",
        "VirtualMachine.State.RevertToSnapshot",
    ),
)  # fmt: skip
KEEPERS = Role("Storage keepers", ("Isthmus.Administer",))
VIEWERS = Role("Storage viewers", ("Isthmus.View",))

ADMINISTRATOR = User("administrator@vsphere.local", "Secret-1")
SERVICE = User("svc-isthmus@vsphere.local", "Secret-2")
ANNA = User("anna@vsphere.local", "Secret-3", grants=(Grant(MANAGERS.name),))
"""May do everything with storage."""
BERND = User("bernd@vsphere.local", "Secret-4", grants=(Grant(VIEWERS.name),))
"""May look."""
CLARA = User("clara@vsphere.local", "Secret-5", grants=(Grant("ReadOnly"),))
"""Has none of the plug-in's privileges."""
DORA = User("dora@vsphere.local", "Secret-6", grants=(Grant(KEEPERS.name),))
"""Administers the storage systems, and does nothing with storage."""


def specification() -> Specification:
    """Two hosts in a cluster, one datastore, one machine, and these people."""
    return Specification(
        release="9.0.0",
        name="vc.example.test",
        users=(ADMINISTRATOR, SERVICE, ANNA, BERND, CLARA, DORA),
        roles=(MANAGERS, VIEWERS, KEEPERS),
    )
