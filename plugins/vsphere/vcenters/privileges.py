"""The plug-in's own privileges in vCenter, and what each makes of a person here."""

from __future__ import annotations

from collections.abc import Collection

GROUP = "Isthmus"
VIEW = "Isthmus.View"
PROVISION = "Isthmus.Provision"
MANAGE = "Isthmus.Manage"
ADMINISTER = "Isthmus.Administer"

PRIVILEGES = (VIEW, PROVISION, MANAGE, ADMINISTER)
_ROLES = ((MANAGE, "manager"), (PROVISION, "member"), (VIEW, "reader"))
# The strongest first.
_STRENGTH = {"reader": 1, "member": 2, "manager": 3, "admin": 4}
_ROLE_OF = {VIEW: "reader", PROVISION: "member", MANAGE: "manager", ADMINISTER: "admin"}

SERVICE_ACCOUNT = (
    "System.View",
    "System.Read",
    "Sessions.ValidateSession",
    "Extension.Register",
    "Extension.Update",
    "Task.Create",
    "Task.Update",
    "Global.LogEvent",
    "Alarm.Create",
    "Alarm.Edit",
    "Alarm.Delete",
    "Host.Config.AdvancedConfig",
    "Host.Config.DateTime",
    "Host.Config.NetService",
    "Host.Config.Storage",
    "InventoryService.Tagging.AttachTag",
    "InventoryService.Tagging.CreateCategory",
    "InventoryService.Tagging.CreateTag",
    "InventoryService.Tagging.DeleteTag",
    "InventoryService.Tagging.EditTag",
    "InventoryService.Tagging.ObjectAttachable",
    "StorageProfile.Update",
    "StorageProfile.View",
    "Datastore.AllocateSpace",
    "Datastore.Delete",
    "Datastore.Browse",
    "Datastore.Rename",
    "Resource.AssignVMToPool",
    "VirtualMachine.Config.AddNewDisk",
    "VirtualMachine.Config.AddRemoveDevice",
    "VirtualMachine.Config.RawDevice",
    "VirtualMachine.Config.RemoveDisk",
    "VirtualMachine.Inventory.Register",
    "VirtualMachine.Inventory.Unregister",
    "VirtualMachine.State.CreateSnapshot",
    "VirtualMachine.State.RemoveSnapshot",
    "VirtualMachine.State.RevertToSnapshot",
)
"""What the plug-in's account needs at the root of the inventory: to watch, to keep its registration true, to tell of
tasks and events, and to keep its alarms true. Actions add the privileges that they need to be finished or undone
without their user."""


def role(privileges: Collection[str], *, administrators: bool = False) -> str | None:
    """The role that somebody with these privileges has here; None without any of ours. `administrators`: whether the
    vCenter may make administrators of this installation; else its strongest people are managers of its tenant."""
    if ADMINISTER in privileges:
        return "admin" if administrators else "manager"
    return next((name for privilege, name in _ROLES if privilege in privileges), None)


def stands_for(roles: Collection[str], privilege: str) -> bool:
    """Whether somebody with these roles may do what the privilege is for; the stronger ones include the weaker."""
    given = max((_STRENGTH.get(role, 0) for role in roles), default=0)
    return given >= _STRENGTH[_ROLE_OF[privilege]]


def principal(user: str) -> str:
    """`user@domain`, in small letters, of a name as vCenter writes it (`DOMAIN\\user`, `user@domain`)."""
    domain, slash, name = user.rpartition("\\")
    return (f"{name}@{domain}" if slash and domain else user).lower()
