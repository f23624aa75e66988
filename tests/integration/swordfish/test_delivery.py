"""Destinations are told at least once, at their own pace, for as long as the subscriber may know."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.core.errors import NotFound
from isthmus.core.events.retention import discard_old
from isthmus.plugins.swordfish import uris
from isthmus.plugins.swordfish.events.senders import EACH, MOST
from isthmus.plugins.swordfish.events.subscription import Subscription
from tests.environment.redfish_events import Destination, Hanging
from tests.environment.server import until
from tests.integration.swordfish.delivering import Site, service, told
from tests.integration.swordfish.delivering import site as made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with made(tmp_path) as found:
        yield found


@pytest.fixture
def destination() -> Iterator[Destination]:
    with contextlib.closing(Destination()) as found:
        yield found


@pytest.fixture
def other() -> Iterator[Destination]:
    with contextlib.closing(Destination()) as found:
        yield found


def gone(site: Site, one: Subscription) -> bool:
    try:
        site.subscriptions.get(one.id)
    except NotFound:
        return True
    return False


def tries(destination: Destination, count: int) -> None:
    until(lambda: len(destination.attempts) >= count)


def test_what_was_refused_is_told_again_in_order(site: Site, destination: Destination) -> None:
    destination.refusing.set()
    site.subscribe(destination.url)
    site.keeper()
    first = site.tenant("first")
    tries(destination, 2)
    second = site.tenant("second")
    destination.refusing.clear()
    assert told(destination, service(second)) == [service(first), service(second)]


def test_a_slow_destination_is_told_once(site: Site, destination: Destination, other: Destination) -> None:
    for each in (destination, other):
        site.subscribe(each.url)
    destination.answering.clear()
    site.keeper()
    names = [site.tenant("first")]
    tries(destination, 1)
    for name in ("second", "third"):
        names.append(site.tenant(name))
        told(other, service(names[-1]))
    destination.answering.set()
    assert told(destination, service(names[-1])) == [service(name) for name in names]
    last = site.tenant("last")
    assert told(destination, service(last)) == [service(last)]


def test_a_subscription_ends_with_its_retries(site: Site, destination: Destination) -> None:
    destination.refusing.set()
    one = site.subscribe(destination.url, retry_policy="TerminateAfterRetries")
    site.keeper(attempts=2)
    site.tenant("refused")
    until(lambda: gone(site, one))
    assert len(destination.attempts) == 3


def test_a_subscription_is_suspended_with_its_retries_and_misses_nothing(site: Site, destination: Destination) -> None:
    destination.refusing.set()
    one = site.subscribe(destination.url, retry_policy="SuspendRetries")
    site.keeper(attempts=2)
    missed = site.tenant("missed")
    until(lambda: site.subscriptions.get(one.id).suspended)
    assert len(destination.attempts) == 3
    destination.refusing.clear()
    suspended = site.subscriptions.get(one.id)
    site.subscriptions.change(suspended, lambda now: replace(now, suspended=False))
    assert told(destination, service(missed)) == [service(missed)]


@pytest.mark.parametrize("policy", ["RetryForever", "RetryForeverWithBackoff"])
def test_who_is_tried_for_ever_outlasts_the_retries(site: Site, destination: Destination, policy: str) -> None:
    destination.refusing.set()
    one = site.subscribe(destination.url, retry_policy=policy)
    site.keeper(attempts=1, interval=0.01)
    missed = site.tenant("missed")
    tries(destination, 4)
    assert not site.subscriptions.get(one.id).suspended
    destination.refusing.clear()
    assert told(destination, service(missed)) == [service(missed)]


def test_after_a_restart_it_goes_on_behind_what_was_told(site: Site, destination: Destination) -> None:
    site.subscribe(destination.url)
    before = site.keeper()
    first = site.tenant("before")
    assert told(destination, service(first)) == [service(first)]
    before.stop(5)
    meanwhile = site.tenant("meanwhile")
    site.keeper("b")
    assert told(destination, service(meanwhile)) == [service(meanwhile)]


def test_another_server_goes_on_when_one_dies(site: Site, destination: Destination) -> None:
    site.subscribe(destination.url)
    first = site.keeper("a")
    one = site.tenant("one")
    assert told(destination, service(one)) == [service(one)]
    second = site.keeper("b")
    first.stop(0, release=False)
    two = site.tenant("two")
    assert told(destination, service(two)) == [service(two)]
    assert second.holds("swordfish.deliver")


def test_what_is_no_longer_kept_is_passed_over(site: Site, destination: Destination) -> None:
    site.subscribe(destination.url)
    for name in ("one", "two"):
        site.tenant(name)
    last = site.tenant("last")
    discard_old(site.database, kept_at_most=1)
    site.keeper()
    assert told(destination, service(last)) == [service(last)]


def test_a_users_own_dead_destinations_do_not_keep_its_others_waiting(site: Site, destination: Destination) -> None:
    with contextlib.closing(Hanging(dripping=True)) as hanging:
        for _ in range(10):
            site.subscribe(hanging.url)
        site.subscribe(destination.url)
        site.keeper(patience=0.2)
        tenant = site.tenant("not-held-up")
        assert told(destination, service(tenant)) == [service(tenant)]


def test_nobody_waits_for_the_destinations_of_others(site: Site, destination: Destination) -> None:
    with contextlib.closing(Hanging(dripping=True)) as hanging:
        tenant = site.tenant("mute")
        user = site.user("mute", tenant, "member")
        for _ in range(MOST):
            site.subscribe(hanging.url, user=user, tenant=tenant)
        site.keeper(patience=3600.0)
        site.user("first", tenant, "reader")
        until(lambda: len(hanging.taken) >= EACH)
        site.subscribe(destination.url)
        second = site.user("second", tenant, "reader")
        assert told(destination, uris.account(second)) == [uris.account(second)]
        assert len(hanging.taken) == EACH


def test_a_duty_that_is_lost_ends_though_a_destination_hangs(site: Site) -> None:
    with contextlib.closing(Hanging()) as hanging:
        site.subscribe(hanging.url)
        site.tenant("told-to-nobody")
        lost = threading.Event()
        run = SimpleNamespace(
            go_on=lambda: not lost.is_set(), held=lambda: not lost.is_set(), wait=lambda seconds: lost.wait(0.05)
        )
        duty = site.deliver(patience=3600.0).duty()
        thread = threading.Thread(target=lambda: duty.run(cast(Any, run)), daemon=True)
        thread.start()
        until(lambda: hanging.taken)
        lost.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize("what", ["tenant", "user"])
def test_who_is_disabled_is_told_nothing_until_that_ends(
    site: Site, destination: Destination, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    caplog.set_level(logging.INFO)
    tenant = site.tenant("shut")
    user = site.user("shut-in", tenant, "manager")
    one = site.subscribe(destination.url, user=user, tenant=tenant)
    site.enable(False, **{what: {"tenant": tenant, "user": user}[what]})
    site.keeper()
    another = site.user("another", tenant, "reader")
    until(lambda: f"subscription {one.id} is told nothing now" in caplog.text)
    assert not destination.attempts
    site.enable(True, **{what: {"tenant": tenant, "user": user}[what]})
    assert uris.account(another) in told(destination, uris.account(another))


def test_a_subscription_goes_with_its_user(site: Site, destination: Destination, other: Destination) -> None:
    user = site.user("leaver", None, "admin")
    one = site.subscribe(destination.url, user=user)
    kept = site.subscribe(other.url)
    site.keeper()
    tenant = site.tenant("seen-by-both")
    for each in (destination, other):
        assert told(each, service(tenant)) == [service(tenant)]
    site.engine.users.delete(site.root, user)
    site.tenant("seen-by-one")
    until(lambda: gone(site, one))
    assert site.subscriptions.get(kept.id)


def test_a_manager_hears_of_the_own_tenant_alone(site: Site, destination: Destination) -> None:
    tenant = site.tenant("bound")
    site.subscribe(destination.url, user=site.user("bound", tenant, "manager"), tenant=tenant)
    site.keeper()
    site.tenant("of-no-concern")
    user = site.user("own", tenant, "reader")
    assert told(destination, uris.account(user)) == [uris.account(user)]
