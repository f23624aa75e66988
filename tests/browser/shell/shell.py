"""The client: who is logged in, and the plug-in as it was read at login."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.simulators.vcenter import User, VCenter, issue
from tests.simulators.vcenter.rights import principal

from .plugin import Plugin, read
from .server import Listener

LOCALES = ("en-US", "de-DE", "zh-CN", "fr-FR")


@dataclass(frozen=True, slots=True)
class Visit:
    """A person who is logged in: the session token that the plug-in's pages get, and the plug-in as read at login."""

    user: str
    token: str
    plugin: Plugin


class Shell:
    """The client of one vCenter, on an origin of its own on loopback; vCenters that are linked to it are shown too.
    `key` names the plug-in. A context manager."""

    def __init__(self, vcenters: list[VCenter], key: str, *, port: int = 0) -> None:
        self.vcenters = vcenters
        self.key = key
        self._port = port
        self._visits: dict[str, Visit] = {}
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        self._listener = Listener(self, self._port, issue().server_context())
        self._port = int(self._listener.server_address[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    @property
    def address(self) -> str:
        """`https://127.0.0.1:PORT`."""
        return f"https://127.0.0.1:{self._port}"

    def urn(self, name: str) -> str:
        """An object of the first vCenter, as the client names it. `LookupError` when nothing has the name."""
        vc = self.vcenters[0]
        entity = vc.named(name)
        return f"urn:vmomi:{entity.ref._wsdlName}:{entity.moid}:{vc.guid}"

    def enter(self, user: str, password: str) -> str:
        """Log a person in; the value of the cookie `COOKIE`. The plug-in is read now, as at a login to the real one.
        `PermissionError` if refused."""
        token = self.vcenters[0].interface_sessions.open(user, password, self.key)
        name = secrets.token_hex(16)
        self._visits[name] = Visit(principal(user), token, read(self.vcenters, self.key))
        return name

    def visit(self, cookie: str) -> Visit | None:
        """Who has this cookie."""
        return self._visits.get(cookie)

    def leave(self, cookie: str) -> None:
        """Log a person out; the session token is good no more."""
        visit = self._visits.pop(cookie, None)
        if visit is not None:
            self.vcenters[0].interface_sessions.close(visit.token)

    def end_session(self, user: User) -> None:
        """The vCenters end a person's sessions, those cloned for plug-ins too, but the client's page stays open."""
        who = principal(user.name)
        for visit in list(self._visits.values()):
            if visit.user == who:
                self.vcenters[0].interface_sessions.close(visit.token)
        for sessions in (vc.sessions for vc in self.vcenters):
            for each in sessions.all():
                if each.user == who:
                    sessions.close(each)

    def plugin(self, prefix: str) -> Plugin | None:
        """The plug-in that is proxied below `prefix`."""
        return next((each.plugin for each in list(self._visits.values()) if each.plugin.prefix == prefix), None)

    def described(self, visit: Visit) -> dict[str, Any]:
        """What the page knows of itself."""
        first = self.vcenters[0]
        return {
            "user": visit.user,
            "token": visit.token,
            "release": first.release.version,
            "locales": LOCALES,
            # Of the vCenter itself: it gives the tickets for the session.
            "apiEndpoints": {
                "uiApiEndpoint": {"fullUrl": f"{first.url}/api/ui", "origin": first.url, "pathname": "/api/ui"}
            },
            "plugin": visit.plugin.to_json(),
        }
