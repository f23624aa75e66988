"""Tasks: the core's operations as Redfish shows them (DSP0266, Asynchronous operations; schema Task)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ....core.errors import Invalid
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Query
from .. import uris
from ..maintenance.later import window_start
from ..maintenance.seen import seen, waits
from ..protocol.acceptance import created_by, failure_of
from ..protocol.messages import said
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import Collection, Outcome, Property, Resource, Window
from ..uris import link

STATE: Mapping[OperationState, str] = {
    OperationState.PENDING: "Pending",
    OperationState.RUNNING: "Running",
    OperationState.WAITING: "Suspended",
    OperationState.DONE: "Completed",
    OperationState.FAILED: "Exception",
    OperationState.CANCELLED: "Cancelled",
    OperationState.NEEDS_ATTENTION: "Exception",
    OperationState.ABANDONED: "Exception",
}
"""TaskState of an operation that nobody stops.

One that needs attention has ended for its client: what was asked for is not there, and nothing goes on by itself.
"""

STATUS: Mapping[str, str] = {"Completed": "OK", "Cancelled": "Warning", "Exception": "Critical"}
"""TaskStatus of what has ended, by TaskState."""

_NOUNS = {"attachment": "connection"}


def state(operation: Operation) -> str:
    """TaskState: what is being taken back is cancelled if somebody asked for that, else it stops for an error."""
    if operation.state.live and operation.cancel_requested:
        return "Cancelling"
    if operation.state.live and operation.undoing:
        return "Stopping"
    return STATE[operation.state]


def _name(operation: Operation, request: Request) -> str:
    noun, _, verb = operation.kind.partition(".")
    return f"{verb} {_NOUNS.get(noun, noun)}".strip().capitalize()


def _messages(operation: Operation, request: Request) -> list[Mapping[str, Any]]:
    """What a client is told of it: its error first, in the words in which its request would have been refused."""
    if operation.state is OperationState.PENDING and not operation.attempts:
        return []
    if operation.state.live:
        return [said("TaskEvent.TaskStarted", operation.id)]
    if operation.state is OperationState.DONE:
        return [said("TaskEvent.TaskCompletedOK", operation.id)]
    if operation.state is OperationState.CANCELLED:
        return [said("TaskEvent.TaskCancelled", operation.id)]
    refusal = failure_of(operation, uris.task(operation.id))
    return [*refusal.messages, said("TaskEvent.TaskAborted", operation.id)]


def _percent(operation: Operation, request: Request) -> int:
    return 100 if operation.state is OperationState.DONE else max(0, min(100, round(operation.progress * 100)))


def _links(operation: Operation, request: Request) -> dict[str, Any] | None:
    uri = created_by(operation, request)
    return None if uri is None else {"CreatedResources": [link(uri)], "CreatedResources@odata.count": 1}


def _monitor(operation: Operation, request: Request) -> str | None:
    return None if operation.state is OperationState.CANCELLED else uris.task_monitor(operation.id)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _description(operation: Operation, request: Request) -> str:
    start = window_start(operation)
    waiting = "" if start is None else f", not before {_moment(start)}"
    return f"{operation.kind}, request {operation.request_id}{waiting}"


def _began(operation: Operation, request: Request) -> str | None:
    """What waits for a window has not been started."""
    return None if waits(operation) else _moment(operation.created_at)


def load(request: Request) -> Operation:
    return seen(request.storage.operations.get(request.params["task"]), request)


def cancel(request: Request, operation: Operation) -> Outcome:
    """Take it back. What has ended stays until its time has come: it is the record of a change.

    What needs attention is for a person to retry or abandon; the core says so.
    """
    if operation.state.ended:
        advice = "Only a task that goes on can be cancelled. One that has ended disappears by itself after some time."
        raise refuse(409, "ResourceCannotBeDeleted", resolution=advice)
    # What was begun in a window is what can be stopped, and says whether it can.
    request.storage.operations.cancel((operation.result.get("begun") or {}).get("operation") or operation.id)
    return None


def _list(request: Request, after: str | None, limit: int) -> Window:
    """The newest first."""
    query = Query(sort="-created_at", limit=limit, cursor=after, with_total=True)
    try:
        page = request.storage.operations.list(query)
    except Invalid as error:
        raise refuse(400, "QueryParameterValueError", "$skiptoken", resolution=error.message) from error
    return Window([seen(one, request) for one in page.items], page.total or 0, page.next)


TASK = Resource(
    type="Task",
    version="v1_7_4",
    path=uris.task("{task}"),
    load=load,
    id_of=lambda operation: str(operation.id),
    name=_name,
    delete=cancel,
    properties=(
        Property("Description", _description),
        Property("TaskState", lambda operation, request: state(operation)),
        Property("TaskStatus", lambda operation, request: STATUS.get(state(operation))),
        Property("PercentComplete", _percent),
        Property("StartTime", _began),
        Property(
            "EndTime",
            lambda operation, request: None if operation.state.live else _moment(operation.updated_at),
        ),
        Property("TaskMonitor", _monitor),
        Property("HidePayload", lambda operation, request: True),
        Property("Messages", _messages),
        Property("Links", _links),
    ),
)

TASKS = Collection(
    type="TaskCollection",
    path=uris.TASKS,
    name="Tasks",
    member=TASK,
    list=_list,
    uri_of=lambda operation, request: uris.task(operation.id),
)

SERVED = (TASKS, TASK)
