"""Who is logged in: sessions, their end, and the tickets that clone them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .registry import vim

if TYPE_CHECKING:
    from .clock import Clock
    from .managed import Managed
    from .model import Model


@dataclass(slots=True, eq=False)
class Session:
    """One session. `cookie` is the secret that the client shows; `key` is what others may see."""

    user: str
    key: str
    cookie: str
    login: datetime
    last_active: datetime
    address: str
    agent: str
    locale: str = "en"
    extension: bool = False
    calls: int = 0
    # How many of its calls wait now: a session at work is not idle.
    busy: int = 0
    # The session's own objects by id: property collectors, filters and views. They end with it.
    objects: dict[str, Managed] = field(default_factory=dict)

    def described(self) -> Any:
        """As vim.UserSession."""
        return vim.UserSession(
            key=self.key,
            userName=self.user,
            fullName=self.user.rpartition("\\")[2],
            loginTime=self.login,
            lastActiveTime=self.last_active,
            locale=self.locale,
            messageLocale=self.locale,
            extensionSession=self.extension,
            ipAddress=self.address,
            userAgent=self.agent,
            callCount=self.calls,
        )


class Sessions:
    """All sessions of one vCenter. Times are the clock's; `idle` and `ticket_life` in seconds."""

    def __init__(
        self, clock: Clock, model: Model, *, idle: float, ticket_life: float, furnish: Callable[[Session], None]
    ) -> None:
        self._clock, self._model, self._furnish = clock, model, furnish
        self.idle = idle
        self.ticket_life = ticket_life
        self._by_cookie: dict[str, Session] = {}
        self._tickets: dict[str, tuple[str, datetime]] = {}

    def open(self, user: str, *, address: str = "", agent: str = "", locale: str = "en") -> Session:
        """A new session."""
        now = self._clock.now()
        session = Session(user, str(uuid.uuid4()), secrets.token_hex(20), now, now, address, agent, locale)
        with self._model.change():
            self._furnish(session)
            self._by_cookie[session.cookie] = session
        return session

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie, and a call more of it; None when it never was or has ended."""
        with self._model.condition:
            self._expire()
            session = self._by_cookie.get(cookie)
            if session is not None:
                session.last_active = self._clock.now()
                session.calls += 1
            return session

    def with_key(self, key: str) -> Session | None:
        """The session with this visible key. Does not count as use."""
        return next((each for each in self.all() if each.key == key), None)

    def all(self) -> list[Session]:
        """Those that live, oldest first."""
        with self._model.condition:
            self._expire()
            return list(self._by_cookie.values())

    def alive(self, session: Session) -> bool:
        """Whether it has not ended."""
        with self._model.condition:
            self._expire()
            return session.cookie in self._by_cookie

    def close(self, session: Session) -> None:
        """End a session, its objects and its tickets. Nothing when it has ended."""
        with self._model.change():
            if self._by_cookie.pop(session.cookie, None) is None:
                return
            self._tickets = {ticket: kept for ticket, kept in self._tickets.items() if kept[0] != session.cookie}
            for each in list(session.objects.values()):
                each.removed()
            session.objects.clear()
            self._model.touch(None, False)

    def ticket(self, session: Session) -> str:
        """A secret that clones the session once, on this vCenter, for `ticket_life` seconds."""
        with self._model.condition:
            ticket = f"cst-VCT-{uuid.uuid4()}--tp-{secrets.token_hex(20)}"
            self._tickets[ticket] = (session.cookie, self._clock.now() + timedelta(seconds=self.ticket_life))
            return ticket

    def redeem(self, ticket: str) -> Session | None:
        """The session a ticket stands for; None for one that is used, over or not of this vCenter."""
        with self._model.condition:
            self._expire()
            cookie, end = self._tickets.pop(ticket, ("", self._clock.now()))
            return self._by_cookie.get(cookie) if end > self._clock.now() else None

    def _expire(self) -> None:
        oldest = self._clock.now() - timedelta(seconds=self.idle)
        for session in [each for each in self._by_cookie.values() if each.last_active < oldest and not each.busy]:
            self.close(session)
