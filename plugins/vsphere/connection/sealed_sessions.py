"""Whose session the steps of a flow act in: a sealed clone of the user's, which outlives this process.

A flow that a user began goes on after a crash, perhaps in another process. Its record holds the cookie of a clone made
for it alone, so neither the user's logout from the cache nor the idle time of the page ends it. When vCenter has ended
the clone, the steps act as the plug-in's service account: the right to act was decided when the user asked.
"""

from __future__ import annotations

from datetime import timedelta

from ....core.errors import Conflict
from ....core.model.identity import now
from ....core.model.record import Record, Records
from .endpoint import Endpoint
from .errors import SessionEnded
from .soap import Connection, Who

KIND = "session"
LONGEST = timedelta(hours=24)


class SealedSessions:
    """Clones of users' sessions by the operation that they are for."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def keep(self, operation: str, endpoint: Endpoint, guid: str, user: Connection) -> bool:
        """Clone the user's session for this operation. Once for each: the first clone stays, and then the answer is
        False."""
        connection = Connection(endpoint, user.version)
        who = connection.clone(user.ticket())
        body = {"vcenter": guid, "user": who.user, "version": connection.version}
        sealed = self._records.seal(connection.cookie.encode())
        try:
            self._records.put(Record(KIND, operation, body, sealed=sealed, expires_at=now() + LONGEST))
        except Conflict:
            connection.logout()
            return False
        connection.close()
        return True

    def resume(self, operation: str, endpoint: Endpoint) -> tuple[Connection, Who]:
        """The operation's session; raises `SessionEnded` when there is none or it lives no more."""
        record = self._records.get(KIND, operation)
        if record is None or record.sealed is None:
            raise SessionEnded("There is no session for this operation.", operation=operation)
        cookie = self._records.open(record.sealed).decode()
        connection = Connection(endpoint, str(record.body["version"]), cookie=cookie)
        who = connection.who()
        if who.user != record.body["user"]:
            connection.close()
            raise SessionEnded("The session of this operation is another user's.", operation=operation)
        return connection, who

    def end(self, operation: str, endpoint: Endpoint) -> None:
        """The operation is over: log out and forget. Idempotent."""
        record = self._records.get(KIND, operation)
        if record is None:
            return
        if record.sealed is not None:
            cookie = self._records.open(record.sealed).decode()
            Connection(endpoint, str(record.body["version"]), cookie=cookie).logout()
        self._records.delete(KIND, operation)
