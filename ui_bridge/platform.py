"""What the browser's side asks of the plugin that it stands before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..core.context import Context
from ..core.errors import IsthmusError, Overloaded
from ..core.model.description import Explanation
from ..core.model.operation import Operation
from ..core.model.page import Page, Query
from .block import Block
from .objects import ObjectId

if TYPE_CHECKING:
    from .api.course import Course


@dataclass(frozen=True, slots=True)
class Sender:
    """What a request from the browser shows: the client's session token (a secret), the address of the client's own
    server, and the address that the request came from. None is believed before the platform has checked it."""

    token: str
    gateway: str = ""
    address: str = ""

    def __repr__(self) -> str:
        return f"Sender(gateway={self.gateway!r}, address={self.address!r})"


@dataclass(frozen=True, slots=True)
class Admission:
    """Who somebody turned out to be in one place: the context to ask actions with, and which of the platform's
    privileges that were asked about are missing there."""

    context: Context
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a place is called: the object (empty for a whole vCenter), its vCenter, the tenant that it belongs to."""

    name: str
    vcenter: str
    tenant: str


class TooManyAttempts(Overloaded):
    """Too many sessions that nobody knows were shown; `details["retry_after"]` is in seconds."""


class Operations(Protocol):
    """The operations that a context may see; the adapters' `Operations` are such."""

    def list(self, query: Query | None = None) -> Page[Operation]: ...

    def get(self, operation: str) -> Operation: ...

    def wait(self, operation: str, timeout: float = 30.0) -> Operation:
        """The operation as soon as it is no longer live, or as it is after `timeout` seconds."""

    def cancel(self, operation: str) -> Operation: ...

    def retry(self, operation: str) -> Operation: ...

    def abandon(self, operation: str) -> Operation: ...

    def explain(self, request_id: str) -> Explanation: ...


class Platform(Protocol):
    """The plugin behind the page."""

    @property
    def plugin(self) -> str:
        """The name of the plugin whose actions are offered."""

    @property
    def version(self) -> str:
        """One to four numbers with dots between."""

    def admit(self, sender: Sender, target: ObjectId, privileges: Sequence[str], request_id: str) -> Admission:
        """Who this is at `target`, which may be a whole vCenter; raises `Unauthenticated`, `Forbidden` for somebody
        with no rights there at all, `NotFound`, `TooManyAttempts`, `Unavailable`."""

    def identify(self, sender: Sender, guid: str, request_id: str) -> Context:
        """Who this is at a vCenter, whatever rights they have there: a context that may only read, for somebody whose
        rights on a thing of that vCenter are looked at next. Raises as `admit` does, but for missing rights."""

    def place(self, sender: Sender, target: ObjectId, admission: Admission) -> Whereabouts:
        """What a place is called, for somebody who was admitted there."""

    def told(self, error: IsthmusError, locale: str) -> tuple[str, str] | None:
        """Cause and cure in the reader's language; None for an error that is none of the plugin's."""

    def course(self, action: str) -> Course:
        """The steps of an action's flow; one without steps for an action that has none."""

    def operations(self, context: Context) -> Operations:
        """The operations of the plugin's flows."""

    def lacking(self, context: Context, verb: str) -> str | None:
        """The privilege that somebody lacks to `cancel`, `retry` or `abandon` an operation; None for who may."""

    def names(self, context: Context, document: Mapping[str, Any]) -> Mapping[str, str]:
        """What things are called whose ids stand in a plan."""

    def content(self, view: str, admission: Admission, target: ObjectId, locale: str) -> Sequence[Block]:
        """What a view shows; raises `NotFound` for one that there is not at such a target."""
