"""Users' sessions at vCenters, cloned from those they have in the vSphere Client, kept while they are used."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import SessionEnded

if TYPE_CHECKING:
    from .soap import Connection, Who

MOST = 100
IDLE_SECONDS = 600.0
LONGEST_SECONDS = 1800.0
"""After this the client's token must earn a new session, however much the old one is used: it may have ended."""


@dataclass(frozen=True, slots=True)
class Key:
    """Which session: of whom (a digest of the client's token, never the token) at which vCenter (GUID)."""

    digest: str
    guid: str

    @classmethod
    def of(cls, token: str, guid: str) -> Key:
        return cls(hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest(), guid)


@dataclass(slots=True)
class UserSession:
    """A user's own session at one vCenter, and who the vCenter says it is."""

    key: Key
    who: Who
    connection: Connection
    used: float = 0.0
    begun: float = 0.0


class UserSessions:
    """At most `most` sessions, each until nobody used it for `idle` seconds, and for `longest` at most; then it is
    logged out. Several threads that ask for the same one at once get one."""

    def __init__(
        self,
        *,
        most: int = MOST,
        idle: float = IDLE_SECONDS,
        longest: float = LONGEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._idle, self._longest, self._clock = most, idle, longest, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, UserSession] = OrderedDict()
        self._opening: dict[Key, threading.Lock] = {}

    def get(self, key: Key, begin: Callable[[], tuple[Connection, Who]]) -> UserSession:
        """The session that is kept, or the one that `begin` makes, which may raise."""
        found = self._find(key)
        if found is not None:
            return found
        with self._lock:
            turn = self._opening.setdefault(key, threading.Lock())
        try:
            with turn:
                found = self._find(key)
                if found is None:
                    connection, who = begin()
                    moment = self._clock()
                    found = UserSession(key, who, connection, moment, moment)
                    self._keep(found)
                return found
        finally:
            with self._lock:
                if not turn.locked():
                    self._opening.pop(key, None)

    def peek(self, key: Key) -> UserSession | None:
        """The session that is kept, which counts as use; None without one."""
        return self._find(key)

    def belonging(self, guid: str, whose: Callable[[Who], bool]) -> UserSession | None:
        """The session, used last, of a person at this vCenter, which counts as use; None without one."""
        with self._lock:
            keys = [key for key, each in self._kept.items() if key.guid == guid and whose(each.who)]
        return self._find(keys[-1]) if keys else None

    def drop(self, session: UserSession) -> None:
        """It has ended at the vCenter: the next to ask begins another."""
        with self._lock:
            if self._kept.get(session.key) is session:
                del self._kept[session.key]
        session.connection.close()

    def forget(self, guid: str) -> None:
        """Log out everybody at this vCenter."""
        with self._lock:
            gone = [self._kept.pop(key) for key in list(self._kept) if key.guid == guid]
        _end(gone)

    def close(self) -> None:
        """Log out everybody; returns at once."""
        with self._lock:
            gone = list(self._kept.values())
            self._kept.clear()
        _end(gone)

    def __len__(self) -> int:
        return len(self._kept)

    def _find(self, key: Key) -> UserSession | None:
        moment = self._clock()
        with self._lock:
            gone = []
            while self._kept:
                oldest = next(iter(self._kept.values()))
                if moment - oldest.used < self._idle:
                    break
                gone.append(self._kept.pop(oldest.key))
            found = self._kept.get(key)
            if found is not None and moment - found.begun >= self._longest:
                gone.append(self._kept.pop(key))
                found = None
            if found is not None:
                found.used = moment
                self._kept.move_to_end(key)
        _end(gone)
        return found

    def _keep(self, session: UserSession) -> None:
        with self._lock:
            self._kept[session.key] = session
            gone = []
            while len(self._kept) > self._most:
                gone.append(self._kept.popitem(last=False)[1])
        _end(gone)


def with_session(
    sessions: UserSessions, key: Key, begin: Callable[[], tuple[Connection, Who]], work: Callable[[UserSession], None]
) -> UserSession:
    """Do `work` in the session; when the session that was kept has ended at the vCenter, once more in a new one."""
    session = sessions.get(key, begin)
    try:
        work(session)
    except SessionEnded:
        sessions.drop(session)
        session = sessions.get(key, begin)
        work(session)
    return session


def _end(sessions: list[UserSession]) -> None:
    """Log out without waiting: a vCenter that does not answer holds nobody up."""
    if sessions:

        def run() -> None:
            for each in sessions:
                each.connection.logout()

        threading.Thread(target=run, name="vcenter-logout", daemon=True).start()
