"""Sessions of users are kept while they are used, so many at most, and logged out when they go."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from isthmus.core.errors import Unauthenticated
from isthmus.plugins.vsphere.connection.errors import SessionEnded
from isthmus.plugins.vsphere.connection.sessions import Key, UserSession, UserSessions, with_session
from isthmus.plugins.vsphere.connection.soap import Connection, Who
from tests.environment.server import until


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Client:
    """Begins sessions, and sees which were logged out."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def begin(self, name: str) -> tuple[Connection, Who]:
        self.begun.append(name)
        client = self

        class Fake:
            def logout(self) -> None:
                client.ended.append(name)

            def close(self) -> None:
                """No sockets."""

        return cast(Any, Fake()), Who(name, f"key-{name}")


def keep(sessions: UserSessions, client: Client, name: str, guid: str = "g") -> UserSession:
    return sessions.get(Key.of(name, guid), lambda: client.begin(name))


def test_a_session_is_begun_once_and_used_again() -> None:
    sessions, client = UserSessions(), Client()
    assert keep(sessions, client, "anna") is keep(sessions, client, "anna")
    assert client.begun == ["anna"]


def test_the_least_used_is_logged_out_for_a_new_one() -> None:
    sessions, client = UserSessions(most=2), Client()
    for name in ("anna", "bernd", "anna", "clara"):
        keep(sessions, client, name)
    until(lambda: client.ended == ["bernd"])
    assert len(sessions) == 2


def test_a_session_that_nobody_uses_is_logged_out() -> None:
    clock, client = Clock(), Client()
    sessions = UserSessions(idle=600, clock=clock)
    keep(sessions, client, "anna")
    clock.now = 599
    keep(sessions, client, "anna")
    clock.now = 1100
    keep(sessions, client, "bernd")
    assert client.ended == [] and len(sessions) == 2
    clock.now = 1199
    keep(sessions, client, "clara")
    until(lambda: client.ended == ["anna"])


def test_the_same_person_at_two_vcenters_has_two_sessions() -> None:
    sessions, client = UserSessions(), Client()
    assert keep(sessions, client, "anna", "g1") is not keep(sessions, client, "anna", "g2")
    sessions.forget("g1")
    until(lambda: client.ended == ["anna"])
    assert len(sessions) == 1


def test_many_who_ask_at_once_share_one_session() -> None:
    sessions, client, gate = UserSessions(), Client(), threading.Barrier(8)

    def ask() -> None:
        gate.wait(20)
        keep(sessions, client, "anna")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert client.begun == ["anna"]


def test_what_fails_is_not_kept() -> None:
    sessions, client = UserSessions(), Client()

    def refuse() -> tuple[Connection, Who]:
        raise Unauthenticated("No.")

    with pytest.raises(Unauthenticated):
        sessions.get(Key.of("anna", "g"), refuse)
    assert keep(sessions, client, "anna").who.user == "anna"


def test_work_is_done_again_in_a_new_session_when_the_kept_one_had_ended() -> None:
    sessions, client, worked = UserSessions(), Client(), list[UserSession]()

    def work(session: UserSession) -> None:
        worked.append(session)
        if len(worked) == 1:
            raise SessionEnded("Over.")

    found = with_session(sessions, Key.of("anna", "g"), lambda: client.begin("anna"), work)
    assert client.begun == ["anna", "anna"] and worked[1] is found and worked[0] is not found


def test_the_clients_token_is_not_kept() -> None:
    assert "secret-token" not in repr(Key.of("secret-token", "g"))


def test_all_are_logged_out_at_the_end() -> None:
    sessions, client = UserSessions(), Client()
    for name in ("anna", "bernd"):
        keep(sessions, client, name)
    sessions.close()
    until(lambda: sorted(client.ended) == ["anna", "bernd"])


def test_a_session_that_is_used_on_and_on_must_be_earned_anew_now_and_then() -> None:
    clock, client = Clock(), Client()
    sessions = UserSessions(idle=600, longest=1800, clock=clock)
    first = keep(sessions, client, "anna")
    for clock.now in range(0, 1800, 100):
        assert keep(sessions, client, "anna") is first
    clock.now = 1800
    assert sessions.peek(Key.of("anna", "g")) is None
    assert keep(sessions, client, "anna") is not first
    until(lambda: client.ended == ["anna"])
