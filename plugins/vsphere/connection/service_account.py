"""The plug-in's own session at a vCenter: for watching, registering, and for ending what a user began."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ....core.errors import Misconfigured
from .endpoint import Endpoint
from .errors import SessionEnded
from .soap import Connection, Who, connect

Answer = TypeVar("Answer")


class ServiceAccount:
    """Logs in when it is first needed and again when the session has ended. Safe for several threads."""

    def __init__(self, endpoint: Endpoint, user: str, password: Callable[[], str]) -> None:
        self._endpoint = endpoint
        self.user = user
        self._password = password
        self._lock = threading.Lock()
        self._known: tuple[Connection, Who] | None = None

    def use(self, work: Callable[[Connection, Who], Answer]) -> Answer:
        """What `work` returns, given the session; called once more in a new one when the session had ended.

        Raises `Misconfigured` without an account, `LoginRefused`, `Unreachable` and what `work` raises.
        """
        connection, who = self._session(None)
        try:
            return work(connection, who)
        except SessionEnded:
            return work(*self._session(connection))

    def close(self) -> None:
        """Log out; nothing without a session."""
        with self._lock:
            known, self._known = self._known, None
        if known is not None:
            known[0].logout()

    def _session(self, ended: Connection | None) -> tuple[Connection, Who]:
        if not self.user:
            raise no_account(self._endpoint.address)
        with self._lock:
            if self._known is None or self._known[0] is ended:
                connection = connect(self._endpoint)
                self._known = connection, connection.login(self.user, self._password())
            return self._known


def no_account(vcenter: str) -> Misconfigured:
    """Nobody was named for the plug-in's own work there."""
    return Misconfigured(
        f"There is no service account for vCenter {vcenter}.",
        next_step="Run `isthmus vsphere upgrade` with --service-user.",
    )
