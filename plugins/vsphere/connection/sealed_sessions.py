"""Whose session the steps of a flow act in: a sealed clone of the user's, which outlives this process.

A flow that a user began goes on after a crash, perhaps in another process. Its record holds the cookie of a clone made
for it alone, so neither the user's logout from the cache nor the idle time of the page ends it. When vCenter has ended
the clone, the steps act as the plug-in's service account: the right to act was decided when the user asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ....core.errors import Conflict, NotFound, Stale
from ....core.model.identity import now
from ....core.model.record import Record, Records
from .endpoint import Endpoint
from .errors import SessionEnded
from .soap import Connection, Who

KIND = "session"
LONGEST = timedelta(hours=24)
_PIECE = 500


@dataclass(frozen=True, slots=True)
class SealedSession:
    """One that is kept, at the vCenter `guid`, since `since`. `operation` is the operation that acts in it; None until
    that was accepted."""

    id: str
    guid: str
    operation: str | None
    since: datetime


class SealedSessions:
    """Clones of users' sessions, each made for one operation and named before that has an id."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def keep(self, session: str, endpoint: Endpoint, guid: str, user: Connection) -> bool:
        """Clone the user's session under this name. Once for each: the first clone stays, and then the answer is
        False."""
        connection = Connection(endpoint, user.version)
        who = connection.clone(user.ticket())
        body = {"vcenter": guid, "user": who.user, "version": connection.version}
        sealed = self._records.seal(connection.cookie.encode())
        try:
            self._records.put(Record(KIND, session, body, sealed=sealed, expires_at=now() + LONGEST))
        except Conflict:
            connection.logout()
            return False
        connection.close()
        return True

    def belong(self, session: str, operation: str) -> None:
        """It is this operation's, with whose end it ends. Idempotent; nothing when it is not there."""
        record = self._records.get(KIND, session)
        if record is None or record.body.get("operation") == operation:
            return
        try:
            self._records.replace(replace(record, body={**record.body, "operation": operation}))
        except (Stale, NotFound):
            return  # another try of the same operation wrote it, or its time is over

    def every(self) -> Iterator[SealedSession]:
        """All that are kept."""
        after: str | None = None
        while found := self._records.list(KIND, after=after, limit=_PIECE):
            for each in found:
                operation = each.body.get("operation")
                yield SealedSession(each.id, str(each.body["vcenter"]), operation, each.created_at or now())
            after = found[-1].id

    def resume(self, session: str, endpoint: Endpoint) -> tuple[Connection, Who]:
        """The session; raises `SessionEnded` when there is none or it lives no more."""
        record = self._records.get(KIND, session)
        if record is None or record.sealed is None:
            raise SessionEnded("There is no session for this operation.", session=session)
        cookie = self._records.open(record.sealed).decode()
        connection = Connection(endpoint, str(record.body["version"]), cookie=cookie)
        who = connection.who()
        if who.user != record.body["user"]:
            connection.close()
            raise SessionEnded("The session of this operation is another user's.", session=session)
        return connection, who

    def end(self, session: str, endpoint: Endpoint) -> None:
        """The operation is over: log out and forget. Idempotent."""
        record = self._records.get(KIND, session)
        if record is None:
            return
        if record.sealed is not None:
            cookie = self._records.open(record.sealed).decode()
            Connection(endpoint, str(record.body["version"]), cookie=cookie).logout()
        self.forget(session)

    def forget(self, session: str) -> None:
        """Where there is no vCenter any more to log out at. Idempotent."""
        self._records.delete(KIND, session)
