"""The newest events of one tenant are found among those of all, and there are words for every kind of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import isthmus.core
from isthmus.core.engine.failure_message import _LEVELS
from isthmus.core.errors import Gone
from isthmus.core.model.event import Event
from isthmus.plugins.vsphere.reasons import texts
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


def emitted() -> Iterator[str]:
    """The kinds of all events that the core writes of its nouns."""
    for path in Path(isthmus.core.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "happened":
                kind = node.args[1]
                if isinstance(kind, ast.Constant):
                    yield str(kind.value)
                else:
                    assert ast.unparse(kind) == "f'{self.permission}.updated'", "a kind that this test does not know"
            if isinstance(node, ast.ClassDef) and any(getattr(each, "name", "") == "update" for each in node.body):
                yield from (f"{noun}.updated" for noun in _permission(node))


def _permission(collection: ast.ClassDef) -> Iterator[str]:
    """What `Collection.__init__` is given as the noun."""
    for node in ast.walk(collection):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__" and len(node.args) > 2:
            yield ast.literal_eval(node.args[2])


def test_there_are_words_for_every_kind_of_event() -> None:
    kinds = set(emitted())
    assert {"volume.created", "profile.updated", "pool.updated", "backend.deleted", "attachment.renewed"} <= kinds
    parts = {f"shown.{part}" for kind in kinds for part in ("noun." + kind.split(".")[0], "verb." + kind.split(".")[1])}
    assert sorted(each for each in parts if not texts().has(each)) == []


def test_there_are_words_for_every_way_an_operation_ends_that_is_told() -> None:
    assert [state for state in _LEVELS if not texts().has(f"shown.state.operation.{state.value}")] == []
