"""Each operation of an action as a task of its vCenter: Recent Tasks shows how far it is, lets it be cancelled, and
tells in the user's language how it ended.

The first step makes the task and writes down whose it is; a duty makes the task say what the journal says.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.duties.duty import DutyRun
from ....core.errors import Conflict, IsthmusError, NotFound, Stale
from ....core.journal.step import Run
from ....core.model.operation import Operation, OperationState
from ....core.model.record import Record, Records
from ....ui_bridge.api.operation import SUBJECT
from ..actions.stage import Stage
from ..connection.errors import SessionEnded
from ..connection.faults import translated
from ..connection.sealed_sessions import SealedSessions
from ..connection.soap import Connection
from ..connection.vmodl import vim, vmodl
from ..reasons import said, texts
from ..registration.offer import task_type
from ..vcenters.reach import Reach, Reaches

KIND = "task"
_PIECE = 500
_MOST = 1000


class Mirror:
    """`local` is the system whose journal runs the operations."""

    def __init__(
        self,
        records: Records,
        reaches: Reaches,
        sealed: SealedSessions,
        stage: Stage,
        local: Callable[[], Adapter],
    ) -> None:
        self._records, self._reaches, self._sealed, self._stage, self._local = records, reaches, sealed, stage, local

    def announce(self, run: Run) -> None:
        """Make the task, if there is none for this request on this object, and remember it."""
        with self._stage.vcenter(run) as connection:
            subject = self._stage.subject(run, connection)
            kind = task_type(run.data["action"])
            known = [each for each in _known(connection, subject, kind, run) if each not in self._others(run)]
            moid = known[0] if known else _made(connection, subject, kind, run, self._initiator(run))
            current = connection.read(connection.content.sessionManager, "currentSession").get("currentSession")
            # Whoever looks at the operation later may find the object gone.
            run.result[SUBJECT] = str(connection.read(subject, "name").get("name", ""))
        body = {
            "vcenter": run.data["vcenter"],
            "session": run.data.get("session"),
            "task": moid,
            "locale": str(getattr(current, "locale", None) or "en"),
            "context": run.context.to_json(),
        }
        try:
            self._records.put(Record(KIND, run.operation.id, body, tenant=run.operation.tenant))
        except Conflict:
            return  # an earlier try of this step wrote it

    def _initiator(self, run: Run) -> str:
        """Who asked, as people know him: a user of Isthmus is named in operations by id."""
        user = run.context.user
        with suppress(IsthmusError):
            return self._local().administration(Context(None, user, frozenset({"admin"}))).users.get(user).name
        return user

    def _others(self, run: Run) -> frozenset[str]:
        """The tasks of other operations, which may have come with the same request."""
        kept = self._records.list(KIND, tenant=run.operation.tenant, limit=_MOST)
        return frozenset(str(each.body["task"]) for each in kept if each.id != run.operation.id)

    def look(self, run: DutyRun) -> None:
        """Let every task say what is true now. One vCenter that does not answer does not keep the others."""
        dead: set[str] = set()
        after: str | None = None
        while records := self._records.list(KIND, after=after, limit=_PIECE):
            for record in records:
                if not run.go_on():
                    return
                guid = str(record.body["vcenter"])
                if guid in dead:
                    continue
                try:
                    self._tell(record)
                except IsthmusError:
                    dead.add(guid)
            after = records[-1].id

    def _tell(self, record: Record) -> None:
        body = record.body
        # Its `parent` is the flow itself, whose child a cancel is not.
        context = Context.from_json({**body["context"], "parent": None})
        operations = self._local().storage(context).operations
        try:
            operation = operations.get(record.id)
            reach = self._reaches.get(str(body["vcenter"]))
        except NotFound:
            self._records.delete(KIND, record.id)
            return
        if not body.get("told"):
            cancelled = self._in_session(body, reach, lambda connection: _show(connection, body, operation))
            if cancelled and operation.state.live and not operation.cancel_requested:
                # Past the point of no return it is finished.
                with suppress(Conflict):
                    operations.cancel(operation.id)
            if not operation.state.live:
                try:
                    record = self._records.replace(
                        Record(KIND, record.id, {**body, "told": True}, tenant=record.tenant, version=record.version)
                    )
                except (Stale, NotFound):
                    return
        if operation.state.ended:
            if body.get("session"):
                self._sealed.end(str(body["session"]), reach.vcenter.endpoint)
            self._records.delete(KIND, record.id)

    def _in_session(self, body: Any, reach: Reach, work: Callable[[Connection], bool]) -> bool:
        if reach.account.user:
            return reach.as_service(lambda connection, who: work(connection))
        try:
            connection, _ = self._sealed.resume(str(body.get("session")), reach.vcenter.endpoint)
        except SessionEnded:
            return False
        try:
            return work(connection)
        finally:
            connection.close()


def _known(connection: Connection, subject: Any, kind: str, run: Run) -> list[str]:
    """Tasks that an earlier try of the step may have made."""
    spec = vim.TaskFilterSpec(
        entity=vim.TaskFilterSpec.ByEntity(entity=subject, recursion="self"),
        activationId=[run.operation.request_id],
        state=["queued", "running"],
    )
    with translated(connection.endpoint):
        collector = connection.content.taskManager.CreateCollectorForTasks(spec)
        try:
            return [str(each.task._moId) for each in collector.ReadNextTasks(100) if each.descriptionId == kind]
        finally:
            collector.DestroyCollector()


def _made(connection: Connection, subject: Any, kind: str, run: Run, initiator: str) -> str:
    with translated(connection.endpoint):
        request = run.operation.request_id
        info = connection.content.taskManager.CreateTask(subject, kind, initiator, True, None, request)
        info.task.SetTaskState("running", None, None)
    return str(info.task._moId)


def _show(connection: Connection, body: Any, operation: Operation) -> bool:
    """Make the task say how it stands; whether somebody asked there that it be cancelled."""
    task = connection.reference("Task", str(body["task"]))
    with translated(connection.endpoint):
        try:
            if operation.state.live:
                task.UpdateProgress(min(99, int(operation.progress * 100)))
                info = connection.read(task, "info").get("info")
                return bool(info is not None and info.cancelled)
            if operation.state is OperationState.DONE:
                task.SetTaskState("success", None, None)
            else:
                task.SetTaskState("error", None, _fault(operation, str(body["locale"])))
        except (vmodl.fault.ManagedObjectNotFound, vim.fault.InvalidState):
            pass  # it ended there already
    return False


def _fault(operation: Operation, locale: str) -> Any:
    error = operation.error or {}
    if operation.state is OperationState.CANCELLED:
        text = texts().get("outcome.cancelled", locale)
    else:
        outcome = "attention" if operation.state is OperationState.NEEDS_ATTENTION else "failed"
        text = texts().get(f"outcome.{outcome}", locale, reason=said(error, locale), operation=operation.id)
    return vmodl.fault.SystemError(reason=text, msg=text)
