"""What a step asks of a storage system, so that the step can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from ....adapters.contract import Storage
from ....core.journal.step import Run
from ....core.model.operation import Operation, OperationState
from ....core.model.request import AttachmentRequest

_ENDED_BADLY = (OperationState.FAILED, OperationState.CANCELLED, OperationState.ABANDONED)


def asked(run: Run, what: str, submit: Callable[[str], Operation]) -> Operation:
    """The operation that `submit(key)` accepts: the one of an earlier try, unless that failed and this step is being
    tried anew because of it. The journal frees the keys of what failed here; for another system a key stands for its
    outcome too, so there it is asked for under the next one."""
    for number in count():
        found = submit(f"{run.key}/{what}/{number}")
        if found.state not in _ENDED_BADLY or number >= run.attempt - 1:
            return found
    raise AssertionError


def attached(run: Run, storage: Storage, request: AttachmentRequest) -> Operation:
    """`asked` for a volume's attachment to a host."""
    return asked(run, request.host, lambda key: storage.attachments.create(request, key=key))


def withdrawn(run: Run, storage: Storage, attachment: str) -> Operation:
    """`asked` for the end of an attachment. Raises `NotFound` when it is gone."""
    return asked(run, attachment, lambda key: storage.attachments.delete(attachment, key=key))
