"""What a dead or silent runner left is taken over; what it still tries to write afterwards is refused."""

from __future__ import annotations

import datetime
import threading
import time

import pytest

from isthmus.core.journal import ledger, operations, owner
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.station import Retries
from isthmus.core.journal.step import Outcome, Run, Step, Transaction
from isthmus.core.model.operation import OperationState
from tests.unit.journal.world import QUICK, Crash, World, nothing, until


class Pause:
    """The first call pauses until it is let go, as a process does that is stopped; later calls pass."""

    def __init__(self) -> None:
        self.reached, self.go_on, self.calls = threading.Event(), threading.Event(), 0

    def __call__(self, run: Run) -> Outcome:
        self.calls += 1
        if self.calls == 1:
            self.reached.set()
            assert self.go_on.wait(20)
        return None


def silence(world: World, identifier: str) -> None:
    """Let the lease lapse, as if its owner had been silent for too long."""
    world.set(identifier, lease_until=1)


def test_a_runner_that_was_silent_for_too_long_is_fenced_out(world: World) -> None:
    wrote: list[str] = []
    pause = Pause()

    def work(run: Run) -> Outcome:
        by = run.attempt, pause.calls
        pause(run)

        def commit(tx: Transaction) -> None:
            wrote.append(f"{by}")

        return commit

    zombie = world.journal(heartbeat=60.0, sweep=60.0)
    identifier = world.submit(zombie, world.flow(Step("a", work), Step("b", nothing)))
    assert pause.reached.wait(20)
    silence(world, identifier)
    other = world.journal()
    ended = world.end(other, identifier)
    assert ended.state is OperationState.DONE
    epoch = world.column(identifier, "epoch")
    pause.go_on.set()
    until(lambda: not zombie._station.held)
    assert wrote == ["(1, 1)"], "only the second runner's commit"
    assert world.column(identifier, "epoch") == epoch
    assert world.get(identifier).state is OperationState.DONE


@pytest.mark.slow
def test_a_long_step_keeps_its_lease(world: World) -> None:
    pause = Pause()
    runner, other = world.journal(lease=4.0), world.journal(lease=4.0)
    identifier = world.submit(runner, world.flow(Step("a", pause)))
    assert pause.reached.wait(20)
    first = world.column(identifier, "lease_until")
    until(lambda: world.column(identifier, "lease_until") > first + 4_500_000)
    assert (world.column(identifier, "owner"), pause.calls) == (runner.owner, 1)
    pause.go_on.set()
    assert world.end(other, identifier).state is OperationState.DONE


@pytest.mark.slow
def test_what_waits_for_a_thread_keeps_its_lease(world: World) -> None:
    pause = Pause()
    runner, _ = world.journal(threads=1, lease=4.0), world.journal(lease=4.0)
    flow = world.flow(Step("a", pause))
    world.submit(runner, flow)
    assert pause.reached.wait(20)
    waiting = world.submit(runner, flow)
    first = world.column(waiting, "lease_until")
    until(lambda: world.column(waiting, "lease_until") > first + 4_500_000)
    assert (world.column(waiting, "owner"), world.column(waiting, "epoch")) == (runner.owner, 1)
    pause.go_on.set()
    world.end(runner, waiting)


@pytest.mark.slow
def test_a_thread_that_dies_leaves_its_operation_to_the_lease(world: World) -> None:
    crashes = [True]

    def work(run: Run) -> Outcome:
        if crashes and crashes.pop():
            raise Crash
        return None

    journal = world.journal()
    identifier = world.submit(journal, world.flow(world.backend.step("a"), world.backend.step("b", work)))
    ended = world.end(journal, identifier)
    assert (ended.state, world.column(identifier, "epoch")) == (OperationState.DONE, 3)
    assert world.backend.calls(identifier) == ["create a", "create b"]


