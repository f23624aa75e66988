"""Accepting: once per idempotency key, never more than can be finished, and readable afterwards."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from isthmus.core.errors import KeyReused, NotFound, Overloaded, Transient
from isthmus.core.journal import operations
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.station import Retries
from isthmus.core.journal.step import Flow, Outcome, Run, Step, Wait
from isthmus.core.model.identity import new_id
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.store.database import Tx
from tests.unit.journal.world import MEMBER, Gate, World, nothing, raising, until

LONG_PAUSES = Retries(first_pause=60.0, longest_pause=60.0, held_pause=0.01)


def once(world: World, flow: Flow, key: str | None, digest: str, context: object = MEMBER) -> tuple[Operation, bool]:
    def work(tx: Tx) -> Operation:
        return operations.accept(
            tx,
            id=new_id(),
            flow=flow,
            resource_type="thing",
            resource="r1",
            context=MEMBER if context is None else context,  # type: ignore[arg-type]
            idempotency_key=key,
            request_hash=digest,
        )

    return operations.once(world.database, context, key, digest, work)  # type: ignore[arg-type]


def test_the_same_request_under_the_same_key_is_one_operation(world: World) -> None:
    flow = world.flow(Step("a", nothing))
    first, new = once(world, flow, "k", "hash")
    again, new_again = once(world, flow, "k", "hash")
    assert (new, new_again, again.id) == (True, False, first.id)
    world.end(world.journal(), first.id)
    assert once(world, flow, "k", "hash")[0].state is OperationState.DONE, "whatever became of it"


def test_another_request_under_the_same_key_is_refused(world: World) -> None:
    flow = world.flow(Step("a", nothing))
    first, _ = once(world, flow, "k", "hash")
    with pytest.raises(KeyReused) as refused:
        once(world, flow, "k", "other")
    assert refused.value.details["operation"] == first.id


def test_keys_are_each_users_and_tenants_own(world: World) -> None:
    flow = world.flow(Step("a", nothing))
    contexts = [MEMBER, replace(MEMBER, user="bob"), replace(MEMBER, tenant="other"), replace(MEMBER, tenant=None)]
    identifiers = {once(world, flow, "k", "hash", context)[0].id for context in contexts}
    assert len(identifiers) == 4
    assert once(world, flow, None, "hash")[0].id != once(world, flow, None, "hash")[0].id


def test_eight_threads_with_one_key_make_one_operation(world: World) -> None:
    flow = world.flow(Step("a", nothing))
    start, made = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        made.append(once(world, flow, "k", "hash"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({operation.id for operation, _ in made}) == 1
    assert sum(new for _, new in made) == 1


def test_what_is_accepted_can_be_found(world: World) -> None:
    flow = world.flow(Step("a", nothing), version=3)
    operation, _ = once(world, flow, "k", "hash")
    with world.database.read() as tx:
        assert operations.get(tx, operation.id) == operation
        assert operations.live_of(tx, "r1") == [operation]
        assert operations.unfinished_kinds(tx) == {(flow.kind, 3): 1}
        found = operations.find_by_key(tx, MEMBER, "k")
        assert found == (operation, "hash")
        with pytest.raises(NotFound):
            operations.get(tx, "none")
    world.end(world.journal(), operation.id)
    with world.database.read() as tx:
        assert operations.live_of(tx, "r1") == []
        assert operations.unfinished_kinds(tx) == {}


def test_what_an_operation_shows_holds_neither_its_notebook_nor_its_context(world: World) -> None:
    operation = world.get(world.accept(world.flow(Step("a", nothing)), data={"chap": "sealed"}))
    assert "sealed" not in repr(operation) and "roles" not in repr(operation)


def test_more_than_can_be_finished_is_refused_with_a_time(world: World) -> None:
    gate = Gate()
    journal = world.journal(threads=2, backlog=3)
    flow = world.flow(Step("a", gate))
    for _ in range(5):
        journal.admit()
        world.submit(journal, flow)
    with pytest.raises(Overloaded) as refused:
        journal.admit()
    assert 1 <= refused.value.details["retry_after"] <= 30
    gate.open.set()
    until(lambda: journal.backlog == 0)
    journal.admit()


def test_what_waits_for_its_next_try_counts_until_it_ends(world: World) -> None:
    journal = world.journal(threads=2, backlog=3, retries=LONG_PAUSES)
    flow = world.flow(Step("a", raising(Transient("not now")), deadline=300.0))
    accepted = []
    for _ in range(5):
        journal.admit()
        accepted.append(world.submit(journal, flow))
    until(lambda: all(world.get(identifier).state is OperationState.PENDING for identifier in accepted))
    with pytest.raises(Overloaded):
        journal.admit()
    journal.cancel(accepted[0])
    assert world.end(journal, accepted[0]).state is OperationState.CANCELLED
    until(lambda: journal.backlog == 4)
    journal.admit()


def test_what_an_earlier_process_left_for_a_later_try_counts_as_well(world: World) -> None:
    earlier = world.journal(threads=2, backlog=3, retries=LONG_PAUSES)
    flow = world.flow(Step("a", raising(Transient("not now")), deadline=300.0))
    accepted = [world.submit(earlier, flow) for _ in range(5)]
    until(lambda: all(world.get(identifier).state is OperationState.PENDING for identifier in accepted))
    earlier.kill()
    journal = world.journal(threads=2, backlog=3, retries=LONG_PAUSES)
    with pytest.raises(Overloaded):
        journal.admit()


def test_what_waits_for_another_does_not_count(world: World) -> None:
    gate = Gate()
    journal = world.journal(threads=2, backlog=0)
    child = world.submit(journal, world.flow(Step("a", gate)))
    gate.wait()
    parent = world.submit(journal, world.flow(Step("a", lambda run: Wait(child))))
    until(lambda: world.get(parent).state is OperationState.WAITING)
    until(lambda: journal.backlog == 1)
    journal.admit()
    gate.open.set()


def test_what_waits_for_another_installation_does_not_count(world: World) -> None:
    journal = world.journal()
    parent = world.submit(journal, world.flow(Step("a", lambda run: Wait("elsewhere"))))
    until(lambda: "elsewhere" in world.get(parent).note)
    journal.sweep()
    until(lambda: journal.backlog == 0)


def test_a_step_is_admitted_even_then(world: World) -> None:
    admitted: list[bool] = []
    gate = Gate()
    journal = world.journal(threads=1, backlog=0)

    def ask(run: Run) -> Outcome:
        gate(run)
        journal.admit()
        admitted.append(True)
        return None

    identifier = world.submit(journal, world.flow(Step("ask", ask)))
    with pytest.raises(Overloaded):
        journal.admit()
    gate.open.set()
    assert world.end(journal, identifier).state is OperationState.DONE
    assert admitted == [True]


def test_a_wait_that_takes_too_long_says_how_far_it_is(world: World) -> None:
    identifier = world.accept(world.flow(Step("a", nothing)))
    assert world.journal(start=False).wait(identifier, 0.05).state is OperationState.PENDING
    with pytest.raises(NotFound):
        world.journal(start=False).wait("none", 0.05)


def test_an_end_in_another_process_is_seen(world: World) -> None:
    gate = Gate()
    runner, onlooker = world.journal(), world.journal(start=False)
    identifier = world.submit(runner, world.flow(Step("a", gate)))
    threading.Timer(0.2, gate.open.set).start()
    assert onlooker.wait(identifier, 20).state is OperationState.DONE


def test_flows_are_known_by_kind_and_version() -> None:
    old, new = (Flow("x", (Step("a", nothing),), version=version) for version in (1, 2))
    flows = Flows([new, old])
    assert (flows.find("x", 1), flows.newest("x")) == (old, new)
    assert flows.kinds == {"x"}
    assert flows.loaded == {("x", 1), ("x", 2)}
    flows.register(old)
    with pytest.raises(ValueError, match="registered already"):
        flows.register(Flow("x", (Step("other", nothing),)))
    with pytest.raises(KeyError):
        flows.newest("y")
    assert flows.find("y", 1) is None
