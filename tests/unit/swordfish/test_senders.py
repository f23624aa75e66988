"""Whose turn it is: nobody waits for another's destination, nor for long for the own dead ones."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from isthmus.core.model.identity import now
from isthmus.plugins.swordfish.events.senders import EACH, MOST, Senders
from isthmus.plugins.swordfish.events.subscription import PUSH, Subscription
from tests.environment.server import until


class Desk:
    """Work that lasts until it is let go; `at_work` is who is looked after now."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.at_work: list[str] = []
        self.done: list[str] = []
        self._let_go = threading.Event()
        self._lock = threading.Lock()
        self.senders = Senders(lambda identifier: identifier in self.failing)

    def offer(self, *waiting: Subscription) -> list[str]:
        """Who is looked after then."""
        before = len(self.at_work)
        self.senders.offer(waiting, self._work)
        started = len(self.senders._busy) - before
        until(lambda: len(self.at_work) == before + started)
        return sorted(self.at_work)

    def let_go(self) -> None:
        self._let_go.set()

    def _work(self, one: Subscription) -> None:
        with self._lock:
            self.at_work.append(one.id)
        self._let_go.wait(20)
        with self._lock:
            self.done.append(one.id)


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.let_go()


def of(owner: str, *names: str) -> list[Subscription]:
    return [Subscription(f"{owner}-{name}", PUSH, "u", owner, (), now()) for name in names]


def test_an_owner_has_a_few_at_once_and_the_others_in_turn(desk: Desk) -> None:
    assert desk.offer(*of("a", "1", "2", "3"), *of("b", "1")) == ["a-1", "a-2", "b-1"]
    desk.let_go()
    until(lambda: sorted(desk.done) == ["a-1", "a-2", "a-3", "b-1"])


def test_nobody_is_looked_after_twice_at_a_time(desk: Desk) -> None:
    (one,) = of("a", "1")
    desk.offer(one)
    assert desk.offer(one) == ["a-1"]
    desk.let_go()
    until(lambda: desk.done)
    # Whoever waits still when its turn ends is looked after once more, and not beside it.
    assert set(desk.done) == {"a-1"}


def test_an_owners_failing_ones_leave_room_for_one_that_answers(desk: Desk) -> None:
    dead, alive = of("a", "1", "2", "3"), of("a", "4")
    desk.failing = {one.id for one in dead}
    assert desk.offer(*dead, *alive) == ["a-1", "a-4"]


def test_failing_ones_leave_room_for_everybody(desk: Desk) -> None:
    dead = [one for number in range(MOST) for one in of(f"dead{number}", "1")]
    alive = [one for number in range(MOST) for one in of(f"alive{number}", "1")]
    desk.failing = {one.id for one in dead}
    found = Counter(name.rstrip("0123456789").split("-")[0].rstrip("0123456789") for name in desk.offer(*dead, *alive))
    assert found == {"dead": MOST // 2, "alive": MOST // 2}


def test_there_is_an_end_to_threads(desk: Desk) -> None:
    everybody = [one for number in range(MOST) for one in of(f"t{number}", *map(str, range(EACH)))]
    assert len(desk.offer(*everybody)) == MOST
