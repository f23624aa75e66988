"""Ends the sealed sessions that nobody acts in any more, however their operations ended."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.duties.duty import DutyRun
from ....core.errors import IsthmusError, NotFound
from ....core.model.identity import now
from ..connection.sealed_sessions import SealedSession, SealedSessions
from ..vcenters.reach import Reaches

_UNCLAIMED = timedelta(minutes=15)
"""After this nobody accepts an operation any more for which a session was made."""
_SECONDS = 20.0


class EndedSessions:
    """`local` is the system whose journal runs the operations; `needed` says whether an operation's session is still
    to be used though it has ended."""

    def __init__(
        self,
        reaches: Reaches,
        sealed: SealedSessions,
        local: Callable[[], Adapter],
        needed: Callable[[str], bool],
    ) -> None:
        self._reaches, self._sealed, self._local, self._needed = reaches, sealed, local, needed

    def look(self, run: DutyRun, silent: Collection[str] = ()) -> None:
        """Once through all. Those at `silent` vCenters stay until these answer again."""
        dead = set(silent)
        for session in self._sealed.every():
            if not run.go_on():
                return
            if session.guid in dead:
                continue
            try:
                self._look_at(session)
            except IsthmusError:
                dead.add(session.guid)

    def _look_at(self, session: SealedSession) -> None:
        try:
            reach = self._reaches.get(session.guid)
        except NotFound:
            self._sealed.forget(session.id)
            return
        if self._over(session, reach.vcenter.tenant):
            endpoint = reach.vcenter.endpoint
            reach.line.call(lambda: self._sealed.end(session.id, endpoint), seconds=_SECONDS)

    def _over(self, session: SealedSession, tenant: str) -> bool:
        if session.operation is None:
            return now() - session.since > _UNCLAIMED
        operations = self._local().storage(Context(tenant, "vsphere", frozenset({"manager"}))).operations
        try:
            ended = operations.get(session.operation).state.ended
        except NotFound:
            ended = True
        return ended and not self._needed(session.operation)
