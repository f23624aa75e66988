"""Made-up session tokens are tried a few at a time, and good users are let in whatever others do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from isthmus.core.errors import Unauthenticated
from isthmus.plugins.vsphere.connection.errors import TicketRefused, Unreachable
from isthmus.plugins.vsphere.connection.sessions import Key
from isthmus.plugins.vsphere.vcenters import doorkeeper as module
from isthmus.plugins.vsphere.vcenters.doorkeeper import (
    BURST,
    BURST_OF_ALL,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    SECONDS_EACH,
    TRIED_AT_ONCE,
    Doorkeeper,
    network,
)
from isthmus.ui_bridge.platform import TooManyAttempts

ADDRESS, OTHER = "192.0.2.1", "198.51.100.1"


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def key(name: object, guid: str = "guid-1") -> Key:
    return Key.of(f"token-{name}", guid)


def refused(keeper: Doorkeeper, name: object, address: str = ADDRESS) -> bool:
    """A token that the vCenter refuses; whether the vCenter was asked."""
    asked = False
    try:
        with keeper.attempt(key(name), address):
            asked = True
            raise TicketRefused("No.")
    except (Unauthenticated, TooManyAttempts):
        return asked


def let_in(keeper: Doorkeeper, name: object, address: str = ADDRESS) -> None:
    with keeper.attempt(key(name), address):
        pass


def test_a_refused_token_is_refused_from_memory_for_longer_each_time() -> None:
    clock = Clock()
    keeper = Doorkeeper(clock=clock)
    assert refused(keeper, 1) and not refused(keeper, 1)
    pause, asked = FIRST_PAUSE, 1
    for _ in range(12):
        clock.now += pause - 0.1
        assert not refused(keeper, 1)
        clock.now += 0.2
        assert refused(keeper, 1)
        pause, asked = min(LONGEST_PAUSE, pause * 2), asked + 1
    assert pause == LONGEST_PAUSE


def test_an_address_has_only_so_many_tokens_refused() -> None:
    clock = Clock()
    keeper = Doorkeeper(clock=clock)
    assert [refused(keeper, number) for number in range(BURST + 5)].count(True) == BURST
    with pytest.raises(TooManyAttempts) as error:
        let_in(keeper, "late")
    assert 0 < error.value.details["retry_after"] <= SECONDS_EACH + 1
    clock.now += SECONDS_EACH + 0.1
    assert refused(keeper, "next") and not refused(keeper, "and another")


def test_others_are_let_in_from_other_addresses_meanwhile() -> None:
    keeper = Doorkeeper(clock=Clock())
    for number in range(BURST + 5):
        refused(keeper, number)
    let_in(keeper, "good", OTHER)


def test_an_address_that_people_come_from_is_not_closed_by_what_others_try_from_it() -> None:
    keeper = Doorkeeper(clock=Clock())
    let_in(keeper, "anna")
    for number in range(BURST * 5):
        refused(keeper, number)
    let_in(keeper, "bernd")


def test_a_page_that_was_left_open_costs_its_address_nothing_more() -> None:
    clock = Clock()
    keeper = Doorkeeper(clock=clock)
    for number in range(BURST - 1):
        refused(keeper, number)
    for _ in range(20):
        clock.now += LONGEST_PAUSE * 2
        assert refused(keeper, 0)
    assert [refused(keeper, f"new-{number}") for number in range(BURST)].count(True) == BURST


def test_many_addresses_together_have_a_bound_that_passes() -> None:
    clock = Clock()
    keeper = Doorkeeper(clock=clock)
    addresses = [f"10.0.{number // 250}.{number % 250}" for number in range(BURST_OF_ALL + 50)]
    asked = [refused(keeper, address, address) for address in addresses]
    assert asked.count(True) == BURST_OF_ALL
    clock.now += 1.0
    let_in(keeper, "good", OTHER)


def test_an_ipv6_network_is_one_address() -> None:
    assert network("2001:db8::1") == network("2001:db8:0:0:9::2") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") == "192.0.2.1"
    assert network("") == "" and network("unix:") == "unix:"


def test_what_says_nothing_of_the_token_is_no_refusal() -> None:
    keeper = Doorkeeper(clock=Clock())
    for _ in range(BURST * 2):
        with pytest.raises(Unreachable), keeper.attempt(key(1), ADDRESS):
            raise Unreachable("It is down.")
    let_in(keeper, 1)


def test_a_few_tokens_are_tried_at_a_time_and_the_same_one_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    keeper, go_on = Doorkeeper(), threading.Event()
    inside = threading.Barrier(TRIED_AT_ONCE + 1)
    threads = [threading.Thread(target=_hold, args=(keeper, number, inside, go_on)) for number in range(TRIED_AT_ONCE)]
    for each in threads:
        each.start()
    inside.wait(10)
    with pytest.raises(TooManyAttempts):
        let_in(keeper, "one too many")
    let_in(keeper, 0)
    with keeper.attempt(key("elsewhere", "guid-2"), ADDRESS):
        pass
    go_on.set()
    for each in threads:
        each.join(10)
    let_in(keeper, "now")


def test_who_waits_for_a_turn_gets_it() -> None:
    keeper, go_on = Doorkeeper(), threading.Event()
    inside = threading.Barrier(TRIED_AT_ONCE + 1)
    held = [threading.Thread(target=_hold, args=(keeper, number, inside, go_on)) for number in range(TRIED_AT_ONCE)]
    for each in held:
        each.start()
    inside.wait(10)
    done: list[int] = []
    waiting = [threading.Thread(target=_enter, args=(keeper, number, done.append)) for number in range(100, 106)]
    for each in waiting:
        each.start()
    go_on.set()
    for each in (*held, *waiting):
        each.join(10)
    assert sorted(done) == list(range(100, 106))


def _hold(keeper: Doorkeeper, number: int, inside: threading.Barrier, go_on: threading.Event) -> None:
    with keeper.attempt(key(number), ADDRESS):
        inside.wait(10)
        go_on.wait(10)


def _enter(keeper: Doorkeeper, number: int, done: Callable[[int], None]) -> None:
    with keeper.attempt(key(number), ADDRESS):
        done(number)
