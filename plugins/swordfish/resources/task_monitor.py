"""Task monitors: 202 while an operation goes on, afterwards what its request would have been answered.

They are no resources, have no schema, and are not listed anywhere but in tasks and in the Location of a 202 (DSP0266,
Asynchronous operations). On every server, and for as long as its task is kept, a monitor gives the same answer.
"""

from __future__ import annotations

from ....core.model.operation import OperationState
from .. import uris
from ..protocol.acceptance import accepted, concluded
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import Endpoint
from ..protocol.response import Response
from . import task


def _wait(request: Request) -> Response:
    operation = task.load(request)
    if operation.state.live:
        return accepted(operation, request)
    if operation.state is OperationState.CANCELLED:
        raise refuse(410, "TaskEvent.TaskCancelled", operation.id)
    return concluded(operation, request)


def _cancel(request: Request) -> Response:
    task.cancel(request, task.load(request))
    return Response(204)


TASK_MONITOR = Endpoint(
    path=uris.task_monitor("{task}"),
    handlers={"GET": _wait, "DELETE": _cancel},
    entity="Task",
)

SERVED = (TASK_MONITOR,)
