"""An engine dies at one point of one flow, another opens the same store and back end, and everything must be in order.

`python -m tests.chaos.breadth [--twice N] [--database URL]` runs every case on SQLite in memory-backed storage, or on
the database named, and prints how many there were.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.model.description import Finding
from isthmus.core.model.operation import Operation
from isthmus.core.store.schema import metadata
from tests.chaos.crashes import Crash, CrashingDatabase, CrashPoints, crashing_driver
from tests.chaos.scenarios import SCENARIOS, Scenario, Stage, ended_well
from tests.environment.engine import Installation, ended


@dataclass(frozen=True, slots=True)
class Case:
    """`deaths` are the points at which one engine after the other dies; `fails_at` the driver call that fails."""

    scenario: Scenario
    deaths: tuple[int, ...]
    fails_at: int | None = None


class Laboratory:
    """One installation after the other on one database, each torn down after its case."""

    def __init__(self, url: str, folder: Path) -> None:
        self.points = CrashPoints()
        self.url = url
        self.folder = folder
        self.calls = 0
        self._rounds = 0

    def run(self, case: Case) -> int:
        """Run one case; returns how many points the last engine passed (to find out how many there are)."""
        self._rounds += 1
        folder = self.folder / f"case{self._rounds}"
        url = f"sqlite:///{folder}/isthmus.db" if self.url == "sqlite" else self.url
        folder.mkdir(parents=True)
        database = CrashingDatabase(url)
        database.points = self.points
        self.points.arm()
        try:
            if database.is_sqlite:
                metadata.create_all(database.engine)
            else:
                with database.engine.begin() as tx:
                    for table in reversed(metadata.sorted_tables):
                        tx.execute(table.delete())
            return self._run(case, Installation.begin(database, folder))
        finally:
            database.close()
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, case: Case, installation: Installation) -> int:
        engine = self._open(installation)
        stage = Stage(engine, installation.furnish(engine, pools=1))
        case.scenario.prepare(stage)
        before = {operation.id for operation in engine.operations.list(stage.context).items}
        self._first_life(case, stage)
        passed, self.calls = self.points.passed, self.points.calls
        for death in case.deaths[1:]:
            self.points.arm(dies_at=death)
            stage.engine = self._open(installation)
            _until_dead_or_idle(stage.engine, self.points)
            stage.engine.kill()
        self.points.arm()
        if case.deaths:
            stage.engine = self._open(installation)
        try:
            outcome = _settled(stage, before, final=case.scenario.final)
            _in_order(stage.engine, stage.context)
            case.scenario.holds(stage, outcome)
        finally:
            stage.engine.stop(drain=1.0)
        return passed

    def _first_life(self, case: Case, stage: Stage) -> None:
        self.points.arm(dies_at=case.deaths[0] if case.deaths else None, fails_at=case.fails_at)
        operation = None
        try:
            operation = case.scenario.act(stage)
        except Crash:
            pass
        if operation is not None and not case.deaths:
            ended(stage.engine, operation.id)
        elif operation is not None:
            _until_dead_or_idle(stage.engine, self.points)
        if case.deaths:
            stage.engine.kill()

    def _open(self, installation: Installation) -> Engine:
        engine = installation.engine(driver=crashing_driver(self.points))
        engine.start()
        return engine


def _settled(stage: Stage, before: set[str], *, final: bool) -> bool:
    """Whether the change was done; nothing may be live afterwards. A request whose accepting transaction was cut short
    left no operation, and nothing was done."""
    _until_idle(stage.engine)
    fresh = [found for found in stage.engine.operations.list(stage.context).items if found.id not in before]
    assert len(fresh) <= 1, fresh
    was_done = bool(fresh) and ended_well(fresh[0])
    assert was_done or not fresh or not final, fresh
    return was_done


def _in_order(engine: Engine, context: Context) -> None:
    wrong: list[Finding] = [finding for finding in engine.doctor.examine(context) if finding.level != "ok"]
    assert not wrong, wrong


def _until_idle(engine: Engine, timeout: float = 20.0) -> None:
    until = time.monotonic() + timeout
    while live := _live(engine):
        assert time.monotonic() < until, live
        time.sleep(0.005)


def _until_dead_or_idle(engine: Engine, points: CrashPoints) -> None:
    until = time.monotonic() + 20.0
    while not points.died.is_set() and _live(engine):
        assert time.monotonic() < until, _live(engine)
        time.sleep(0.002)


def _live(engine: Engine) -> list[Operation]:
    from isthmus.core.journal.operations import LIVE, select_where
    from isthmus.core.store.schema import operations

    with engine.database.read() as tx:
        return select_where(tx, operations.c.state.in_([str(state) for state in LIVE]))


def cases(laboratory: Laboratory, scenario: Scenario, *, twice: int, seed: int) -> Iterator[Case]:
    """Every point once; every failing driver call, alone and with deaths on the way back; and `twice` random cases in
    which the engine that takes over dies as well."""
    chooser = random.Random(seed)
    points = laboratory.run(Case(scenario, ()))
    calls = laboratory.calls
    for point in range(1, points + 1):
        yield Case(scenario, (point,))
    for call in range(1, calls + 1):
        more = laboratory.run(Case(scenario, (), fails_at=call))
        for point in range(1, more + 1):
            yield Case(scenario, (point,), fails_at=call)
    for _ in range(twice):
        deaths = tuple(chooser.randint(1, points) for _ in range(chooser.randint(2, 3)))
        yield Case(scenario, deaths, chooser.choice([None, *range(1, calls + 1)]))


def run_all(url: str, folder: Path, *, twice: int, seed: int = 1) -> int:
    """Run every case of every scenario; returns their number."""
    laboratory, count = Laboratory(url, folder), 0
    for scenario in SCENARIOS:
        for case in cases(laboratory, scenario, twice=twice, seed=seed):
            try:
                laboratory.run(case)
            except BaseException as error:
                error.add_note(f"{scenario.name}: deaths at {case.deaths}, failing call {case.fails_at}")
                raise
            count += 1
    return count


def _quietly(died: threading.ExceptHookArgs) -> None:
    """Threads that die as they were told to need no stack trace."""
    if not issubclass(died.exc_type, Crash):
        sys.__excepthook__(died.exc_type, died.exc_value or died.exc_type(), died.exc_traceback)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twice", type=int, default=20, help="random cases with several deaths, per flow")
    parser.add_argument("--database", default="sqlite", help="`sqlite` or the URL of an empty database")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    threading.excepthook = _quietly
    logging.disable(logging.CRITICAL)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="isthmus-chaos-", dir="/dev/shm") as folder:
        count = run_all(given.database, Path(folder), twice=given.twice, seed=given.seed)
    print(f"{count} cases in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
