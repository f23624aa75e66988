"""The newest events of one tenant are found among those of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from isthmus.core.errors import Gone
from isthmus.core.model.event import Event
from isthmus.plugins.vsphere.views.events import newest

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class Log:
    """`mine` are the numbers of the caller's events, `last` is that of the newest of all; before `oldest` they were
    discarded."""

    def __init__(self, last: int, mine: Sequence[int], oldest: int = 1) -> None:
        self._last, self._mine, self._oldest = last, mine, oldest
        self.calls = 0

    def newest(self) -> int:
        return self._last

    def after(self, number: int, limit: int = 100) -> Sequence[Event]:
        self.calls += 1
        if number < self._oldest - 1 or number > self._last:
            raise Gone("gone", oldest=self._oldest)
        found = [each for each in self._mine if each > number and each >= self._oldest]
        return [
            Event(str(each), "volume.created", "volume", "v", "t", "u", "r", MOMENT, number=each) for each in found
        ][:limit]


def numbers(log: Log, most: int) -> list[int | None]:
    storage: Any = SimpleNamespace(events=log)
    return [each.number for each in newest(storage, most)]


def test_without_events_there_are_none() -> None:
    assert numbers(Log(0, ()), 10) == []


def test_a_few_are_found_newest_first() -> None:
    assert numbers(Log(7, (2, 3, 7)), 10) == [7, 3, 2]
    assert numbers(Log(7, (2, 3, 7)), 2) == [7, 3]


def test_others_events_between_are_passed_over() -> None:
    log = Log(5000, (1, 2, 1500, 3001, 3002, 5000))
    assert numbers(log, 10) == [5000, 3002, 3001, 1500, 2, 1]
    assert log.calls == 5


def test_it_goes_back_only_as_far_as_it_must_and_may() -> None:
    assert numbers(Log(5000, tuple(range(1, 5001))), 3) == [5000, 4999, 4998]
    log = Log(1_000_000, (1,))
    assert numbers(log, 3) == [] and log.calls == 20


def test_what_was_discarded_ends_the_search() -> None:
    assert numbers(Log(1500, (300, 900, 1499), oldest=600), 10) == [1499, 900]
    assert numbers(Log(3000, (300, 900, 2999), oldest=900), 10) == [2999, 900]
