"""One operation, led through failures, crashes and cancels without threads and without waiting.

Its messages are delivered by hand and its leases lapse by hand, so that thousands of cases run in seconds and each
can be repeated. The checks are those of the journal's promise: the operation ends; done means that every effect is
there, undone that none is, and each step's rows were written exactly once in each direction.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, MetaData, String, Table, select

from isthmus.core.errors import Conflict, Failed, Refused, Transient, Unavailable
from isthmus.core.journal import operations
from isthmus.core.journal.runner import Journal
from isthmus.core.journal.station import Retries
from isthmus.core.journal.step import Cancelled, Flow, Outcome, Run, Step, Transaction, Until, Wait
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.store.database import Tx
from isthmus.core.store.schema import operations as table
from tests.unit.journal.world import MEMBER, Crash, World

ROUNDS = 200
A_DAY = timedelta(days=1)
AT_ONCE = Retries(first_pause=0.0, longest_pause=10**6, patience=1.0, tries=8, crashes=ROUNDS)
effects = Table("chaos_effects", MetaData(), Column("operation", String(64)), Column("what", String(64)))

DO = ("transient", "refused", "defect", "crash before", "crash after", "crash within", "cancel", "later", "stuck")
UNDO = ("transient", "refused", "defect", "crash before", "crash after", "crash within", "later", "stuck")


class ByHand:
    """A dispatcher whose messages are delivered by the test."""

    runs_here = True

    def __init__(self) -> None:
        self.messages: list[str] = []

    def start(self, run: Callable[[str], None], threads: int) -> None:
        self.run = run

    def dispatch(self, operation_id: str, node: str | None = None) -> None:
        self.messages.append(operation_id)

    def backlog(self) -> int:
        return len(self.messages)

    def replace(self, thread: int) -> None:
        raise AssertionError("nothing hangs here")

    def stop(self) -> None:
        self.messages.clear()


@dataclass
class Plan:
    """What happens at the successive tries of each step's `do` and `undo`; afterwards they work.

    `ask` says which step waits for a child operation first; `child` is the child's own plan.
    """

    do: Sequence[Sequence[str]]
    undo: Sequence[Sequence[str]] = ()
    pivot: int | None = None
    ask: int | None = None
    child: Plan | None = None


@dataclass
class Stage:
    """Where a plan is played."""

    world: World
    journal: Journal = field(init=False)
    dispatcher: ByHand = field(init=False)
    broken: bool = True
    calls: Iterator[int] = field(default_factory=itertools.count)
    crash_at: tuple[int, str] | None = None
    parent: str = ""

    def __post_init__(self) -> None:
        effects.metadata.create_all(self.world.database.engine)
        self._change = change = self.world.database.change

        def breaking(work: Callable[[Tx], Any], *, durable: bool = False) -> Any:
            number = next(self.calls)
            if self.crash_at == (number, "before"):
                raise Crash
            result = change(work, durable=durable)
            if self.crash_at == (number, "after"):
                raise Crash
            if self.crash_at == (number, "lost"):
                raise Unavailable("The connection was lost before the answer to the commit came.")
            return result

        self.world.database.change = breaking  # type: ignore[method-assign]
        self.boot()

    def leave(self) -> None:
        """Give the world back as it was."""
        self.journal.kill(0.0)
        self.world.journals.remove(self.journal)
        self.world.database.change = self._change  # type: ignore[method-assign]

    def boot(self) -> None:
        """A process starts."""
        self.dispatcher = ByHand()
        self.journal = self.world.journal(start=False, dispatcher=self.dispatcher, retries=AT_ONCE)
        self.dispatcher.start(self.journal._stepper.run, 1)

    def crash(self) -> None:
        """The process dies, and another one starts."""
        self.journal.kill(0.0)
        self.world.journals.remove(self.journal)
        self.boot()

    @contextmanager
    def dying(self) -> Iterator[None]:
        """What goes on here may kill the process, or fail for want of the database."""
        try:
            yield
        except Crash:
            self.crash()
        except Unavailable:
            return

    def play(self, plan: Plan) -> Operation:
        """Accept an operation that goes by `plan` and run it until it ends or needs attention."""
        flow = self.flow(plan)
        self.parent = identifier = new_id()

        def accept(tx: Tx) -> Operation:
            return operations.accept(
                tx,
                id=identifier,
                flow=flow,
                resource_type="thing",
                resource=None,
                context=MEMBER,
                claim=self.journal.owner,
            )

        with self.dying():
            self.world.database.change(accept, durable=True)
            self.journal.submit(identifier)
        with self.world.database.read() as tx:
            lost = operations.repository.find(tx, identifier) is None
        if lost:
            self.world.database.change(accept, durable=True)
        return self.settle(identifier)

    def finish(self, plan: Plan) -> Operation:
        """Play a plan, repair what needs attention until nothing does, and check the promise."""
        operation = self.play(plan)
        for _ in range(ROUNDS):
            if operation.state.ended:
                break
            operation = self.repair(operation.id)
        self.check(operation, plan)
        return operation

    def settle(self, identifier: str) -> Operation:
        """Deliver messages, let leases lapse and sweep until the operation goes on by itself no more."""
        for _ in range(ROUNDS):
            operation = self.world.get(identifier)
            if not operation.state.live or self._waits_for_a_person(identifier):
                return operation
            with self.dying():
                while self.dispatcher.messages:
                    self.dispatcher.run(self.dispatcher.messages.pop(0))
                lapse = table.update().where(table.c.state == "running").values(lease_until=1)
                come = table.update().where(table.c.state == "pending").values(run_after=0)
                with self.world.database.engine.begin() as connection:
                    connection.execute(lapse)
                    connection.execute(come)
                self.journal.sweep()
        raise AssertionError(f"{operation} does not end")

    def _waits_for_a_person(self, identifier: str) -> bool:
        child = self.world.column(identifier, "waits_for")
        return child is not None and self.world.get(child).state is OperationState.NEEDS_ATTENTION

    def flow(self, plan: Plan) -> Flow:
        """The flow that a plan describes; its steps are called 0, 1, 2 …"""
        steps = tuple(self._step(plan, index) for index in range(len(plan.do)))
        pivot = None if plan.pivot is None else str(plan.pivot)
        return self.world.flow(*steps, pivot=pivot)

    def _step(self, plan: Plan, index: int) -> Step:
        name, world = str(index), self.world
        inner = self.flow(plan.child) if plan.ask == index and plan.child is not None else None
        todo = list(plan.do[index])
        todo_undo = list(plan.undo[index]) if index < len(plan.undo) else []

        def do(run: Run) -> Outcome:
            what = self._next(todo)
            self._before(what, run)
            if what == "later":
                return Until(now() + A_DAY)
            if inner is not None:
                child = self._child(run, inner)
                if not child.state.ended:
                    return Wait(child.id)
                if child.state is not OperationState.DONE:
                    raise Failed(f"The child is {child.state}.")
            world.backend.create(f"{run.operation.id}/{name}")
            return self._after(what, run, f"do {name}")

        def undo(run: Run) -> Outcome:
            what = self._next(todo_undo)
            self._before(what, run)
            if what == "later":
                return Until(now() + A_DAY)
            world.backend.delete(f"{run.operation.id}/{name}")
            return self._after(what, run, f"undo {name}")

        stuck = "stuck" in plan.do[index] or (index < len(plan.undo) and "stuck" in plan.undo[index])
        return Step(name, do, undo, deadline=0.0 if stuck else 600.0)

    def _next(self, todo: list[str]) -> str:
        """What happens now; what is stuck stays so until it is repaired, what never works for ever."""
        if todo and todo[0] == "never":
            return "refused"
        if todo and todo[0] == "stuck":
            return "stuck" if self.broken else ""
        return todo.pop(0) if todo else ""

    def _before(self, what: str, run: Run) -> None:
        if what == "crash before":
            raise Crash
        if what in ("refused", "stuck"):
            raise Refused("no")
        if what == "transient":
            raise Transient("not now")
        if what == "cancel":
            self.cancel(run.operation.id)
            if run.cancelled():
                raise Cancelled

    def _after(self, what: str, run: Run, effect: str) -> Outcome:
        if what == "crash after":
            raise Crash
        if what == "defect":
            raise ValueError("defect")

        def commit(tx: Transaction) -> None:
            tx.execute(effects.insert().values(operation=run.operation.id, what=effect))
            if what == "crash within":
                raise Crash

        return commit

    def _child(self, run: Run, flow: Flow) -> Operation:
        def accept(tx: Tx) -> Operation:
            return operations.accept(
                tx,
                id=new_id(),
                flow=flow,
                resource_type="thing",
                resource=None,
                context=run.context,
                idempotency_key=run.key,
                claim=self.journal.owner,
            )

        child, new = operations.once(self.world.database, run.context, run.key, None, accept)
        if new:
            self.journal.submit(child.id)
        return child

    def cancel(self, identifier: str) -> bool:
        """Ask for a cancel; whether it was accepted."""
        try:
            self.journal.cancel(identifier)
        except Conflict:
            return False
        return True

    def repair(self, identifier: str) -> Operation:
        """Remove the cause and retry whatever needs attention, the children first."""
        self.broken = False
        with self.world.database.read() as tx:
            needing = operations.select_where(tx, table.c.state == "needs_attention")
        for operation in sorted(needing, key=lambda o: o.id == identifier):
            with self.dying():
                self.journal.retry(operation.id)
        return self.settle(identifier)

    def effects_of(self, identifier: str) -> dict[str, int]:
        """How often each step's rows were written."""
        chosen = select(effects.c.what).where(effects.c.operation == identifier)
        with self.world.database.read() as tx:
            return Counter(str(what) for what in tx.execute(chosen).scalars())

    def check(self, operation: Operation, plan: Plan) -> None:
        """The journal's promise, for this operation and its children."""
        steps = [str(index) for index in range(len(plan.do))]
        there, written = self.world.backend.of(operation), self.effects_of(operation.id)
        assert operation.state in (OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED)
        assert set(written.values()) <= {1}, f"rows of a step were written twice: {written}"
        undone = sorted(what.removeprefix("undo ") for what in written if what.startswith("undo"))
        if operation.state is OperationState.DONE:
            assert there == steps
            assert sorted(written) == [f"do {step}" for step in steps]
            assert operation.error is None and operation.progress == 1.0
        else:
            assert there == []
            assert undone == steps[: len(undone)] and len(undone) >= 1
            assert operation.error is not None
            if plan.pivot is not None:
                assert undone[-1] <= str(plan.pivot - 1), "undone from beyond the pivot"
        assert self.world.column(operation.id, "owner") is None
        assert self.world.column(operation.id, "waits_for") is None
        with self.world.database.read() as tx:
            children = operations.children(tx, operation.id)
        for child in children:
            assert plan.child is not None
            self.check(child, plan.child)
        done = sum(child.state is OperationState.DONE for child in children)
        assert done <= 1 and (done == 1 or plan.ask is None or operation.state is not OperationState.DONE)
