"""Who is asking: a person whom a vCenter knows, as a `Context` of the core.

A person is never taken at his word. The session token of the vSphere Client becomes a session of that person at the
vCenter in question, which is asked whose it is and what he may do there; the answer is remembered for seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....core.context import Context, new_request_id
from ....core.errors import Forbidden, Unauthenticated
from ..connection.endpoint import split
from ..connection.errors import PrivilegeMissing
from ..connection.sessions import Key, UserSession, UserSessions, with_session
from ..reasons import because
from .doorkeeper import Doorkeeper
from .privileges import PRIVILEGES, VIEW, principal, role
from .reach import Reach, Reaches
from .vcenter import VCenter

if TYPE_CHECKING:
    from ..connection.soap import Connection, Who

REMEMBERED_SECONDS = 5.0
SECONDS = 15.0
_READER = "reader"
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of its sender: the session token of the vSphere Client (a secret), the address that the
    client says it runs on (empty: the vCenter in question), and the address that the request came from."""

    token: str
    gateway: str = ""
    address: str = ""

    def __repr__(self) -> str:
        return f"Shown(gateway={self.gateway!r}, address={self.address!r})"


@dataclass(frozen=True, slots=True)
class Place:
    """An object of the inventory: of which vCenter (GUID), of which type, its id there; no type for the whole."""

    guid: str
    kind: str = ""
    moid: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, in the place that was asked about: the context to act with, the privileges found, the session."""

    context: Context
    privileges: frozenset[str]
    vcenter: VCenter
    session: UserSession


class People:
    """Knows people by their sessions. `tenant_open` says whether a tenant may be acted for."""

    def __init__(self, reaches: Reaches, sessions: UserSessions, tenant_open: Callable[[str], bool]) -> None:
        self._reaches = reaches
        self._sessions = sessions
        self._tenant_open = tenant_open
        self._doorkeeper = Doorkeeper()
        self._lock = threading.Lock()
        self._known: dict[tuple[Key, str, str], tuple[str, frozenset[str], float]] = {}

    def find(self, shown: Shown, place: Place, *, wanted: Sequence[str] = (), request_id: str | None = None) -> Person:
        """The person and what he may do in that place; `wanted` are further privileges to ask about.

        Raises `Unauthenticated` (no session, or one that has ended), `TooManyAttempts`, `Forbidden` without one of our
        privileges there or with a disabled tenant, `NotFound` for an unknown vCenter, `Unreachable`.
        """
        reach, session, user, granted = self._met(shown, place, tuple(dict.fromkeys((*PRIVILEGES, *wanted))))
        # Who has it on one object is no administrator of everything, not even before that object.
        given = role(granted, administrators=reach.vcenter.administrators and not place.kind)
        if given is None:
            vcenter = reach.vcenter.name
            error = because(PrivilegeMissing, "no-privilege", user=principal(user), vcenter=vcenter, privilege=VIEW)
            error.details["privilege"] = VIEW
            raise error
        return Person(self._context(reach, user, given, request_id), granted, reach.vcenter, session)

    def identify(self, shown: Shown, guid: str, *, request_id: str | None = None) -> Context:
        """Who this is, whatever rights that person has at the vCenter: a context that may only read. Whoever uses it
        looks at the rights on the thing in question next. Raises as `find` does, but for missing privileges."""
        reach, _, user, _ = self._met(shown, Place(guid), PRIVILEGES)
        return self._context(reach, user, _READER, request_id)

    def _met(
        self, shown: Shown, place: Place, privileges: tuple[str, ...]
    ) -> tuple[Reach, UserSession, str, frozenset[str]]:
        if not shown.token:
            raise because(Unauthenticated, "nobody")
        reach = self._reaches.get(place.guid)
        key = Key.of(shown.token, place.guid)
        session, user, granted = self._asked(reach, key, shown, place, privileges)
        if not self._tenant_open(reach.vcenter.tenant):
            raise because(Forbidden, "tenant-disabled", vcenter=reach.vcenter.name)
        return reach, session, user, granted

    def _context(self, reach: Reach, user: str, given: str, request_id: str | None) -> Context:
        return Context(
            tenant=reach.vcenter.tenant,
            user=f"{principal(user)}@{reach.vcenter.name}",
            roles=frozenset({given}),
            request_id=request_id or new_request_id(),
        )

    def name(self, person: Person, place: Place) -> str:
        """What an object is called, asked in the person's session; raises `NotFound`."""
        connection = person.session.connection
        entity = connection.reference(place.kind, place.moid)
        line = self._reaches.get(place.guid).line
        return str(line.call(lambda: connection.read(entity, "name"), seconds=SECONDS).get("name", place.moid))

    def forget(self, guid: str) -> None:
        """Nothing that was remembered of this vCenter holds any more."""
        with self._lock:
            self._known = {key: value for key, value in self._known.items() if key[0].guid != guid}
        self._sessions.forget(guid)

    def _asked(
        self, reach: Reach, key: Key, shown: Shown, place: Place, privileges: tuple[str, ...]
    ) -> tuple[UserSession, str, frozenset[str]]:
        asked = (key, f"{place.kind}:{place.moid}", " ".join(privileges))
        with self._lock:
            known = self._known.get(asked)
        begin = self._beginning(reach, shown)
        kept = self._sessions.peek(key)
        if kept is not None and known is not None and known[2] > time.monotonic():
            return kept, known[0], known[1]
        found: list[tuple[str, frozenset[str]]] = []

        def ask(session: UserSession) -> None:
            connection = session.connection
            # Asked of the vCenter, not taken from the login: the session may have ended since.
            entity = connection.reference(place.kind, place.moid) if place.kind else connection.content.rootFolder
            found.append((session.who.user, connection.privileges(entity, session.who.key, privileges)))

        # Somebody who has a session here is known; everybody else takes the way past the doorkeeper.
        with nullcontext() if kept is not None else self._doorkeeper.attempt(key, shown.address):
            session = reach.line.call(lambda: with_session(self._sessions, key, begin, ask), seconds=SECONDS)
        user, granted = found[-1]
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[asked] = user, granted, time.monotonic() + REMEMBERED_SECONDS
        return session, user, granted

    def _beginning(self, reach: Reach, shown: Shown) -> Callable[[], tuple[Connection, Who]]:
        vcenter = reach.vcenter

        def begin() -> tuple[Connection, Who]:
            from ..connection.soap import connect
            from ..connection.tickets import clone_ticket

            gateway = self._gateway(shown.gateway) or vcenter
            ticket = clone_ticket(gateway.endpoint, shown.token, vcenter.guid)
            connection = connect(vcenter.endpoint)
            return connection, connection.clone(ticket)

        return begin

    def _gateway(self, url: str) -> VCenter | None:
        """The vCenter that the client runs on, when it is one of ours. The token goes to no other address."""
        if not url:
            return None
        host, port = split(url)
        for each in self._reaches.vcenters.all():
            if port == each.port and host in (each.host.lower(), *each.aliases):
                return each
        return None
