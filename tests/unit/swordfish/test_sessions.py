"""The life of a session, with the core's own users and tokens behind it and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.core.context import Context
from isthmus.core.errors import NotFound, Stale, Unauthenticated
from isthmus.core.model.identity import now
from isthmus.core.model.page import Query
from isthmus.core.model.request import Changes, Credential, UserRequest
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database, Tx
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from isthmus.plugins.swordfish.accounts import sessions as module
from isthmus.plugins.swordfish.accounts.sessions import LONGEST, Session, Sessions
from tests.environment.engine import KEY, Installation

PASSWORD = "a long enough phrase"
TIMEOUT = 100


class Clock:
    """The time that sessions go by; the core's tokens go by the real one."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(slots=True)
class Site:
    """`here` and `there` are two servers of one installation."""

    here: Sessions
    there: Sessions
    adapter: Any
    administrator: Context
    user: str
    clock: Clock

    def login(self) -> tuple[Session, str]:
        context = self.adapter.authenticate(Credential(user="ada", password=PASSWORD))
        return self.here.create(context, "ada")

    def sweep(self) -> None:
        self.there.duty().run(cast(Any, SimpleNamespace(go_on=lambda: True)))

    def tokens(self) -> list[str]:
        found = self.adapter.administration(self.administrator).tokens.list(Query(filters={"user": self.user}))
        return [token.name for token in found.items]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("installation")
    database = Database(f"sqlite:///{folder}/isthmus.db")
    metadata.create_all(database.engine)
    installation = Installation.begin(database, folder)
    engine = installation.engine()
    made = installation.adapter(engine)
    root = engine.users.authenticate(Credential(token=installation.prepared.token))
    user = made.administration(root).users.create(UserRequest("ada", None, ("reader",), PASSWORD))
    yield SimpleNamespace(adapter=made, root=root, user=user.id, database=database)
    database.close()


