"""TaskHistoryCollector: past tasks, page by page."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..managed import Managed, computed
from ..registry import vim
from ..wire.call import Call
from .task import Task

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

_PAGE = 10


class TaskHistoryCollector(Managed):
    """Filters by entity (itself), state, activation id and user."""

    KIND = vim.TaskHistoryCollector

    def __init__(self, vc: VCenter, moid: str, spec: Any) -> None:
        super().__init__(vc, moid, filter=spec)
        self._spec, self._at, self._size = spec, 0, _PAGE

    def _found(self) -> list[Any]:
        return tasks_matching(self.vc.model.every(Task), self._spec)

    @computed("latestPage")
    def latest(self, session: Session | None) -> list[Any]:
        """The newest, newest first."""
        return self._found()[::-1][: self._size]

    def ReadNextTasks(self, call: Call, most: int) -> list[Any]:
        page = self._found()[self._at : self._at + most]
        self._at += len(page)
        return page

    def ReadPreviousTasks(self, call: Call, most: int) -> list[Any]:
        start = max(0, self._at - most)
        page, self._at = self._found()[start : self._at], start
        return page

    def RewindCollector(self, call: Call) -> None:
        self._at = 0

    def ResetCollector(self, call: Call) -> None:
        self._at = len(self._found())

    def SetCollectorPageSize(self, call: Call, most: int) -> None:
        self._size = most

    def DestroyCollector(self, call: Call) -> None:
        call.who.objects.pop(self.moid, None)


def tasks_matching(tasks: Iterable[Task], spec: Any) -> list[Any]:
    """TaskInfo of the tasks that a TaskFilterSpec names, in their order."""
    return [info for info in (task.get("info") for task in tasks) if _matches(info, spec)]


def _matches(info: Any, spec: Any) -> bool:
    if spec.entity is not None and (info.entity is None or info.entity._moId != spec.entity.entity._moId):
        return False
    if spec.state and info.state not in list(spec.state):
        return False
    if spec.activationId and info.activationId not in list(spec.activationId):
        return False
    users = [] if spec.userName is None else list(spec.userName.userList)
    return not users or getattr(info.reason, "userName", None) in users
