"""Rights: every call is checked for the privilege the real one needs, on the entity it is about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.vcenter import Grant, Specification, User, VCenter, client
from tests.simulators.vcenter.registry import vim, vmodl

from .people import OPERATOR, READER, ROLES

ADMIN = "VSPHERE.LOCAL\\administrator"


def denied(call: Any) -> str:
    """The privilege that a call lacks."""
    with pytest.raises(vim.fault.NoPermission) as caught:
        call()
    return str(caught.value.privilegeId)


def test_calls_are_refused_with_the_privilege_they_lack(vc: VCenter) -> None:
    reader = client.connect(vc, READER)
    (store,) = client.view(reader, vim.Datastore).view
    (machine,) = client.view(reader, vim.VirtualMachine).view
    (host, *_) = client.view(reader, vim.HostSystem).view
    root = reader.content.rootFolder
    wanted = {
        "Datastore.Rename": lambda: store.RenameDatastore("x"),
        "Datastore.Delete": lambda: store.Destroy_Task(),
        "Folder.Create": lambda: root.CreateFolder("x"),
        "Folder.Delete": lambda: root.Destroy_Task(),
        "Datastore.Move": lambda: root.MoveIntoFolder_Task([store]),
        "Host.Config.Settings": lambda: host.Rename_Task("x"),
        "VirtualMachine.Interact.PowerOn": lambda: machine.PowerOnVM_Task(None),
        "VirtualMachine.Inventory.Delete": lambda: machine.Destroy_Task(),
        "Host.Config.Maintenance": lambda: host.EnterMaintenanceMode_Task(0, None, None),
        "Sessions.TerminateSession": lambda: reader.content.sessionManager.sessionList,
        "Alarm.Create": lambda: reader.content.alarmManager.CreateAlarm(root, vim.alarm.AlarmSpec(
            name="x", description="", enabled=True, expression=vim.alarm.OrAlarmExpression(expression=[
                vim.alarm.EventAlarmExpression(eventType=vim.event.EventEx)]))),
        "Global.LogEvent": lambda: reader.content.eventManager.LogUserEvent(store, "x"),
        "Global.Settings": lambda: reader.content.setting.UpdateOptions([vim.option.OptionValue(key="a", value="b")]),
        "Global.SetCustomField": lambda: reader.content.customFieldsManager.SetField(store, 1, "x"),
        "Authorization.ModifyRoles": lambda: reader.content.authorizationManager.AddAuthorizationRole("x", []),
        "Authorization.ModifyPermissions": lambda: (
            reader.content.authorizationManager.SetEntityPermissions(store, [])
        ),
    }  # fmt: skip
    assert denied(lambda: store.setCustomValue("x", "y")) == "Global.SetCustomField"
    assert {privilege: denied(call) for privilege, call in wanted.items()} == {each: each for each in wanted}


def test_a_right_on_one_datastore_is_a_right_there_only(vc: VCenter) -> None:
    operator = client.connect(vc, OPERATOR)
    (store,) = client.view(operator, vim.Datastore).view
    store.RenameDatastore("mine")
    assert denied(lambda: operator.content.rootFolder.CreateFolder("x")) == "Folder.Create"
    machine = vim.VirtualMachine(vc.named("vm-001").moid, operator._stub)
    assert denied(lambda: machine.name) == "System.View"


def test_a_role_that_gains_a_privilege_is_felt_at_once(vc: VCenter, service: Any) -> None:
    operator = client.connect(vc, OPERATOR)
    (store,) = client.view(operator, vim.Datastore).view
    assert denied(lambda: operator.content.eventManager.LogUserEvent(store, "x")) == "Global.LogEvent"
    manager = service.content.authorizationManager
    role = next(each for each in manager.roleList if each.name == "Datastore operator")
    manager.UpdateAuthorizationRole(role.roleId, role.name, [*role.privilege, "Global.LogEvent"])
    operator.content.eventManager.LogUserEvent(store, "x")


def test_the_nearest_permission_counts_and_a_group_after_the_user() -> None:
    group = "crew@vsphere.local"
    member = User("member@vsphere.local", "Member-1", (Grant("ReadOnly"),), (group,))
    users = (*Specification().users, member, OPERATOR)
    with VCenter(Specification(users=users, roles=ROLES)) as vc:
        service = client.connect(vc)
        manager = service.content.authorizationManager
        (store,) = client.view(service, vim.Datastore).view
        permission = vim.AuthorizationManager.Permission(
            principal="VSPHERE.LOCAL\\crew", group=True, roleId=-1, propagate=True
        )
        manager.SetEntityPermissions(store, [permission])
        theirs = client.connect(vc, member)
        vim.Datastore(store._moId, theirs._stub).RenameDatastore("crew")
        own = vim.AuthorizationManager.Permission(
            principal="VSPHERE.LOCAL\\member", group=False, roleId=-2, propagate=True
        )
        manager.SetEntityPermissions(store, [own])
        assert denied(lambda: vim.Datastore(store._moId, theirs._stub).RenameDatastore("no")) == "Datastore.Rename"
        shown = manager.RetrieveEntityPermissions(store, True)
        assert {(each.principal, each.group) for each in shown} >= {
            ("VSPHERE.LOCAL\\crew", True),
            ("VSPHERE.LOCAL\\member", False),
            (ADMIN, False),
        }
        manager.RemoveEntityPermission(store, "VSPHERE.LOCAL\\member", False)
        vim.Datastore(store._moId, theirs._stub).RenameDatastore("again")


def test_a_permission_that_does_not_propagate_ends_where_it_is() -> None:
    local = User("local@vsphere.local", "Local-1", (Grant("Admin", "Datacenter", propagate=False),))
    with VCenter(Specification(users=(*Specification().users, local))) as vc:
        service = client.connect(vc, local)
        assert [each.name for each in client.view(service, vim.Datacenter).view] == ["Datacenter"]
        assert list(client.view(service, vim.Datastore).view) == []


def test_questions_about_rights_are_answered(vc: VCenter, service: Any) -> None:
    operator = client.connect(vc, OPERATOR)
    (store,) = client.view(operator, vim.Datastore).view
    asked = ["Datastore.Rename", "Datastore.Move"]
    manager = operator.content.authorizationManager
    (found,) = manager.HasUserPrivilegeOnEntities([store], "VSPHERE.LOCAL\\operator", asked)
    assert {each.privId: each.isGranted for each in found.privAvailability} == {
        "Datastore.Rename": True,
        "Datastore.Move": False,
    }
    key = operator.content.sessionManager.currentSession.key
    (found,) = manager.HasPrivilegeOnEntities([store], key, asked)
    assert [each.isGranted for each in found.privAvailability] == [True, False]
    (held,) = manager.FetchUserPrivilegeOnEntities([store], "VSPHERE.LOCAL\\operator")
    assert "Datastore.Rename" in held.privileges
    assert "Datastore.Move" not in held.privileges
    assert denied(lambda: manager.FetchUserPrivilegeOnEntities([store], ADMIN)) == "Authorization.ModifyPermissions"


def test_the_last_administrator_stays(service: Any) -> None:
    manager = service.content.authorizationManager
    root = service.content.rootFolder
    with pytest.raises(vim.fault.AuthMinimumAdminPermission):
        manager.RemoveEntityPermission(root, ADMIN, False)
    with pytest.raises(vim.fault.AuthMinimumAdminPermission):
        manager.ResetEntityPermissions(root, [])
    lowered = vim.AuthorizationManager.Permission(principal=ADMIN, group=False, roleId=-2, propagate=True)
    with pytest.raises(vim.fault.AuthMinimumAdminPermission):
        manager.SetEntityPermissions(root, [lowered])
    service.content.rootFolder.CreateFolder("still")


def test_roles_are_checked(service: Any) -> None:
    manager = service.content.authorizationManager
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.AddAuthorizationRole("x", ["No.SuchPrivilege"])
    number = manager.AddAuthorizationRole("x", ["Datastore.Browse"])
    with pytest.raises(vim.fault.AlreadyExists):
        manager.AddAuthorizationRole("x", [])
    permission = vim.AuthorizationManager.Permission(
        principal="VSPHERE.LOCAL\\reader", group=False, roleId=number, propagate=True
    )
    manager.SetEntityPermissions(service.content.rootFolder, [permission])
    with pytest.raises(vim.fault.RemoveFailed):
        manager.RemoveAuthorizationRole(number, True)
    manager.RemoveAuthorizationRole(number, False)
    assert number not in [each.roleId for each in manager.roleList]
    unknown = vim.AuthorizationManager.Permission(principal="nobody", group=False, roleId=-1, propagate=True)
    with pytest.raises(vim.fault.UserNotFound):
        manager.SetEntityPermissions(service.content.rootFolder, [unknown])
