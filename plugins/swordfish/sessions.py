"""Sessions: random tokens that die at logout and at timeout, on every server at once.

A session is a record, found by the SHA-256 of its token. In it lies, sealed, a token of the core that was made at
login; each request asks the core for that one, so an ended session, a disabled user or a changed role counts at once
and everywhere. A session that nobody uses expires as its record does. What a server remembers between two requests is
only which core token belongs to a session and until when the session lasts at least; both stay true until the core
says otherwise.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from ...adapters.contract import Adapter
from ...core.context import Context
from ...core.errors import IsthmusError, NotFound, Stale, Unauthenticated
from ...core.model.identity import new_id, now
from ...core.model.record import Record
from ...core.model.request import Credential, TokenRequest
from ...plugin_manager.contract import LOCAL_SYSTEM, PluginSetup

KIND = "session"
LONGEST = 24 * 3600
"""Seconds after which a session ends even if it is used all the time."""
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Session:
    """A login. `timeout` is the seconds without a request after which it ends."""

    id: str
    user: str
    user_name: str
    tenant: str | None
    role: str
    created_at: datetime
    timeout: int
    core_token: str
    """The id of the core's token, not the token."""


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    token: str
    lasts_until: datetime
    touch_after: datetime


class Sessions:
    """Makes, finds and ends sessions."""

    def __init__(self, setup: PluginSetup) -> None:
        self._setup = setup
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def context(self, token: str, request_id: str) -> Context:
        """Who the token's session belongs to; raises `Unauthenticated`. The session is used, so it lasts longer."""
        key = _hash(token)
        known = self._known.get(key)
        moment = now()
        if known is None or known.touch_after <= moment:
            known = self._find(key, moment)
        try:
            return self._adapter.authenticate(Credential(token=known.token), request_id=request_id or None)
        except Unauthenticated:
            self._known.pop(key, None)
            raise _ended() from None

    def create(self, context: Context, user_name: str, role: str, timeout: int) -> tuple[Session, str]:
        """A session for who just showed a password, and its token, which is shown this once."""
        identifier, token, moment = new_id(), secrets.token_hex(32), now()
        made, text = self._adapter.administration(context).tokens.create(
            TokenRequest(name=f"session-{identifier}", lifetime=LONGEST)
        )
        session = Session(identifier, context.user, user_name, context.tenant, role, moment, timeout, made.id)
        self._setup.records.put(
            Record(
                KIND,
                identifier,
                body=_body(session),
                tenant=context.tenant,
                key=_hash(token),
                sealed=self._setup.records.seal(text.encode()),
                expires_at=moment + timedelta(seconds=timeout),
            )
        )
        return session, token

    def get(self, identifier: str) -> Session:
        """A session that lasts; raises `NotFound`."""
        record = self._setup.records.get(KIND, identifier)
        if record is None:
            raise NotFound(f"There is no session {identifier}.")
        return _session(record)

    def list(self, after: str | None, limit: int) -> Sequence[Session]:
        """Sessions of all users in the order of their ids."""
        return [_session(record) for record in self._setup.records.list(KIND, after=after, limit=limit)]

    def end(self, session: Session, context: Context) -> None:
        """Log out: the token is worth nothing any more, here and on every other server. Idempotent."""
        self._adapter.administration(context).tokens.revoke(session.core_token)
        self._setup.records.delete(KIND, session.id)

    @property
    def _adapter(self) -> Adapter:
        return self._setup.systems[LOCAL_SYSTEM]

    def _find(self, key: str, moment: datetime) -> _Known:
        record = self._setup.records.find_by_key(KIND, key)
        if record is None or record.sealed is None:
            self._known.pop(key, None)
            raise _ended()
        timeout = timedelta(seconds=int(record.body["timeout"]))
        lasts_until = moment + timeout
        try:
            self._setup.records.replace(replace(record, expires_at=lasts_until))
        except Stale:
            # Another request of this session said so already.
            lasts_until = record.expires_at or moment
        except NotFound:
            raise _ended() from None
        token = self._setup.records.open(record.sealed).decode()
        # Written down only now and then: a tenth of the timeout is lost at most, and most requests write nothing.
        known = _Known(record.id, token, lasts_until, min(lasts_until, moment + timeout / 10))
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = known
        return known


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _body(session: Session) -> dict[str, object]:
    return {
        "user": session.user,
        "user_name": session.user_name,
        "role": session.role,
        "created_at": session.created_at.isoformat(),
        "timeout": session.timeout,
        "core_token": session.core_token,
    }


def _session(record: Record) -> Session:
    body = record.body
    return Session(
        record.id,
        str(body["user"]),
        str(body["user_name"]),
        record.tenant,
        str(body["role"]),
        datetime.fromisoformat(str(body["created_at"])),
        int(body["timeout"]),
        str(body["core_token"]),
    )


def _ended() -> IsthmusError:
    return Unauthenticated("The session has ended or never was.", next_step="Log in again.")
