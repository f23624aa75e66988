"""TaskManager: the vCenter's own tasks, and those of extensions."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import invalid_argument, named_fault, vim, vmodl
from ..wire.call import Call
from .task import Task
from .task_history import TaskHistoryCollector, tasks_matching

if TYPE_CHECKING:
    from ..sessions import Session

log = logging.getLogger(__name__)
_RECENT = 200
# What Recent Tasks shows for the vCenter's own operations. Whoever simulates one more adds it.
OPERATIONS = {
    "Datastore.enterMaintenanceMode": "Enter datastore maintenance mode",
    "Datastore.exitMaintenanceMode": "Exit datastore maintenance mode",
    "Folder.moveInto": "Move entities",
    "HostSystem.disconnect": "Disconnect host",
    "HostSystem.enterMaintenanceMode": "Enter maintenance mode",
    "HostSystem.exitMaintenanceMode": "Exit maintenance mode",
    "HostSystem.reconnect": "Reconnect host",
    "ManagedEntity.destroy": "Delete",
    "ManagedEntity.rename": "Rename",
    "VirtualMachine.powerOff": "Power off virtual machine",
    "VirtualMachine.powerOn": "Power on virtual machine",
}


class TaskManager(Managed):
    """`recentTask` holds the newest tasks, the oldest first."""

    KIND = vim.TaskManager

    @property
    def always_read(self) -> bool:
        # The descriptions change with registered extensions only; who wants them asks.
        return False

    @computed("description")
    def description(self, session: Session | None) -> Any:
        """The labels of all operations; of extensions', in the session's language."""
        locale = "en" if session is None else session.locale
        return vim.TaskDescription(
            methodInfo=[
                *(_element(key, label) for key, label in OPERATIONS.items()),
                *self.vc.extensions.task_descriptions(locale),
            ],
            state=[_element(each, each.capitalize()) for each in ("queued", "running", "success", "error")],
            reason=[vim.TypeDescription(key=vim.TaskReasonUser, label="User task", summary="User task")],
        )

    @computed("maxCollector")
    def most_collectors(self, session: Session | None) -> int:
        """As a real vCenter says."""
        return 32

    def start(
        self, call: Call | None, subject: Managed, what: str, work: Callable[[Task], Any], *, cancelable: bool = False
    ) -> Task:
        """A task of the vCenter itself: `work` runs in a thread of its own; what it returns is the result, the fault it
        raises the error. `what` is the method's description id (`Datastore.destroy`)."""
        task = self._begin(call, subject, what, "running", cancelable)
        threading.Thread(target=self._run, args=(task, work), name=task.moid, daemon=True).start()
        return task

    @staticmethod
    def _run(task: Task, work: Callable[[Task], Any]) -> None:
        try:
            task.advance("success", work(task))
        except vmodl.MethodFault as fault:
            task.advance("error", error=fault)
        except Exception as error:
            log.exception("a task of the simulator failed")
            task.advance("error", error=named_fault(vmodl.fault.SystemError(reason=repr(error)), repr(error)))

    def _begin(
        self,
        call: Call | None,
        subject: Managed,
        what: str,
        state: str,
        cancelable: bool,
        *,
        activation: str | None = None,
        parent: str | None = None,
        initiator: str | None = None,
    ) -> Task:
        model = self.vc.model
        moid = f"task-{model.number()}"
        now = self.vc.clock.now()
        session = None if call is None else call.session
        user = initiator or ("" if session is None else session.user)
        is_entity = issubclass(subject.KIND, vim.ManagedEntity)
        info = vim.TaskInfo(
            key=moid,
            task=vim.Task(moid),
            description=self.vc.extensions.task_message(what, "en" if session is None else session.locale),
            descriptionId=what,
            entity=subject.ref if is_entity else None,
            entityName=subject.get("name") if is_entity else None,
            state=state,
            cancelled=False,
            cancelable=cancelable,
            reason=vim.TaskReasonUser(userName=user) if user else vim.TaskReasonSystem(),
            queueTime=now,
            startTime=now if state == "running" else None,
            eventChainId=model.number(),
            parentTaskKey=parent,
            rootTaskKey=parent,
            activationId=activation or (call.context.get("operationID") if call is not None else None),
        )
        with model.change():
            task = model.add(Task(self, moid, info, subject))
            recent = [*(self.get("recentTask") or []), task.ref]
            self.set("recentTask", recent[-_RECENT:])
            if is_entity:
                subject.set("recentTask", [*(subject.get("recentTask") or []), task.ref][-10:])
        return task

    def CreateTask(
        self,
        call: Call,
        subject: Any,
        task_type: str,
        initiator: str | None,
        cancelable: bool,
        parent: str | None,
        activation: str | None,
    ) -> Any:
        if not self.vc.extensions.has_task(task_type):
            raise invalid_argument("taskTypeId", f"No registered extension has the task type {task_type}")
        if parent is not None and parent not in self.vc.model.objects:
            raise invalid_argument("parentTaskKey", f"There is no task {parent}")
        managed = self.vc.find(subject, call.session)
        self.vc.rights.demand(call.session, managed, "Task.Create")
        task = self._begin(
            call, managed, task_type, "queued", cancelable, activation=activation, parent=parent, initiator=initiator
        )
        return task.get("info")

    def CreateCollectorForTasks(self, call: Call, spec: Any) -> Any:
        collector = TaskHistoryCollector(self.vc, f"session[{call.who.key}]{uuid.uuid4()}", spec)
        with self.vc.model.change():
            call.who.objects[collector.moid] = collector
        return collector.ref

    def every(self, spec: Any) -> list[Any]:
        """TaskInfo of all tasks a TaskFilterSpec names, oldest first."""
        return tasks_matching(self.vc.model.every(Task), spec)


def _element(key: str, label: str) -> Any:
    return vim.ElementDescription(key=key, label=label, summary=label)
