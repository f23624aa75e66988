"""Each operation of an action as a task of its vCenter: Recent Tasks shows how far it is, lets it be cancelled, and
tells in the user's language how it ended.

The first step makes the task and writes down whose it is; a duty makes the task say what the journal says.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.duties.duty import DutyRun
from ....core.errors import (
    Conflict,
    IsthmusError,
    Misconfigured,
    NotFound,
    Overloaded,
    Stale,
    Unauthenticated,
    Unavailable,
)
from ....core.journal.step import Run
from ....core.model.identity import now
from ....core.model.operation import Operation, OperationState
from ....core.model.record import Record, Records
from ....ui_bridge.api.operation import SUBJECT
from ....ui_bridge.objects import ObjectId
from ..actions.outcome import outcome
from ..actions.stage import Stage
from ..actions.told import OURS
from ..connection.errors import SessionEnded
from ..connection.faults import translated
from ..connection.sealed_sessions import SealedSessions
from ..connection.soap import Connection
from ..connection.vmodl import vim, vmodl
from ..registration.offer import task_type
from ..vcenters.reach import Reach, Reaches
from .ended_sessions import EndedSessions

KIND = "task"
_PIECE = 500
_MOST = 1000
_DEAD = (Unavailable, Overloaded, Misconfigured, Unauthenticated)
"""What is wrong with the whole vCenter, or the way to it, and not with one task."""
_PAUSE_SECONDS = 30.0
"""After this a task that the vCenter did not let be told is tried again."""
_PATIENCE = timedelta(days=1)
"""For so long that is done after the end of the operation."""
_REST = (OperationState.NEEDS_ATTENTION, OperationState.ABANDONED)

Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)


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
        self._ended = EndedSessions(reaches, sealed, local, lambda operation: records.get(KIND, operation) is not None)
        self._later: dict[str, float] = {}
        self._guard = threading.Lock()
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def announce(self, run: Run) -> None:
        """Make the task, if there is none for this request on this object, and remember it."""
        session = run.data.get("session")
        if session:
            self._sealed.belong(str(session), run.operation.id)
        with self._turn(run.operation.request_id), self._stage.vcenter(run) as connection:
            subject = self._stage.subject(run, connection)
            moid = self._task(connection, subject, run.operation, run.context)
            current = connection.read(connection.content.sessionManager, "currentSession").get("currentSession")
            # Whoever looks at the operation later may find the object gone.
            run.result[SUBJECT] = str(connection.read(subject, "name").get("name", ""))
            body = {
                "vcenter": run.data["vcenter"],
                "session": session,
                "task": moid,
                "locale": str(getattr(current, "locale", None) or "en"),
                "context": run.context.to_json(),
            }
            # An earlier try of this step may have written it.
            with suppress(Conflict):
                self._records.put(Record(KIND, run.operation.id, body, tenant=run.operation.tenant))

    def _turn(self, request_id: str) -> threading.Lock:
        """One operation of a request after the other makes its task: one that is made and not remembered yet would be
        taken for an earlier try of the other's."""
        with self._guard:
            turn = self._turns.get(request_id)
            if turn is None:
                turn = self._turns[request_id] = threading.Lock()
            return turn

    def look(self, run: DutyRun) -> None:
        """Let every task say what is true now, and end the sessions of what is over. A vCenter that does not answer
        does not keep the others, and a task that cannot be told does not keep the other tasks."""
        dead: set[str] = set()
        for record in self._every():
            if not run.go_on():
                return
            guid = str(record.body["vcenter"])
            if guid in dead or self._later.get(record.id, 0.0) > time.monotonic():
                continue
            try:
                self._tell(record)
                self._later.pop(record.id, None)
            except _DEAD:
                dead.add(guid)
            except IsthmusError as error:
                if record.id not in self._later:
                    _log.warning("operation %s is not told to its vCenter now: %s", record.id, error)
                self._later[record.id] = time.monotonic() + _PAUSE_SECONDS
        self._ended.look(run, dead)

    def _every(self) -> Iterator[Record]:
        after: str | None = None
        while records := self._records.list(KIND, after=after, limit=_PIECE):
            yield from records
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
        told = body.get("told")
        if told != operation.state and not (told and operation.state in _REST):
            try:
                cancelled = self._in_session(body, reach, lambda connection: self._show(connection, record, operation))
            except _DEAD:
                raise
            except IsthmusError as error:
                if operation.state.live or now() - operation.updated_at < _PATIENCE:
                    raise
                _log.warning("how operation %s ended was never told to its vCenter: %s", operation.id, error)
                cancelled = False
            if cancelled and operation.state.live and not operation.cancel_requested:
                # Past the point of no return it is finished.
                with suppress(Conflict):
                    operations.cancel(operation.id)
            if operation.state is OperationState.NEEDS_ATTENTION:
                self._written(record, told=operation.state.value)
        if operation.state.ended:
            self._records.delete(KIND, record.id)
            self._later.pop(record.id, None)

    def _show(self, connection: Connection, record: Record, operation: Operation) -> bool:
        """Make the task say how it stands; whether somebody asked there that it be cancelled."""
        if record.body.get("told"):
            # It ended when a person was needed; what somebody let go on is another task.
            record = self._anew(connection, record, operation)
        task = connection.reference("Task", str(record.body["task"]))
        with translated(connection.endpoint):
            try:
                if operation.state.live:
                    task.UpdateProgress(min(99, int(operation.progress * 100)))
                    info = connection.read(task, "info").get("info")
                    return bool(info is not None and info.cancelled)
                if operation.state is OperationState.DONE:
                    task.SetTaskState("success", None, None)
                else:
                    text = outcome(operation, str(record.body["locale"]))
                    task.SetTaskState("error", None, vmodl.fault.SystemError(reason=text, msg=text))
            except (vmodl.fault.ManagedObjectNotFound, vim.fault.InvalidState):
                pass  # it ended there already
        return False

    def _anew(self, connection: Connection, record: Record, operation: Operation) -> Record:
        """The record with a task of its own for what goes on."""
        target = ObjectId.parse(str(operation.resource))
        subject = connection.reference(target.kind, target.moid)
        if not connection.read_all([subject], "name"):
            subject = connection.content.rootFolder  # the operation had removed it by then
        moid = self._task(connection, subject, operation, Context.from_json(record.body["context"]))
        return self._written(record, task=moid, told=None)

    def _written(self, record: Record, **more: Any) -> Record:
        try:
            return self._records.replace(replace(record, body={**record.body, **more}))
        except (Stale, NotFound):
            return record  # another process tells it

    def _in_session(self, body: Any, reach: Reach, work: Callable[[Connection], Answer]) -> Answer | None:
        """What `work` returns; None when nobody is left in whose session it could be done."""
        if reach.account.user:
            return reach.as_service(lambda connection, who: work(connection))
        try:
            connection, _ = self._sealed.resume(str(body.get("session")), reach.vcenter.endpoint)
        except SessionEnded:
            return None
        try:
            return work(connection)
        finally:
            connection.close()

    def _task(self, connection: Connection, subject: Any, operation: Operation, context: Context) -> str:
        """The task that an earlier try made, or a new one."""
        kind = task_type(operation.kind.removeprefix(OURS))
        others = self._others(operation)
        known = [each for each in _known(connection, subject, kind, operation) if each not in others]
        return known[0] if known else _made(connection, subject, kind, operation, self._initiator(context))

    def _initiator(self, context: Context) -> str:
        """Who asked, as people know him: a user of Isthmus is named in operations by id."""
        user = context.user
        with suppress(IsthmusError):
            return self._local().administration(Context(None, user, frozenset({"admin"}))).users.get(user).name
        return user

    def _others(self, operation: Operation) -> frozenset[str]:
        """The tasks of other operations, which may have come with the same request."""
        kept = self._records.list(KIND, tenant=operation.tenant, limit=_MOST)
        return frozenset(str(each.body["task"]) for each in kept if each.id != operation.id)


def _known(connection: Connection, subject: Any, kind: str, operation: Operation) -> list[str]:
    """Tasks that an earlier try may have made."""
    spec = vim.TaskFilterSpec(
        entity=vim.TaskFilterSpec.ByEntity(entity=subject, recursion="self"),
        activationId=[operation.request_id],
        state=["queued", "running"],
    )
    with translated(connection.endpoint):
        collector = connection.content.taskManager.CreateCollectorForTasks(spec)
        try:
            return [str(each.task._moId) for each in collector.ReadNextTasks(100) if each.descriptionId == kind]
        finally:
            collector.DestroyCollector()


def _made(connection: Connection, subject: Any, kind: str, operation: Operation, initiator: str) -> str:
    with translated(connection.endpoint):
        request = operation.request_id
        info = connection.content.taskManager.CreateTask(subject, kind, initiator, True, None, request)
        info.task.SetTaskState("running", None, None)
    return str(info.task._moId)
