"""A world for journals: a database, a back end that outlives them, and journals that can be made and killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from isthmus.core.context import Context
from isthmus.core.journal import operations
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.runner import Journal
from isthmus.core.journal.station import Retries
from isthmus.core.journal.step import Flow, Outcome, Run, Step
from isthmus.core.model.identity import new_id
from isthmus.core.model.operation import Operation
from isthmus.core.store.database import Database, Tx
from isthmus.core.store.schema import metadata
from isthmus.core.store.schema import operations as table

MEMBER = Context("acme", "ann", frozenset({"member"}))
BOUND = 20.0
QUICK = Retries(first_pause=0.01, longest_pause=0.05, held_pause=0.03)


class Crash(BaseException):
    """The process dies here."""


class Gate:
    """A step's function that holds its step until it is opened."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, run: Run) -> Outcome:
        self.reached.set()
        assert self.open.wait(BOUND)
        return None

    def wait(self) -> None:
        """Until a step is held."""
        assert self.reached.wait(BOUND)


class BackEnd:
    """What steps do to the outside: things that are there or gone, and a history of calls. It outlives journals."""

    def __init__(self) -> None:
        self.things: set[str] = set()
        self.history: list[str] = []
        self._lock = threading.Lock()

    def create(self, name: str) -> None:
        with self._lock:
            self.history.append(f"create {name}")
            self.things.add(name)

    def delete(self, name: str) -> None:
        with self._lock:
            self.history.append(f"delete {name}")
            self.things.discard(name)

    def step(self, name: str, before: Callable[[Run], Outcome] | None = None, **more: Any) -> Step:
        """A step that creates `name` for its operation, and deletes it when undone; `before` runs first."""

        def do(run: Run) -> Outcome:
            outcome = before(run) if before is not None else None
            self.create(f"{run.operation.id}/{name}")
            return outcome

        return Step(name, do, lambda run: self.delete(f"{run.operation.id}/{name}"), **more)

    def of(self, operation: Operation | str) -> list[str]:
        """Names of the things that an operation's steps left, in order of name."""
        wanted = operation if isinstance(operation, str) else operation.id
        return sorted(thing.partition("/")[2] for thing in self.things if thing.startswith(wanted))

    def calls(self, operation: Operation | str) -> list[str]:
        """The calls of one operation, in order."""
        wanted = operation if isinstance(operation, str) else operation.id
        return [call.replace(f"{wanted}/", "") for call in self.history if wanted in call]


class World:
    """One database with any number of journals."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)
        metadata.create_all(self.database.engine)
        self.backend = BackEnd()
        self.flows = Flows()
        self.journals: list[Journal] = []

    def close(self) -> None:
        for journal in self.journals:
            journal.kill(0.5)
        self.database.close()

    def flow(self, *steps: Step, kind: str = "", **more: Any) -> Flow:
        """A flow of these steps, loaded by all journals of this world."""
        flow = Flow(kind or f"test.{new_id()[:8]}", tuple(steps), **more)
        self.flows.register(flow)
        return flow

    def journal(self, *, start: bool = True, **settings: Any) -> Journal:
        """A journal that is quick about everything."""
        quick: dict[str, Any] = {
            "node": "here",
            "lease": 1.0,
            "heartbeat": 0.2,
            "sweep": 0.1,
            "threads": 4,
            "retries": QUICK,
        }
        journal = Journal(self.database, settings.pop("flows", self.flows), **quick | settings)
        self.journals.append(journal)
        if start:
            journal.start()
        return journal

    def accept(self, flow: Flow, *, claim: str | None = None, context: Context = MEMBER, **more: Any) -> str:
        """Accept an operation of `flow`, and submit it to nobody."""
        identifier = new_id()
        self.database.change(
            lambda tx: operations.accept(
                tx,
                id=identifier,
                flow=flow,
                resource_type="thing",
                resource=None,
                context=context,
                claim=claim,
                lease=1.0,
                **more,
            ),
            durable=True,
        )
        return identifier

    def run(self, journal: Journal, flow: Flow, **more: Any) -> Operation:
        """Accept an operation, have `journal` run it and wait for its end."""
        return self.end(journal, self.submit(journal, flow, **more))

    def submit(self, journal: Journal, flow: Flow, **more: Any) -> str:
        """Accept an operation for `journal` and submit it."""
        identifier = self.accept(flow, claim=journal.owner, **more)
        journal.submit(identifier)
        return identifier

    def end(self, journal: Journal, identifier: str) -> Operation:
        """The operation after it ended; fails when it does not within the bound."""
        operation = journal.wait(identifier, BOUND)
        assert not operation.state.live, f"{operation.kind} is still {operation.state} at {operation.step}"
        return operation

    def get(self, identifier: str) -> Operation:
        with self.database.read() as tx:
            return operations.get(tx, identifier)

    def column(self, identifier: str, name: str) -> Any:
        """One column of an operation's row."""
        with self.database.read() as tx:
            return tx.execute(table.select().where(table.c.id == identifier)).mappings().one()[name]

    def set(self, identifier: str, **values: Any) -> None:
        """Change an operation's row behind everybody's back."""

        def work(tx: Tx) -> None:
            tx.execute(table.update().where(table.c.id == identifier).values(**values))

        self.database.change(work)


def until(condition: Callable[[], Any], bound: float = BOUND) -> Any:
    """Wait until `condition()` is true and return it; fails after `bound` seconds."""
    end = time.monotonic() + bound
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it did not come true in time")


def raising(error: BaseException) -> Callable[[Run], Outcome]:
    """A step's function that raises `error`."""

    def do(run: Run) -> Outcome:
        raise error

    return do


def nothing(run: Run) -> Outcome:
    """A step's function that does nothing."""
    return None
