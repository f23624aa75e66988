"""The database goes away, a call of a back end hangs: callers are told at once, and nothing needs a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.drivers.contract import Allocated, DriverSetup, Wanted
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.drivers.wrappers import Bound, bounded
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import Unavailable
from isthmus.core.journal import operations
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import VolumeRequest
from isthmus.core.model.volume import VolumeState
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from tests.environment.engine import Installation, done, ended
from tests.environment.postgresql import Server
from tests.environment.server import until

pytestmark = pytest.mark.timeout(300)

MIB = 1 << 20
WANTED = VolumeRequest("v", size=MIB, profile="memory")


class Hanging(MemoryDriver):
    """Its `create` hangs while `hangs` is set, and goes on when that is cleared."""

    hangs = threading.Event()
    goes_on = threading.Event()

    def create(self, wanted: Wanted) -> Allocated:
        if self.hangs.is_set():
            self.goes_on.wait(60)
        return super().create(wanted)


@pytest.fixture
def hanging() -> Iterator[type[Hanging]]:
    Hanging.hangs.clear()
    Hanging.goes_on.clear()
    yield Hanging
    Hanging.goes_on.set()


def _engine(installation: Installation, **given: Any) -> tuple[Engine, Context]:
    engine = installation.engine(**given)
    engine.start()
    return engine, installation.furnish(engine)


def test_a_database_that_goes_away_is_said_and_work_goes_on_when_it_is_back(
    postgresql_server: Server, postgresql_url: str, tmp_path: Path, hanging: type[Hanging]
) -> None:
    database = Database(postgresql_url)
    metadata.create_all(database.engine)
    engine, context = _engine(Installation.begin(database, tmp_path), driver=hanging)
    try:
        hanging.hangs.set()
        under_way = engine.volumes.create(context, WANTED)
        with postgresql_server.outage():
            hanging.goes_on.set()  # the step ends while its end cannot be written
            with pytest.raises(Unavailable, match="database") as told:
                engine.volumes.create(context, WANTED)
            assert told.value.next_step
            assert [finding.level for finding in engine.ready() if finding.check == "database"] == ["error"]
            time.sleep(1.5)  # longer than the lease

        assert ended(engine, under_way.id, 60.0).state is OperationState.DONE
        done(engine, engine.volumes.create(context, WANTED))
        until(lambda: _well(engine, context), 30)
        assert len(engine.volumes.list(context).items) == 2
    finally:
        engine.stop(drain=1.0)
        database.close()


def test_a_step_that_hangs_needs_attention_says_where_and_is_retried_without_a_restart(
    tmp_path: Path, hanging: type[Hanging]
) -> None:
    database, engine, context = _with_short_deadline(tmp_path, hanging)
    try:
        hanging.hangs.set()
        hung = ended(engine, engine.volumes.create(context, WANTED).id)

        assert hung.state is OperationState.NEEDS_ATTENTION
        said = dict(hung.error or {})
        assert "allocate" in said["message"] and said["next_step"]
        volume = engine.volumes.list(context).items[0]
        assert (volume.state, volume.operation) == (VolumeState.ERROR, hung.id)
        # Others are served meanwhile, with as many threads as before.
        hanging.hangs.clear()
        for _ in range(8):
            done(engine, engine.volumes.create(context, WANTED))

        hanging.goes_on.set()
        time.sleep(0.2)
        engine.operations.retry(context, hung.id)
        again = ended(engine, hung.id)
        assert again.state is OperationState.DONE, again.error
        assert engine.volumes.get(context, volume.id).state is VolumeState.AVAILABLE
        until(lambda: _well(engine, context), 10)
    finally:
        engine.stop(drain=1.0)
        database.close()


def test_a_hanging_volume_can_be_deleted_without_a_restart(tmp_path: Path, hanging: type[Hanging]) -> None:
    database, engine, context = _with_short_deadline(tmp_path, hanging)
    try:
        hanging.hangs.set()
        hung = ended(engine, engine.volumes.create(context, WANTED).id)
        assert hung.state is OperationState.NEEDS_ATTENTION
        hanging.hangs.clear()
        hanging.goes_on.set()
        volume = engine.volumes.list(context).items[0].id
        time.sleep(0.2)
        done(engine, engine.volumes.delete(context, volume))
        assert not engine.volumes.list(context).items
        until(lambda: _well(engine, context), 10)
    finally:
        engine.stop(drain=1.0)
        database.close()


def test_a_call_that_hangs_is_turned_away_from_and_made_again(tmp_path: Path, hanging: type[Hanging]) -> None:
    database = _database(tmp_path)
    installation = Installation.begin(database, tmp_path)
    bound = Bound(16)

    class Impatient:
        name, settings_schema = hanging.name, hanging.settings_schema

        def __new__(cls, setup: DriverSetup) -> Any:
            return bounded(hanging(setup), 0.3, bound)

    engine, context = _engine(installation, driver=Impatient)
    try:
        hanging.hangs.set()
        slow = engine.volumes.create(context, WANTED)
        noted = until(lambda: _note(engine, slow), 20)
        assert "create" in noted and "0.3" in noted, noted
        hanging.hangs.clear()
        assert ended(engine, slow.id).state is OperationState.DONE
        hanging.goes_on.set()
        until(lambda: _well(engine, context), 10)
    finally:
        engine.stop(drain=1.0)
        database.close()


def _note(engine: Engine, operation: Operation) -> str:
    with engine.database.read() as tx:
        return operations.get(tx, operation.id).note


def _database(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder}/isthmus.db")
    metadata.create_all(database.engine)
    return database


def _with_short_deadline(folder: Path, driver: type[Hanging]) -> tuple[Database, Engine, Context]:
    """An engine whose creating step may take one second."""
    database = _database(folder)
    installation = Installation.begin(database, folder)
    engine = installation.engine(driver=driver)
    flow = engine.parts.flows.newest("volume.create")
    shortened = replace(flow, steps=tuple(replace(step, deadline=1.0) for step in flow.steps))
    engine.parts.flows._flows[(flow.kind, flow.version)] = shortened
    engine.start()
    return database, engine, installation.furnish(engine)


def _well(engine: Engine, context: Context) -> bool:
    return all(finding.level == "ok" for finding in engine.doctor.examine(context))
