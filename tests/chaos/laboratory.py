"""Runs cases one after the other: each begins with a copy of what its scenario prepared once."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import Conflict, NotFound
from isthmus.core.journal.operations import LIVE, repository, select_where
from isthmus.core.journal.station import Dead
from isthmus.core.model.description import Finding
from isthmus.core.model.operation import Operation
from isthmus.core.store.schema import metadata, operations
from tests.chaos.crashes import Crash, CrashingDatabase, CrashPoints, Failure, crashing_driver
from tests.chaos.scenarios import Scenario, Stage, ended_well
from tests.environment.engine import Installation, ended

_PATIENCE = 60.0
_LIVE = [str(state) for state in LIVE]


@dataclass(frozen=True, slots=True)
class Case:
    """`deaths` are the points at which one engine after the other dies, `fails_at` the driver call of the first that
    goes wrong, `cancels_at` the point of the first at which the change is cancelled."""

    scenario: Scenario
    deaths: tuple[int, ...] = ()
    fails_at: int | None = None
    failure: Failure = Failure.FAILED
    cancels_at: int | None = None

    def __str__(self) -> str:
        return (
            f"{self.scenario.name}: deaths at {self.deaths}, call {self.fails_at} {self.failure},"
            f" cancel at {self.cancels_at}"
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """What a case came by: the points that its first engine passed, and how many of them before it was turned back."""

    points: int
    calls: int
    turned: int

    def way_back(self) -> range:
        """The points after the failure or the cancel."""
        return range(self.turned + 1, self.points + 1)


class Laboratory:
    """One scenario on one database. `url` is `sqlite` or that of a database with nothing in it that is needed."""

    def __init__(self, url: str, folder: Path, scenario: Scenario) -> None:
        self.scenario = scenario
        self.looks = 0
        self._points = CrashPoints()
        # Always the same path: it stands in the database.
        self._folder, self._template = folder / "case", folder / "template"
        # And one object for all cases: it keeps its compiled statements.
        self._database = CrashingDatabase(f"sqlite:///{self._folder}/isthmus.db" if url == "sqlite" else url)
        self._database.points = self._points
        self._prepare()

    def look(self, case: Case) -> Passage:
        """Run a case to learn how long its way is; it counts as a case too."""
        self.looks += 1
        return self.run(case)

    def run(self, case: Case) -> Passage:
        """Run one case; raises AssertionError where something is not in order afterwards."""
        self._points.arm()
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._template, self._folder)
        try:
            self._put_rows()
            return self._run(case, Installation(self._database, self._folder, self._prepared))
        except BaseException as error:
            error.add_note(str(case))
            raise
        finally:
            if self._database.is_sqlite:
                self._database.close()

    def close(self) -> None:
        self._database.close()

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True)
        database = self._database
        metadata.drop_all(database.engine)
        metadata.create_all(database.engine)
        installation = Installation.begin(database, self._folder)
        self._prepared = installation.prepared
        engine = self._open(installation)
        stage = Stage(engine, installation.furnish(engine, pools=1))
        self.scenario.prepare(stage)
        engine.stop(drain=1.0)
        self._context, self._ids = stage.context, dict(stage.ids)
        with database.read() as tx:
            self._before = {found.id for found in repository.where(tx)}
        self._keep_rows()
        database.close()
        self._folder.rename(self._template)

    def _keep_rows(self) -> None:
        """Beside the tables, where they can be copied from in one go; SQLite's are in the folder."""
        if self._database.is_sqlite:
            return
        names = [table.name for table in metadata.sorted_tables]
        kept = ["DROP SCHEMA IF EXISTS template CASCADE", "CREATE SCHEMA template"]
        kept += [f"CREATE TABLE template.{name} AS SELECT * FROM {name}" for name in names]
        with self._database.engine.begin() as tx:
            tx.exec_driver_sql("; ".join(kept))
            full = [n for n in names if tx.exec_driver_sql(f"SELECT count(*) FROM template.{n}").scalar_one()]
        emptied = [f"DELETE FROM {name}" for name in reversed(names)]
        self._restore = "; ".join([*emptied, *(f"INSERT INTO {name} SELECT * FROM template.{name}" for name in full)])

    def _put_rows(self) -> None:
        if not self._database.is_sqlite:
            with self._database.engine.begin() as tx:
                tx.exec_driver_sql(self._restore)

    def _run(self, case: Case, installation: Installation) -> Passage:
        stage = Stage(self._open(installation), self._context, dict(self._ids))
        self._first_life(case, stage)
        passage = Passage(self._points.passed, self._points.calls, self._points.turned)
        for death in case.deaths[1:]:
            self._points.arm(dies_at=death)
            try:
                stage.engine = self._open(installation)
                self._until_dead_or_idle(stage.engine)
            except Crash:
                continue  # it died while it started
            stage.engine.kill()
        self._points.arm()
        if case.deaths:
            stage.engine = self._open(installation)
        try:
            outcome = self._settled(stage, case)
            _in_order(stage.engine, stage.context)
            case.scenario.holds(stage, outcome)
        finally:
            stage.engine.stop(drain=1.0)
        return passage

    def _first_life(self, case: Case, stage: Stage) -> None:
        self._points.cancel = lambda: self._cancel(stage.engine)
        self._points.arm(
            dies_at=case.deaths[0] if case.deaths else None,
            fails_at=case.fails_at,
            failure=case.failure,
            cancels_at=case.cancels_at,
        )
        operation = None
        with contextlib.suppress(Crash):
            operation = case.scenario.act(stage)
        if operation is not None and not case.deaths:
            ended(stage.engine, operation.id, _PATIENCE)
        elif operation is not None:
            self._until_dead_or_idle(stage.engine)
        if case.deaths:
            stage.engine.kill()

    def _cancel(self, engine: Engine) -> None:
        for operation in _live(engine):
            try:
                engine.parts.journal.cancel(operation.id)
            except (Conflict, NotFound, Dead):
                continue

    def _open(self, installation: Installation) -> Engine:
        engine = installation.engine(driver=crashing_driver(self._points), threads=2)
        try:
            engine.start()
        except Crash:
            engine.kill()
            raise
        return engine

    def _settled(self, stage: Stage, case: Case) -> bool:
        """Whether the change was done; nothing may be live afterwards. A request whose accepting transaction was cut
        short left no operation, and nothing was done."""
        until = time.monotonic() + _PATIENCE
        while live := _live(stage.engine):
            assert time.monotonic() < until, live
            time.sleep(0.002)
        with stage.engine.database.read() as tx:
            fresh = [found for found in repository.where(tx) if found.id not in self._before]
        assert len(fresh) <= 1, fresh
        was_done = bool(fresh) and ended_well(fresh[0])
        assert was_done or not fresh or not self._must_be_done(case), fresh
        return was_done

    def _must_be_done(self, case: Case) -> bool:
        """Past its pivot a change is finished whatever happens; and what nobody disturbs but by a death, too."""
        disturbed = case.cancels_at is not None or (case.fails_at is not None and case.failure is not Failure.TRANSIENT)
        return (case.scenario.final and case.cancels_at is None) or not disturbed

    def _until_dead_or_idle(self, engine: Engine) -> None:
        until = time.monotonic() + _PATIENCE
        while not self._points.died.is_set() and _live(engine):
            assert time.monotonic() < until, _live(engine)
            self._points.died.wait(0.002)


def _in_order(engine: Engine, context: Context) -> None:
    wrong: list[Finding] = [finding for finding in engine.doctor.examine(context) if finding.level != "ok"]
    assert not wrong, wrong


def _live(engine: Engine) -> list[Operation]:
    with engine.database.read() as tx:
        return select_where(tx, operations.c.state.in_(_LIVE))
