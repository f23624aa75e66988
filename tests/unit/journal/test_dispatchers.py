"""A dispatcher only carries wake-ups: whatever it loses, doubles or cannot deliver, operations end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from isthmus.core.dispatchers.contract import Dispatcher
from isthmus.core.dispatchers.local import LocalDispatcher
from isthmus.core.errors import Unavailable
from isthmus.core.journal.step import Step
from isthmus.core.model.operation import OperationState
from tests.unit.journal.world import World, nothing, until


class Lossy:
    """Loses every second message, doubles the others, and is down at every third."""

    runs_here = False

    def __init__(self) -> None:
        self.carrier = LocalDispatcher()
        self.count = 0

    def start(self, run: Callable[[str], None], threads: int) -> None:
        self.carrier.start(run, threads)

    def dispatch(self, operation_id: str, node: str | None = None) -> None:
        self.count += 1
        if self.count % 3 == 0:
            raise Unavailable("the broker does not answer")
        if self.count % 2:
            self.carrier.dispatch(operation_id, node)
            self.carrier.dispatch(operation_id, node)

    def backlog(self) -> int:
        return self.carrier.backlog()

    def replace(self, thread: int) -> None:
        self.carrier.replace(thread)

    def stop(self) -> None:
        self.carrier.stop()


def runners() -> set[threading.Thread]:
    """The threads of local dispatchers, those of tests before this one included."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("isthmus-runner")}


@pytest.mark.slow
def test_lost_and_doubled_messages_are_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.core.journal.sweeper._FORGET", 0.05)
    dispatcher: Dispatcher = Lossy()
    journal = world.journal(dispatcher=dispatcher)
    assert journal.claim() is None, "who runs it is not known"
    flow = world.flow(world.backend.step("a"), world.backend.step("b"))
    identifiers = [world.accept(flow) for _ in range(12)]
    for identifier in identifiers:
        journal.submit(identifier)
    for identifier in identifiers:
        assert world.end(journal, identifier).state is OperationState.DONE
        assert world.backend.calls(identifier) == ["create a", "create b"]


def test_nothing_starts_before_it_is_started() -> None:
    before = runners()
    local = LocalDispatcher()
    local.dispatch("early")
    assert runners() <= before and local.backlog() == 1
    ran: list[str] = []
    local.start(ran.append, 2)
    until(lambda: ran == ["early"])
    with pytest.raises(RuntimeError):
        local.start(ran.append, 2)
    local.stop()
    until(lambda: runners() <= before)


def test_a_stopped_one_delivers_nothing() -> None:
    gate, ran = threading.Event(), []

    def run(operation_id: str) -> None:
        ran.append(operation_id)
        gate.wait(20)

    before = runners()
    local = LocalDispatcher()
    local.start(run, 1)
    for name in ("one", "two", "three"):
        local.dispatch(name)
    until(lambda: ran)
    local.stop()
    local.stop()
    local.dispatch("four")
    gate.set()
    until(lambda: runners() <= before)
    assert ran == ["one"]


def test_not_more_threads_than_help_are_started_for_those_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.core.dispatchers.local.MOST_HANGING", 2)
    gate, idents = threading.Event(), []

    def run(operation_id: str) -> None:
        idents.append(threading.get_ident())
        gate.wait(20)

    before = runners()
    local = LocalDispatcher()
    local.start(run, 1)
    for count in range(1, 4):
        local.dispatch("hangs")
        until(lambda c=count: len(idents) == c)  # type: ignore[misc]
        local.replace(idents[-1])
        local.replace(idents[-1])
    assert len(runners() - before) == 3, "the third hangs too and is not replaced"
    gate.set()
    until(lambda: len(runners() - before) == 1)
    local.dispatch("works")
    until(lambda: len(idents) == 4)
    local.stop()
    until(lambda: not runners() - before)


def test_a_runner_that_raises_does_not_cost_a_thread() -> None:
    ran: list[str] = []

    def run(operation_id: str) -> None:
        ran.append(operation_id)
        raise SystemExit

    local = LocalDispatcher()
    local.start(run, 1)
    for name in ("one", "two"):
        local.dispatch(name)
    until(lambda: ran == ["one", "two"])
    local.stop()


def test_a_local_journal_runs_what_was_accepted_before_it_started(world: World) -> None:
    journal = world.journal(start=False)
    identifier = world.accept(world.flow(Step("a", nothing)), claim=journal.owner)
    journal.submit(identifier)
    journal.start()
    assert world.end(journal, identifier).state is OperationState.DONE
