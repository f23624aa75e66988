"""Operations as callers see and steer them, and what a request led to."""

from __future__ import annotations

import time
from threading import Event

from ..context import Context
from ..errors import NotFound
from ..journal.operations import repository
from ..model.description import Explanation
from ..model.message import Message
from ..model.operation import Operation
from ..model.page import Query
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns
from .collection import Collection

_LONGEST_WAIT = 30.0
_SLICE = 0.5
"""Seconds after which a wait looks whether the server stops."""

_MOST = 1000


class Operations(Collection[Operation]):
    """`dismissed` says that the server stops and nobody may wait any longer."""

    def __init__(self, parts: Parts, dismissed: Event) -> None:
        self._dismissed = dismissed
        super().__init__(
            parts,
            repository,
            "operation",
            common=False,
            sorts=("created_at",),
            filters=("state", "kind", "resource", "resource_type", "request_id", "parent", "user"),
        )

    def wait(self, context: Context, operation: str, timeout: float = _LONGEST_WAIT) -> Operation:
        """The operation when it is no longer live, or as it is after `timeout` seconds (30 at most).

        A server that stops answers at once with the operation as it is.
        """
        known = self.parts.journal.running(operation)
        if known is None or not self.shows(context, known):
            known = self.get(context, operation)
        until = time.monotonic() + max(0.0, min(timeout, _LONGEST_WAIT))
        while known.state.live and not self._dismissed.is_set() and (left := until - time.monotonic()) > 0:
            known = self.parts.journal.wait(operation, min(left, _SLICE))
        return known

    def cancel(self, context: Context, operation: str) -> Operation:
        self._check(context, operation, "cancel")
        self.parts.journal.cancel(operation)
        return self.get(context, operation)

    def retry(self, context: Context, operation: str) -> Operation:
        self._check(context, operation, "retry")
        self.parts.journal.retry(operation)
        return self.get(context, operation)

    def abandon(self, context: Context, operation: str) -> Operation:
        self._check(context, operation, "abandon")
        self.parts.journal.abandon(operation)
        return self.get(context, operation)

    def explain(self, context: Context, request_id: str) -> Explanation:
        """All that a request id (or an operation's id) led to; raises `NotFound` when nothing did."""
        authorise(context, "operation:read", context.tenant)
        table = repository.table
        with self.parts.database.read() as tx:
            named = repository.find(tx, request_id)
            wanted = named.request_id if named is not None else request_id
            mine = self.visible(context, Query(all_tenants=context.is_admin))
            operations = repository.where(tx, table.c.request_id == wanted, *mine, limit=_MOST)
            notes = nouns.messages.table
            own = () if context.is_admin else (notes.c.tenant == context.tenant,)
            messages = nouns.messages.where(tx, notes.c.request_id == wanted, *own, limit=_MOST)
            known = {operation.id for operation in operations}
            events = [
                event
                for event in nouns.events.where(tx, nouns.events.table.c.operation.in_(known), limit=_MOST)
                if event.number is not None
            ]
        if not operations and not messages:
            raise NotFound(
                f"Nothing is known of the request {request_id}.",
                next_step="Give the request id of an answer's X-Openstack-Request-Id header, or an operation's id.",
            )
        return Explanation(wanted, operations, messages, sorted(events, key=lambda event: event.number or 0))

    def _check(self, context: Context, operation: str, verb: str) -> None:
        with self.parts.database.read() as tx:
            self.seen(tx, context, operation, verb)


class Messages(Collection[Message]):
    def __init__(self, parts: Parts) -> None:
        super().__init__(
            parts,
            nouns.messages,
            "message",
            sorts=("created_at",),
            filters=("level", "code", "resource", "resource_type", "operation", "request_id"),
        )
