"""Tasks: the vCenter's own, and those an extension reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.registry import vim, vmodl

from .people import OPERATOR, READER
from .plugins import KEY, extension

TASK = f"{KEY}.provision"


@pytest.fixture
def registered(service: Any) -> Any:
    """The service, with an extension registered."""
    service.content.extensionManager.RegisterExtension(extension())
    return service


def create(service: Any, subject: Any, *, kind: str = TASK, cancelable: bool = True) -> Any:
    return service.content.taskManager.CreateTask(subject, kind, None, cancelable, None, "request-7")


def state(service: Any, task: Any) -> Any:
    """info, as the property collector shows it."""
    return client.read(service, client.object_spec([task], vim.Task, ["info"]))[task._moId]["info"]


def test_an_extensions_task_goes_from_queued_to_success(vc: VCenter, registered: Any) -> None:
    store = client.view(registered, vim.Datastore).view[0]
    info = create(registered, store)
    assert (info.state, info.descriptionId, info.entityName, info.activationId) == (
        "queued",
        TASK,
        "datastore-001",
        "request-7",
    )
    assert info.reason.userName == "VSPHERE.LOCAL\\administrator"
    task = info.task
    task.SetTaskState("running", None, None)
    task.UpdateProgress(40)
    task.SetTaskDescription(vmodl.LocalizableMessage(key=f"{KEY}.step", arg=[vmodl.KeyAnyValue(key="lun", value="7")]))
    now = state(registered, task)
    assert (now.state, now.progress, now.description.message) == ("running", 40, "Formatting LUN 7")
    task.SetTaskState("success", "done", None)
    now = state(registered, task)
    assert (now.state, now.result, now.progress, now.cancelable) == ("success", "done", None, False)
    assert now.queueTime <= now.startTime <= now.completeTime


def test_recent_tasks_show_the_registered_label_in_the_users_language(vc: VCenter, registered: Any) -> None:
    info = create(registered, registered.content.rootFolder)
    assert info.description.message == "Provision datastore"
    labels = {each.key: each.label for each in registered.content.taskManager.description.methodInfo}
    assert labels[TASK] == "Provision datastore"
    registered.content.sessionManager.SetLocale("de")
    labels = {each.key: each.label for each in registered.content.taskManager.description.methodInfo}
    assert labels[TASK] == "Datastore bereitstellen"
    assert registered.content.taskManager.recentTask[-1]._moId == info.key


def test_a_failed_task_says_why(registered: Any) -> None:
    task = create(registered, registered.content.rootFolder).task
    fault = vim.fault.ResourceInUse(type=vim.Datastore, name="x")
    fault.msg = "two machines are on it"
    task.SetTaskState("error", None, fault)
    now = state(registered, task)
    assert isinstance(now.error, vim.fault.ResourceInUse)
    assert now.error.msg == "two machines are on it"


def test_a_task_type_nobody_registered_is_refused(registered: Any) -> None:
    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        create(registered, registered.content.rootFolder, kind="org.example.unknown")
    assert caught.value.invalidProperty == "taskTypeId"


def test_a_task_that_has_ended_stays_as_it_is(registered: Any) -> None:
    task = create(registered, registered.content.rootFolder).task
    with pytest.raises(vim.fault.InvalidState):
        task.UpdateProgress(10)
    task.SetTaskState("running", None, None)
    with pytest.raises(vim.fault.OutOfBounds):
        task.UpdateProgress(101)
    task.SetTaskState("success", None, None)
    calls: list[Callable[[], Any]] = [
        lambda: task.SetTaskState("running", None, None),
        lambda: task.UpdateProgress(10),
        lambda: task.CancelTask(),
    ]
    for call in calls:
        with pytest.raises(vim.fault.InvalidState):
            call()


def test_a_cancel_is_told_to_the_extension(registered: Any) -> None:
    task = create(registered, registered.content.rootFolder).task
    task.CancelTask()
    assert state(registered, task).cancelled
    stubborn = create(registered, registered.content.rootFolder, cancelable=False).task
    with pytest.raises(vmodl.fault.NotSupported):
        stubborn.CancelTask()


def test_a_waiter_sees_progress(registered: Any) -> None:
    collector = registered.content.propertyCollector
    task = create(registered, registered.content.rootFolder).task
    collector.CreateFilter(client.object_spec([task], vim.Task, ["info.progress", "info.state"]), False)
    version = collector.WaitForUpdatesEx("", None).version
    task.SetTaskState("running", None, None)
    task.UpdateProgress(30)
    update = collector.WaitForUpdatesEx(version, None)
    assert {each.name: each.val for each in update.filterSet[0].objectSet[0].changeSet} == {
        "info.state": "running",
        "info.progress": 30,
    }


def test_creating_and_updating_tasks_needs_the_right_to(vc: VCenter, registered: Any) -> None:
    reader = client.connect(vc, READER)
    with pytest.raises(vim.fault.NoPermission) as caught:
        create(reader, reader.content.rootFolder)
    assert caught.value.privilegeId == "Task.Create"
    task = create(registered, registered.content.rootFolder).task
    with pytest.raises(vim.fault.NoPermission) as caught:
        vim.Task(task._moId, reader._stub).SetTaskState("running", None, None)
    assert caught.value.privilegeId == "Task.Update"


def test_an_operation_of_the_vcenter_is_a_task(vc: VCenter, service: Any) -> None:
    operator = client.connect(vc, OPERATOR)
    (store,) = client.view(operator, vim.Datastore).view
    done = client.finished(operator, store.Rename_Task("gold"))
    assert (done.state, done.descriptionId, done.reason.userName) == (
        "success",
        "ManagedEntity.rename",
        "VSPHERE.LOCAL\\operator",
    )
    assert (store.name, store.summary.name, store.info.name) == ("gold", "gold", "gold")
    failed = client.finished(operator, store.Destroy_Task())
    assert isinstance(failed.error, vim.fault.ResourceInUse)
    assert "vm-001" in failed.error.msg


def test_past_tasks_are_read_back_by_entity_and_activation(registered: Any) -> None:
    store = client.view(registered, vim.Datastore).view[0]
    wanted = create(registered, store).key
    create(registered, registered.content.rootFolder)
    spec = vim.TaskFilterSpec(
        entity=vim.TaskFilterSpec.ByEntity(entity=store, recursion="self"), activationId=["request-7"]
    )
    collector = registered.content.taskManager.CreateCollectorForTasks(spec)
    assert [each.key for each in collector.ReadNextTasks(10)] == [wanted]
    assert list(collector.ReadNextTasks(10)) == []