@pytest.fixture
def site(adapter: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    clock = Clock()
    monkeypatch.setattr(module, "now", clock)
    records = OwnedRecords(adapter.database, "plugin:swordfish", Sealer([KEY]))

    def server() -> Sessions:
        setup = SimpleNamespace(
            records=records, systems={"local": adapter.adapter}, settings={"session_timeout": TIMEOUT}
        )
        return Sessions(cast(Any, setup))

    yield Site(server(), server(), adapter.adapter, adapter.root, adapter.user, clock)
    for kind in ("session", "settings"):
        for record in records.list(kind):
            records.delete(kind, record.id)
    tokens = adapter.adapter.administration(adapter.root).tokens
    for token in tokens.list(Query(filters={"user": adapter.user})).items:
        tokens.revoke(token.id)


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every statement that reaches the database from now on."""
    found: list[Any] = []
    original: Callable[..., Any] = Tx.execute

    def execute(self: Tx, statement: Any, *given: Any) -> Any:
        found.append(statement)
        return original(self, statement, *given)

    monkeypatch.setattr(Tx, "execute", execute)
    return found


def refused(sessions: Sessions, token: str) -> bool:
    try:
        sessions.context(token, "")
    except Unauthenticated:
        return True
    return False


def test_a_token_says_who_logged_in_on_every_server(site: Site) -> None:
    session, token = site.login()
    assert len(token) == 64 and int(token, 16) >= 0
    for server in (site.here, site.there):
        assert server.context(token, "req-1").user == site.user
        assert server.get(session.id) == session
        assert list(server.all()) == [session]


@pytest.mark.parametrize("token", ["", "0" * 64, "ist_nonsense", "\udce4", "x" * 10_000])
def test_what_is_no_token_is_nobody(site: Site, token: str) -> None:
    assert refused(site.here, token)


def test_the_token_and_the_cores_token_are_nowhere_in_the_clear(site: Site, adapter: Any) -> None:
    _, token = site.login()
    [record] = OwnedRecords(adapter.database, "plugin:swordfish", Sealer([KEY])).list("session")
    assert token not in repr(record) and "ist_" not in repr((record, record.sealed))


def test_logging_out_counts_at_once_on_every_server(site: Site) -> None:
    session, token = site.login()
    assert not refused(site.here, token) and not refused(site.there, token)
    site.here.end(session)
    site.here.end(session)
    assert refused(site.here, token) and refused(site.there, token)
    assert list(site.there.all()) == [] and site.tokens() == []
    with pytest.raises(NotFound):
        site.there.get(session.id)


def test_a_session_that_is_used_goes_on_wherever_it_is_used(site: Site) -> None:
    _, token = site.login()
    for turn in range(10):
        site.clock.pass_(TIMEOUT - 1)
        assert not refused((site.here, site.there)[turn % 2], token)


def test_a_session_that_is_not_used_ends(site: Site) -> None:
    session, token = site.login()
    assert not refused(site.there, token)
    site.clock.pass_(TIMEOUT)
    site.here.get(session.id)
    site.clock.pass_(TIMEOUT / 10 + 1)
    assert refused(site.here, token) and refused(site.there, token)
    assert list(site.here.all()) == []
    with pytest.raises(NotFound):
        site.here.get(session.id)


def test_a_session_ends_however_much_it_is_used(site: Site) -> None:
    session, token = site.login()
    for _ in range(LONGEST // TIMEOUT):
        assert not refused(site.here, token)
        site.clock.pass_(TIMEOUT)
    assert site.clock.moment == session.ends_at
    assert refused(site.here, token)


def test_the_cores_token_does_not_outlive_the_session(site: Site) -> None:
    lasting, _ = site.login()
    site.clock.pass_(TIMEOUT)
    _, token = site.login()
    site.clock.pass_(TIMEOUT / 2)
    assert len(site.tokens()) == 2
    site.sweep()
    assert site.tokens() == [f"session-{site.here.all().__next__().id}"]
    assert lasting.id not in site.tokens()[0] and not refused(site.here, token)
    site.clock.pass_(2 * TIMEOUT)
    site.sweep()
    assert site.tokens() == [] and refused(site.here, token)


def test_a_disabled_user_is_out_and_the_session_does_not_come_back(site: Site) -> None:
    session, token = site.login()
    users = site.adapter.administration(site.administrator).users
    assert not refused(site.here, token)
    users.update(site.user, Changes(enabled=False))
    try:
        assert refused(site.here, token)
    finally:
        users.update(site.user, Changes(enabled=True))
    assert refused(site.there, token) and site.tokens() == []
    with pytest.raises(NotFound):
        site.there.get(session.id)


@pytest.mark.slow
def test_a_session_from_before_the_password_was_changed_is_out_after_it(site: Site) -> None:
    users = site.adapter.administration(site.administrator).users
    users.update(site.user, Changes(must_change_password=True))
    _, token = site.login()
    context = site.here.context(token, "")
    assert context.must_change_password
    other = f"{PASSWORD}, and a new one"
    site.adapter.administration(context).users.update(site.user, Changes(password=other))
    assert refused(site.here, token) and refused(site.there, token)
    assert not site.adapter.authenticate(Credential(user="ada", password=other)).must_change_password
    users.update(site.user, Changes(password=PASSWORD))


def test_a_request_costs_one_statement_and_writes_nothing(site: Site, executed: list[Any]) -> None:
    _, token = site.login()
    site.here.context(token, "")
    executed.clear()
    for _ in range(20):
        site.clock.pass_(TIMEOUT / 1000)
        site.here.context(token, "")
    assert len(executed) == 20


def test_the_timeout_can_be_changed_and_lasts(site: Site) -> None:
    _, token = site.login()
    assert site.here.settings.read().timeout == TIMEOUT
    site.here.settings.write(40)
    assert site.there.settings.read().timeout == 40
    site.clock.pass_(TIMEOUT - 1)
    assert not refused(site.there, token)
    site.clock.pass_(45)
    assert refused(site.there, token) and refused(site.here, token)


def test_of_two_who_change_the_timeout_at_once_one_wins(site: Site) -> None:
    before = site.here.settings.read().version
    site.there.settings.write(50, if_version=before)
    with pytest.raises(Stale):
        site.here.settings.write(60, if_version=before)
    second = site.here.settings.read().version
    site.here.settings.write(70)
    with pytest.raises(Stale):
        site.here.settings.write(60, if_version=second)
    assert site.there.settings.read().timeout == 70
