"""The plug-in's own session at a vCenter: for watching, registering, and for ending what a user began."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ....core.errors import IsthmusError
from .endpoint import Endpoint
from .errors import SessionEnded
from .soap import CALL_SECONDS, Connection, Who, connect

if TYPE_CHECKING:
    from ..vcenters.service_login import ServiceLogin

Answer = TypeVar("Answer")


class ServiceAccount:
    """Logs in when it is first needed and again when the session has ended. Safe for several threads."""

    def __init__(self, endpoint: Endpoint, login: ServiceLogin) -> None:
        self._endpoint = endpoint
        self.login = login
        self._lock = threading.Lock()
        self._known: tuple[Connection, Who] | None = None

    @property
    def user(self) -> str:
        """Empty without an account."""
        return self.login.user

    def demand(self) -> None:
        """Raises `Misconfigured` when there is no session and none to be had, as far as is known without asking."""
        if self._known is None:
            self.login.demand()

    def use(self, work: Callable[[Connection, Who], Answer]) -> Answer:
        """What `work` returns, given the session; called once more in a new one when the session had ended.

        Raises `Misconfigured` without an account or with one that is refused, `Unreachable` and what `work` raises.
        """
        connection, who = self._session(None)
        try:
            return work(connection, who)
        except SessionEnded:
            return work(*self._session(connection))

    def begin(self, *, seconds: float = CALL_SECONDS) -> tuple[Connection, Who]:
        """Another session, which is the caller's to end; each of its calls may take `seconds`. Raises as `use`."""
        self.login.demand()
        connection = connect(self._endpoint, seconds=seconds)
        try:
            return connection, self.login.attempt(connection.login)
        except IsthmusError:
            connection.close()
            raise

    def close(self) -> None:
        """Log out; nothing without a session."""
        with self._lock:
            known, self._known = self._known, None
        if known is not None:
            known[0].logout()

    def _session(self, ended: Connection | None) -> tuple[Connection, Who]:
        with self._lock:
            if self._known is not None and self._known[0] is ended:
                self._known = None
            if self._known is None:
                self._known = self.begin()
            return self._known