def test_a_start_takes_over_at_once_what_a_dead_journal_of_this_node_left(world: World) -> None:
    pause = Pause()
    dead = world.journal(lease=3600.0)
    flow = world.flow(Step("a", pause))
    running = world.submit(dead, flow)
    assert pause.reached.wait(20)
    world.set(running, lease_until=10**18)
    dead.kill(0.0)
    world.journal(lease=3600.0, sweep=3600.0)
    until(lambda: world.get(running).state is OperationState.DONE)
    pause.go_on.set()


def test_another_nodes_lease_is_respected(world: World) -> None:
    dead = world.journal(node="there", lease=3600.0)
    pause = Pause()
    identifier = world.submit(dead, world.flow(Step("a", pause)))
    assert pause.reached.wait(20)
    world.set(identifier, lease_until=10**18)
    dead.kill(0.0)
    assert world.journal(node="here", sweep=3600.0).sweep() == 0
    assert world.get(identifier).state is OperationState.RUNNING
    pause.go_on.set()


def test_a_killed_journal_writes_nothing(world: World) -> None:
    pause = Pause()
    wrote: list[bool] = []

    def work(run: Run) -> Outcome:
        pause(run)

        def commit(tx: Transaction) -> None:
            wrote.append(True)

        return commit

    journal = world.journal()
    identifier = world.submit(journal, world.flow(Step("a", work)))
    assert pause.reached.wait(20)
    assert not journal.kill(0.0), "a step is still inside"
    before = (world.get(identifier), world.column(identifier, "lease_until"))
    pause.go_on.set()
    assert journal.kill()
    assert wrote == []
    assert before == (world.get(identifier), world.column(identifier, "lease_until"))


def test_a_clean_stop_releases_at_once_and_fences_what_hangs(world: World) -> None:
    pause = Pause()
    stopping = world.journal(threads=1, lease=3600.0)
    flow = world.flow(Step("a", pause), Step("b", nothing))
    running, queued = world.submit(stopping, flow), world.submit(stopping, flow)
    assert pause.reached.wait(20)
    stopping.stop(drain=0.05)
    for identifier in (running, queued):
        assert world.get(identifier).state is OperationState.PENDING
        assert world.column(identifier, "owner") is None
    other = world.journal(sweep=3600.0)
    assert world.end(other, running).state is OperationState.DONE
    assert world.end(other, queued).state is OperationState.DONE
    pause.go_on.set()
    assert pause.calls == 3


def test_a_clean_stop_lets_running_steps_finish_and_no_more(world: World) -> None:
    pause = Pause()
    journal = world.journal()
    identifier = world.submit(journal, world.flow(world.backend.step("a", pause), world.backend.step("b")))
    assert pause.reached.wait(20)
    stopper = threading.Thread(target=journal.stop, args=(20.0,))
    stopper.start()
    until(journal._station.stopping.is_set)
    pause.go_on.set()
    stopper.join(20)
    assert (world.get(identifier).state, world.get(identifier).step) == (OperationState.PENDING, "b")
    assert world.backend.of(identifier) == ["a"]
    late = world.accept(world.flow(Step("late", nothing)), claim=journal.owner)
    journal.submit(late)
    assert world.get(late).state is OperationState.PENDING


def test_only_kinds_and_versions_that_are_loaded_are_taken_over(world: World) -> None:
    old = world.flow(world.backend.step("a"), kind="volume.create", version=1)
    identifier = world.accept(old)
    newer = Flows([world.flow(world.backend.step("other"), kind="volume.create", version=2)])
    stranger = world.journal(flows=newer)
    assert stranger.sweep() == 0
    stranger.submit(identifier)
    other = world.run(stranger, newer.newest("volume.create"))
    assert (other.flow_version, world.backend.of(other)) == (2, ["other"])
    assert world.get(identifier).state is OperationState.PENDING
    assert world.end(world.journal(), identifier).state is OperationState.DONE
    assert world.backend.of(identifier) == ["a"]


