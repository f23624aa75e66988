"""A stream lasts as long as its client, its subscription and the rights that it was opened with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.core.context import Context
from isthmus.core.errors import NotFound, Unauthenticated
from isthmus.core.model.identity import now
from isthmus.plugins.swordfish.events import streaming as module
from isthmus.plugins.swordfish.events.streaming import Stream
from isthmus.plugins.swordfish.events.subscription import STREAM, Subscription, Subscriptions

READER = Context("blue", "ada", frozenset({"reader"}))
CHUNK = b":\n\n"


class Feed:
    """Four comments."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter([CHUNK] * 4)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(subscriptions: Subscriptions) -> Subscription:
    return subscriptions.add(Subscription("", STREAM, READER.user, READER.tenant, (), now()))


def stream(
    subscriptions: Subscriptions,
    opened: Subscription,
    *,
    session: Callable[[str, str], Context] | None = None,
    adapter: Any = None,
) -> Stream:
    """A stream that was opened with a session's token, or without one by password."""
    service = SimpleNamespace(
        subscriptions=subscriptions,
        sessions=SimpleNamespace(context=session),
        settings={"report_interval": 3600},
        adapter=adapter,
    )
    request = SimpleNamespace(
        service=service, context=READER, storage=None, header=lambda name: None if session is None else "token"
    )
    made = Stream(cast(Any, Feed()), opened, cast(Any, request), 0)
    made._reported = float("inf")
    return made


def test_it_goes_on_while_its_session_does(subscriptions: Subscriptions, opened: Subscription) -> None:
    assert list(stream(subscriptions, opened, session=lambda token, request: READER)) == [CHUNK] * 4


def test_it_ends_with_its_session(subscriptions: Subscriptions, opened: Subscription) -> None:
    said = iter([READER, READER])

    def session(token: str, request: str) -> Context:
        found = next(said, None)
        if found is None:
            raise Unauthenticated("It has ended.")
        return found

    assert list(stream(subscriptions, opened, session=session)) == [CHUNK] * 2


@pytest.mark.parametrize(
    "changed",
    [
        replace(READER, roles=frozenset({"manager"})),
        replace(READER, roles=frozenset({"must-change-password"})),
        replace(READER, tenant="red"),
    ],
)
def test_it_ends_when_rights_change(subscriptions: Subscriptions, opened: Subscription, changed: Context) -> None:
    said = iter([READER])
    found = stream(subscriptions, opened, session=lambda token, request: next(said, changed))
    assert list(found) == [CHUNK]


@pytest.mark.parametrize("what", ["user gone", "user disabled", "tenant disabled", "other roles", "nothing"])
def test_who_came_by_password_is_looked_up(subscriptions: Subscriptions, opened: Subscription, what: str) -> None:
    def user(name: str) -> Any:
        if what == "user gone":
            raise NotFound("gone")
        roles = ("member",) if what == "other roles" else ("reader",)
        return SimpleNamespace(enabled=what != "user disabled", roles=roles, must_change_password=False)

    administration = SimpleNamespace(
        users=SimpleNamespace(get=user),
        tenants=SimpleNamespace(get=lambda name: SimpleNamespace(enabled=what != "tenant disabled")),
    )
    found = stream(subscriptions, opened, adapter=SimpleNamespace(administration=lambda context: administration))
    assert list(found) == ([CHUNK] * 4 if what == "nothing" else [])


def test_a_change_of_its_subscription_does_not_end_it(
    subscriptions: Subscriptions, opened: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RENEW", -1.0)
    found = stream(subscriptions, opened, session=lambda token, request: READER)
    subscriptions.change(subscriptions.get(opened.id), lambda now: replace(now, context="mine"))
    assert list(found) == [CHUNK] * 4
    assert subscriptions.get(opened.id).context == "mine"
    found.close()
    assert not subscriptions.exists(opened.id)


@pytest.mark.parametrize("renewing", [-1.0, 3600.0])
def test_it_ends_with_its_subscription(
    subscriptions: Subscriptions, opened: Subscription, monkeypatch: pytest.MonkeyPatch, renewing: float
) -> None:
    monkeypatch.setattr(module, "_RENEW", renewing)
    chunks = iter(stream(subscriptions, opened, session=lambda token, request: READER))
    assert next(chunks) == CHUNK
    subscriptions.delete(opened.id)
    assert list(chunks) == []
