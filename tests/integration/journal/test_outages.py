"""The database goes away and comes back: operations end all the same, each step's rows written once."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from isthmus.core.errors import Unavailable
from isthmus.core.journal.station import Retries
from isthmus.core.journal.step import Outcome, Run, Step, Transaction
from isthmus.core.model.operation import OperationState
from isthmus.core.store.database import Database
from tests.environment.postgresql import Server
from tests.unit.journal.chaos import effects
from tests.unit.journal.world import World, until

PATIENT = Retries(first_pause=0.01, longest_pause=0.05)


def counted(name: str) -> Step:
    """A step that takes a moment and writes one row in its transaction."""

    def do(run: Run) -> Outcome:
        time.sleep(0.005)

        def commit(tx: Transaction) -> None:
            tx.execute(effects.insert().values(operation=run.operation.id, what=name))

        return commit

    return Step(name, do)


def ended(world: World, identifiers: list[str]) -> None:
    """All are done, and wrote each row once."""

    def live() -> list[str]:
        with contextlib.suppress(Unavailable):
            return [i for i in identifiers if world.get(i).state.live]
        return identifiers

    until(lambda: not live(), 60.0)
    assert {world.get(i).state for i in identifiers} == {OperationState.DONE}
    with world.database.read() as tx:
        chosen = select(effects.c.operation, effects.c.what).where(effects.c.operation.in_(identifiers))
        rows = Counter((row[0], row[1]) for row in tx.execute(chosen))
    assert rows == {(identifier, name): 1 for identifier in identifiers for name in "abc"}


def test_connections_that_are_cut_again_and_again(postgresql_server: Server, postgresql_url: str) -> None:
    world = World(postgresql_url)
    try:
        effects.metadata.create_all(world.database.engine)
        journal = world.journal(retries=PATIENT)
        flow = world.flow(*(counted(name) for name in "abc"))
        name = postgresql_url.partition("?")[0].rpartition("/")[2]
        cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        identifiers = []
        for _ in range(15):
            for _ in range(4):
                with contextlib.suppress(Unavailable):
                    identifiers.append(world.submit(journal, flow))
            postgresql_server.execute(cut)
        ended(world, identifiers)
    finally:
        world.close()


def test_a_database_that_is_locked_for_a_while(sqlite_url: str) -> None:
    world = World(sqlite_url)
    try:
        effects.metadata.create_all(world.database.engine)
        world.database.close()
        world.database = Database(sqlite_url, busy_timeout=0.01)
        journal = world.journal(retries=PATIENT)
        flow = world.flow(*(counted(name) for name in "abc"))
        identifiers = [world.submit(journal, flow) for _ in range(20)]
        with contextlib.closing(sqlite3.connect(Path(sqlite_url.removeprefix("sqlite:///")), timeout=20)) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            threading.Event().wait(1.5)
            other.execute("ROLLBACK")
        ended(world, identifiers)
    finally:
        world.close()
