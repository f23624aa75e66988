"""Operations: tasks of the service, and changes that it made at once (schema Task)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....adapters.contract.base import page_of
from ....core.context import Context
from ....core.errors import Conflict, Gone, NotFound, NotOffered
from ....core.model.description import Explanation
from ....core.model.operation import Operation, OperationState
from ....core.model.page import Page, Query
from .accepted import DONE, Accepted, Change
from .bodies import BEGINNING, Body, kind, link, links, moment, number, text
from .client import Answer, Client
from .errors import error_of_task
from .paths import id_of, path_of, uri_of
from .site import Site

_STATES: Mapping[str, OperationState] = {
    "New": OperationState.PENDING,
    "Pending": OperationState.PENDING,
    "Starting": OperationState.RUNNING,
    "Running": OperationState.RUNNING,
    "Service": OperationState.RUNNING,
    "Stopping": OperationState.RUNNING,
    "Cancelling": OperationState.RUNNING,
    "Suspended": OperationState.WAITING,
    "Interrupted": OperationState.WAITING,
    "Completed": OperationState.DONE,
    "Killed": OperationState.FAILED,
    "Exception": OperationState.FAILED,
    "Cancelled": OperationState.CANCELLED,
}
"""By TaskState. What is suspended goes on some time, by the service's own doing."""

_FIRST_LOOK, _LAST_LOOK = 0.05, 1.0
_LONGEST_WAIT = 30.0