@pytest.mark.slow
def test_a_step_of_another_node_runs_there(world: World) -> None:
    where: list[str] = []
    here, there = world.journal(node="here"), world.journal(node="there")

    def at(name: str) -> Step:
        return Step(name, lambda run: where.append(f"{name} {run.attempt}"), node=lambda run: name)

    flow = world.flow(at("here"), at("there"), Step("any", nothing))
    ended = world.end(here, world.submit(here, flow))
    assert ended.state is OperationState.DONE
    assert where == ["here 1", "there 1"]
    assert (here.claim(), here.claim("here"), here.claim("there")) == (here.owner, here.owner, None)
    first = world.end(there, world.submit(here, world.flow(at("there"))))
    assert first.state is OperationState.DONE


def test_an_operation_for_a_node_waits_for_that_node(world: World) -> None:
    flow = world.flow(Step("a", nothing, node=lambda run: "there"))
    identifier = world.submit(world.journal(node="here"), flow)
    until(lambda: world.get(identifier).node == "there")
    assert world.get(identifier).state is OperationState.PENDING
    assert world.end(world.journal(node="there"), identifier).state is OperationState.DONE


@pytest.mark.parametrize("pivot", [False, True])
def test_a_step_that_kills_every_server_is_not_run_for_ever(world: World, pivot: bool) -> None:
    tries: list[int] = []

    def poison(run: Run) -> Outcome:
        tries.append(1)
        raise Crash

    steps = (world.backend.step("a"), world.backend.step("b", poison))
    flow = world.flow(*steps, pivot="b" if pivot else None)
    journal = world.journal(lease=0.05, heartbeat=0.02, sweep=0.02, retries=Retries(crashes=3))
    ended = world.run(journal, flow)
    assert ended.state is (OperationState.NEEDS_ATTENTION if pivot else OperationState.FAILED)
    assert len(tries) == 4
    assert world.backend.of(ended) == (["a"] if pivot else [])


@pytest.mark.slow
def test_leases_do_not_go_by_the_clock_of_a_machine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ledger, operations):
        monkeypatch.setattr(module, "now", lambda: datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=400))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    pause = Pause()
    runner, other = world.journal(), world.journal()
    identifier = world.submit(runner, world.flow(Step("a", pause)))
    assert pause.reached.wait(20)
    first = world.column(identifier, "lease_until")
    until(lambda: world.column(identifier, "lease_until") > first + 1_000_000)
    assert pause.calls == 1
    pause.go_on.set()
    assert world.end(other, identifier).state is OperationState.DONE


def test_a_doubled_message_runs_nothing_twice(world: World) -> None:
    pause = Pause()
    journal = world.journal()
    identifier = world.submit(journal, world.flow(world.backend.step("a", pause)))
    for _ in range(20):
        journal._station.dispatch(identifier)
    assert pause.reached.wait(20)
    pause.go_on.set()
    world.end(journal, identifier)
    until(lambda: not journal._station.queued)
    assert world.backend.calls(identifier) == ["create a"]
    assert pause.calls == 1


def test_who_is_dead() -> None:
    living = owner.new_owner("here")
    assert not owner.is_dead(living, "here")
    owner.retire(living)
    assert owner.is_dead(living, "here")
    assert not owner.is_dead(living, "there"), "another node's processes cannot be seen"
    node, pid, started, place, token = living.split(":")
    assert owner.is_dead(f"{node}:{pid}:{int(started) - 1}:{place}:{token}", "here"), "the pid was given away again"
    assert not owner.is_dead(f"{node}:{pid}:{started}:elsewhere:{token}", "here"), "another boot or container"
    assert not owner.is_dead("1:1", "here") and not owner.is_dead("here:x:y:z:w", "here")
    assert owner.is_dead(f"here:{2**22 - 1}:1:{place}:{token}", "here")


def test_back_off_grows_to_its_limit() -> None:
    assert all(0.05 <= Retries().pause(1) <= 0.1 for _ in range(50))
    assert all(5.0 <= Retries().pause(40) <= 10.0 for _ in range(50))
    assert QUICK.pause(3) <= 0.05
