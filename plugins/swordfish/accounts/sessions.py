"""Sessions: random tokens that die at logout and at timeout, on every server at once.

A session is a record, found by the SHA-256 of its token. In it lies, sealed, a token of the core that was made at
login; each request asks the core for that one, so an ended session, a disabled user or a changed role counts at once
and everywhere. Between two requests a server remembers which core token belongs to a session, for a tenth of the
timeout at most: then it looks at the record again and writes down that the session is used.

A session that nobody uses is refused once its time is over. A duty then revokes its token and removes its record: no
token of the core outlives its session for longer than a minute or two, and none lives longer than `LONGEST`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.duties.duty import Duty, DutyRun
from ....core.errors import IsthmusError, NotFound, Stale, Unauthenticated
from ....core.model.identity import new_id, now
from ....core.model.record import Record
from ....core.model.request import Credential, TokenRequest
from ....plugin_manager.contract import LOCAL_SYSTEM, PluginSetup
from .session_settings import SessionSettings

KIND = "session"
LONGEST = 24 * 3600
"""Seconds after which a session ends even if it is used all the time."""
SWEEP_SECONDS = 60.0
"""How often sessions are looked for that nobody uses any more."""
_REMEMBERED = 4096
_PIECE = 500


@dataclass(frozen=True, slots=True)
class Session:
    """A login. It ends at `lasts_until` unless it is used, and at `ends_at` in any case (UTC)."""

    id: str
    user: str
    user_name: str
    tenant: str | None
    created_at: datetime
    lasts_until: datetime
    core_token: str
    """The id of the core's token, not the token."""
    client: str | None = None
    context: str | None = None

    @property
    def ends_at(self) -> datetime:
        return self.created_at + timedelta(seconds=LONGEST)

    def over(self, moment: datetime) -> bool:
        return min(self.lasts_until, self.ends_at) <= moment


@dataclass(frozen=True, slots=True)
class _Known:
    token: str
    look_after: datetime


class Sessions:
    """Makes, finds and ends sessions."""

    def __init__(self, setup: PluginSetup) -> None:
        self._setup = setup
        self.settings = SessionSettings(setup)
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def context(self, token: str, request_id: str) -> Context:
        """Who the token's session belongs to; raises `Unauthenticated`. The session is used, so it lasts longer."""
        key = _hash(token)
        moment = now()
        known = self._known.get(key)
        if known is None or known.look_after <= moment:
            known = self._find(key, moment)
        try:
            return self._adapter.authenticate(Credential(token=known.token), request_id=request_id or None)
        except Unauthenticated:
            # The user was disabled or removed, or the token revoked: the session will not come back.
            self._known.pop(key, None)
            record = self._setup.records.find_by_key(KIND, key)
            if record is not None:
                self.end(_session(record))
            raise _ended() from None

    def create(
        self, context: Context, user_name: str, *, client: str | None = None, note: str | None = None
    ) -> tuple[Session, str]:
        """A session for who just showed a password, and its token, which is shown this once.

        `client` is the address it was asked from, `note` the client's own word for it.
        """
        identifier, token, moment = new_id(), secrets.token_hex(32), now()
        made, text = self._adapter.administration(context).tokens.create(
            TokenRequest(name=f"session-{identifier}", lifetime=LONGEST)
        )
        session = Session(
            id=identifier,
            user=context.user,
            user_name=user_name,
            tenant=context.tenant,
            created_at=moment,
            lasts_until=moment + self._idle(),
            core_token=made.id,
            client=client,
            context=note,
        )
        self._setup.records.put(
            Record(
                KIND,
                identifier,
                body=_body(session),
                tenant=context.tenant,
                key=_hash(token),
                sealed=self._setup.records.seal(text.encode()),
            )
        )
        return session, token

    def get(self, identifier: str) -> Session:
        """A session that lasts; raises `NotFound`."""
        record = self._setup.records.get(KIND, identifier)
        session = None if record is None else _session(record)
        if session is None or session.over(now()):
            raise NotFound(f"There is no session {identifier}.")
        return session

    def all(self) -> Iterator[Session]:
        """The sessions of all users that last, in the order of their ids."""
        moment = now()
        return (session for session in map(_session, self._records()) if not session.over(moment))

    def end(self, session: Session) -> bool:
        """Log out: the token is worth nothing any more, here and on every other server. Idempotent; True for the one
        who ended it."""
        # Revoked on behalf of its user: whether the caller may end the session has been decided.
        owner = Context(session.tenant, session.user, frozenset({"reader"}))
        self._adapter.administration(owner).tokens.revoke(session.core_token)
        return self._setup.records.delete(KIND, session.id)

    def duty(self) -> Duty:
        """Ends the sessions whose time is over."""
        return Duty("swordfish.sessions", SWEEP_SECONDS, self._sweep)

    @property
    def _adapter(self) -> Adapter:
        return self._setup.systems[LOCAL_SYSTEM]

    def _idle(self) -> timedelta:
        # A tenth more than what is promised, since use is written down only so often: no session ends too soon.
        return timedelta(seconds=self.settings.read().timeout * 1.1)

    def _records(self) -> Iterator[Record]:
        after: str | None = None
        while records := self._setup.records.list(KIND, after=after, limit=_PIECE):
            yield from records
            after = records[-1].id

    def _sweep(self, run: DutyRun) -> None:
        for record in self._records():
            if not run.go_on():
                return
            if not _session(record).over(now()):
                continue
            try:
                # Whoever uses it at this very moment meets another version and finds it ended.
                self._setup.records.replace(replace(record, body={**record.body, "lasts_until": _LONG_AGO}))
            except (Stale, NotFound):
                continue
            self.end(_session(record))

    def _find(self, key: str, moment: datetime) -> _Known:
        """What the record says of the session; writes down that it is used."""
        idle = self._idle()
        while True:
            record = self._setup.records.find_by_key(KIND, key)
            if record is None or record.sealed is None or _session(record).over(moment):
                self._known.pop(key, None)
                raise _ended()
            lasts_until = moment + idle
            if abs(lasts_until - _session(record).lasts_until) < idle / 22:
                # Another request said so a moment ago.
                break
            try:
                body = {**record.body, "lasts_until": lasts_until.isoformat()}
                self._setup.records.replace(replace(record, body=body))
                break
            except (Stale, NotFound):
                # Another request was faster, or the end of the session.
                continue
        text = self._setup.records.open(record.sealed).decode()
        known = _Known(text, min(moment + idle / 11, _session(record).ends_at))
        with self._lock:
            if key not in self._known and len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = known
        return known


_LONG_AGO = "1970-01-01T00:00:00+00:00"


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _body(session: Session) -> dict[str, object]:
    return {
        "user": session.user,
        "user_name": session.user_name,
        "created_at": session.created_at.isoformat(),
        "lasts_until": session.lasts_until.isoformat(),
        "core_token": session.core_token,
        "client": session.client,
        "context": session.context,
    }


def _session(record: Record) -> Session:
    body = record.body
    return Session(
        id=record.id,
        user=str(body["user"]),
        user_name=str(body["user_name"]),
        tenant=record.tenant,
        created_at=datetime.fromisoformat(str(body["created_at"])),
        lasts_until=datetime.fromisoformat(str(body["lasts_until"])),
        core_token=str(body["core_token"]),
        client=body["client"],
        context=body["context"],
    )


def _ended() -> IsthmusError:
    return Unauthenticated("The session has ended or never was.", next_step="Log in again.")