class SwordfishOperations:
    """The operations of one context's changes."""

    def __init__(self, context: Context, site: Site, accepted: Accepted) -> None:
        self._context = context
        self._site = site
        self._accepted = accepted

    @property
    def _client(self) -> Client:
        return self._site.client

    def begun(self, change: Change, ask: Callable[[], Answer]) -> Operation:
        """Ask for a change, unless its key says that it was asked for already, and give the operation it became."""
        with self._accepted.once(change):
            known = self._accepted.again(change)
            return self.get(known) if known is not None else self._asked(change, ask())

    def _asked(self, change: Change, answer: Answer) -> Operation:
        """The operation that a change became, by what it was answered with."""
        if answer.status == 202:
            path = self._task_of(answer)
            self._accepted.note(id_of(path), change)
            return self._operation(path, answer.body if kind(answer.body) == "Task" else self._client.get(path).body)
        made = change.resource if change.resource is not None else _made(answer)
        operation = self._accepted.done(change, made)
        self._accepted.note(operation, change)
        return self.get(operation)

    def list(self, query: Query | None = None) -> Page[Operation]:
        collection = self._site.tasks()
        if collection is None:
            raise NotOffered("This system does not list its tasks.")
        found = []
        for path, body in self._client.members(collection):
            if self._seen(path, body):
                found.append(self._operation(path, body))
        return page_of(Operation, found, query, ("created_at", "updated_at", "kind", "state"))

    def get(self, operation: str) -> Operation:
        done = self._accepted.read(operation, self._context)
        if done is not None:
            return done
        path = uri_of(operation)
        if operation.startswith(f"{DONE}~"):
            raise NotFound(f"There is no operation {operation[:200]}.")
        body = self._client.get(path, request_id=self._context.request_id).body
        if kind(body) != "Task" or not self._seen(path, body):
            raise NotFound(f"There is no operation {operation[:200]}.")
        return self._operation(path, body)

    def wait(self, operation: str, timeout: float = 30.0) -> Operation:
        deadline = time.monotonic() + max(0.0, min(timeout, _LONGEST_WAIT))
        pause = _FIRST_LOOK
        while True:
            found = self.get(operation)
            left = deadline - time.monotonic()
            if not found.state.live or left <= 0:
                return found
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LAST_LOOK)

    def cancel(self, operation: str) -> Operation:
        found = self.get(operation)
        if not found.state.live:
            raise Conflict("The operation has ended.")
        path = uri_of(operation)
        self._client.change("DELETE", path, request_id=self._context.request_id)
        try:
            return self.get(operation)
        except (NotFound, Gone):
            # A service may forget at once what it was told to.
            return replace(found, state=OperationState.CANCELLED, cancel_requested=True)

    def retry(self, operation: str) -> Operation:
        raise NotOffered("This system goes on with its tasks by itself.")

    def abandon(self, operation: str) -> Operation:
        raise NotOffered("This system ends its tasks by itself.")

    def explain(self, request_id: str) -> Explanation:
        raise NotOffered("This system does not explain what it does.")

    def _task_of(self, answer: Answer) -> str:
        """The path of the task in an answer of 202: in its body, or behind the monitor that `Location` names."""
        if kind(answer.body) == "Task" and (path := link(answer.body)) is not None:
            return path
        if answer.location is not None:
            monitor = self._client.get(answer.location)
            if kind(monitor.body) == "Task":
                return link(monitor.body) or answer.location
        raise Gone("The system accepted the change and did not say which task makes it.")

    def _seen(self, path: str, body: Body) -> bool:
        """Whether the context may know of a task. Where tenants are kept apart: what it asked for, and what is about
        its own things."""
        known = self._accepted.of(id_of(path))
        if known is not None:
            return self._context.tenant is None or known[0].context.tenant == self._context.tenant
        if not self._site.shared or self._context.tenant is None:
            return True
        about = [*_created(body), path_of(text(body, "Payload", "TargetUri")) or ""]
        own = [place.path for place in self._site.share(self._context).places]
        return any(one.startswith(f"{place}/") for one in about for place in own)

    def _operation(self, path: str, body: Body) -> Operation:
        operation = id_of(path)
        known = self._accepted.of(operation)
        change, at = known if known is not None else (Change(_kind(body), None, self._context), None)
        said = text(body, "TaskState")
        state = _STATES.get(said, OperationState.RUNNING)
        begun = moment(body, "StartTime") or at or BEGINNING
        created: Sequence[str] = [id_of(one) for one in _created(body)]
        if state is OperationState.DONE and not created and change.resource is None and change.kind.endswith(".create"):
            created = self._behind(body)
        resource = change.resource or (created[0] if created else None)
        percent = number(body, "PercentComplete")
        failed = state is OperationState.FAILED
        return Operation(
            id=operation,
            kind=change.kind,
            resource_type=change.resource_type,
            resource=resource,
            tenant=change.context.tenant,
            user=change.context.user if known is not None else "",
            request_id=change.context.request_id if known is not None else "",
            state=state,
            created_at=begun,
            updated_at=moment(body, "EndTime") or begun,
            idempotency_key=change.key,
            progress=1.0 if state is OperationState.DONE else max(0, min(percent or 0, 100)) / 100,
            undoing=said == "Stopping",
            cancel_requested=said in ("Cancelling", "Cancelled"),
            error=error_of_task(self._client.system, body).to_json() if failed else None,
            result={change.resource_type: resource} if resource and state is OperationState.DONE else {},
        )

    def _behind(self, body: Body) -> Sequence[str]:
        """What the monitor of a task that has ended says it made, where the task does not."""
        monitor = link(body, "TaskMonitor")
        if monitor is None:
            return []
        try:
            made = _made(self._client.get(monitor))
        except (NotFound, Gone):
            return []
        return [] if made is None else [made]


def made_by(answer: Answer) -> str | None:
    """The path of what an answer says was made: it shows it, or says where it is."""
    path = link(answer.body) if kind(answer.body) not in ("", "Task") else None
    return path or answer.location


def _made(answer: Answer) -> str | None:
    path = made_by(answer)
    return None if path is None else id_of(path)


def _created(body: Body) -> list[str]:
    return links(body, "Links", "CreatedResources")


def _kind(body: Body) -> str:
    """What a task that somebody else began does, as far as it says."""
    method, target = text(body, "Payload", "HttpOperation"), text(body, "Payload", "TargetUri")
    verbs: Mapping[str, Any] = {"POST": "create", "PATCH": "update", "DELETE": "delete"}
    if method in verbs and "/Volumes" in target:
        return f"volume.{verbs[method]}"
    first = text(body, "Description").partition(",")[0]
    return first if first.replace(".", "").replace("_", "").isalpha() and "." in first else "task"
