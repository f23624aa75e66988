"""How each vCenter is reached from this process: its line and the service account's session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ..connection.line import Line
from .service_login import ServiceLogin
from .store import VCenters
from .vcenter import VCenter

if TYPE_CHECKING:
    from ..connection.service_account import ServiceAccount
    from ..connection.soap import Connection, Who

REMEMBERED_SECONDS = 2.0
"""How long a process goes on with what it read of a vCenter, when another process changed it."""
CALL_SECONDS = 20.0

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Reach:
    """One vCenter, as known now, with the line to it."""

    vcenter: VCenter
    line: Line
    account: ServiceAccount

    def as_service(self, work: Callable[[Connection, Who], Answer], *, seconds: float = CALL_SECONDS) -> Answer:
        """What `work` returns, in the session of the service account, over the line.

        Raises as `ServiceAccount.use` and `Line.call` do.
        """
        # What is known without asking says nothing of the line.
        self.account.demand()
        return self.line.call(lambda: self.account.use(work), seconds=seconds)


class Reaches:
    """One `Reach` for each vCenter, made when it is first asked for and anew when the vCenter was changed."""

    def __init__(self, vcenters: VCenters) -> None:
        self.vcenters = vcenters
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Reach, float]] = {}

    def get(self, guid: str) -> Reach:
        """Raises `NotFound`."""
        moment = time.monotonic()
        with self._lock:
            known = self._known.get(guid)
        if known is not None and known[1] > moment:
            return known[0]
        vcenter = self.vcenters.get(guid)
        with self._lock:
            known = self._known.get(guid)
            reach = known[0] if known is not None and known[0].vcenter.version == vcenter.version else None
            old = known[0] if known is not None and reach is None else None
            if reach is None:
                reach = self._made(vcenter, old)
            self._known[guid] = reach, moment + REMEMBERED_SECONDS
        if old is not None:
            threading.Thread(target=old.account.close, name="vcenter-logout", daemon=True).start()
        return reach

    def refresh(self, guid: str) -> None:
        """It was changed here: the next to ask reads it, and a line that was given up is tried, as is an account that
        was refused."""
        self.vcenters.forgive(guid)
        with self._lock:
            known = self._known.get(guid)
            if known is not None:
                known[0].line.forgive()
                self._known[guid] = known[0], 0.0

    def lines(self) -> list[Line]:
        """Those of all vCenters that were asked for so far."""
        with self._lock:
            return [reach.line for reach, _ in self._known.values()]

    def drop(self, guid: str) -> None:
        """It is forgotten."""
        with self._lock:
            known = self._known.pop(guid, None)
        if known is not None:
            threading.Thread(target=known[0].account.close, name="vcenter-logout", daemon=True).start()

    def close(self) -> None:
        """Log out everywhere, without waiting."""
        with self._lock:
            guids = list(self._known)
        for guid in guids:
            self.drop(guid)

    def _made(self, vcenter: VCenter, old: Reach | None) -> Reach:
        from ..connection.service_account import ServiceAccount

        same = old is not None and old.vcenter.endpoint == vcenter.endpoint
        line = old.line if old is not None and same else Line(vcenter.name)
        return Reach(vcenter, line, ServiceAccount(vcenter.endpoint, ServiceLogin(vcenter, self.vcenters)))
