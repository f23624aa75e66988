"""Sessions of the vSphere Client: what a plug-in's page gets from `app.getSessionInfo`, and the tickets for it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .rest.router import problem
from .sessions import Session

if TYPE_CHECKING:
    from .vcenter import VCenter


class InterfaceSessions:
    """Who is logged in to the vSphere Client of one vCenter. A plug-in has a token of its own for each."""

    def __init__(self, vc: VCenter) -> None:
        self._vc = vc
        self._users: dict[str, tuple[str, str]] = {}
        # The user's sessions at each linked vCenter, by user and guid; tickets clone these.
        self._sessions: dict[tuple[str, str], Session] = {}

    def open(self, user: str, password: str, extension: str) -> str:
        """Log a person in who opens a plug-in's page; the token that page gets. `PermissionError` if refused."""
        who = self._vc.user_with(user, password)
        if who is None:
            raise PermissionError(user)
        token = secrets.token_hex(20)
        self._users[token] = (who, extension)
        return token

    def close(self, token: str) -> None:
        """The person logs out: sessions that were cloned live on, new tickets are refused."""
        who, _ = self._users.pop(token, ("", ""))
        for key in [key for key in self._sessions if key[0] == who]:
            session = self._sessions.pop(key)
            if key[1] in self._vc.linked:
                self._vc.linked[key[1]].sessions.close(session)

    def demand(self, token: str) -> tuple[str, str]:
        """The user and the plug-in of a token. 401 for one that is not or no longer valid."""
        found = self._users.get(token)
        if found is None:
            raise problem(401, "UNAUTHENTICATED", "Authentication required.")
        return found

    def ticket(self, user: str, extension: str, target: VCenter) -> str:
        """A ticket that is good at one vCenter. 403 where the plug-in is not registered, or the user has no rights."""
        if target.extensions.registered(extension) is None:
            raise problem(403, "UNAUTHORIZED", f"{extension} is not registered with {target.guid}")
        if "System.View" not in target.rights.of_user(user, target.root):
            raise problem(403, "UNAUTHORIZED", "The user has no permission on this vCenter")
        if target.closed:
            raise problem(503, "SERVICE_UNAVAILABLE", f"vCenter {target.guid} does not answer")
        key = (user, target.guid)
        session = self._sessions.get(key)
        if session is None or not target.sessions.alive(session):
            session = self._sessions[key] = target.sessions.open(user, agent="vsphere-ui")
        return target.sessions.ticket(session)
