"""A copy of an array takes longer than its call and its step may: it ends well while it gets further, only then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.drivers.contract import Allocated, DriverSetup, Taken, Wanted
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.drivers.wrappers import Bound, alone, bounded
from isthmus.core.engine.engine import Engine
from isthmus.core.journal import operations
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import SnapshotRequest, VolumeRequest
from isthmus.core.progress import report
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from tests.environment.engine import Installation, done, ended
from tests.environment.server import until

pytestmark = pytest.mark.timeout(300)

MIB = 1 << 20
CALL, STEP, COPY, PAUSE = 1.0, 1.5, 3.0, 0.02


@dataclass(frozen=True, slots=True)
class Bench:
    engine: Engine
    context: Context
    volume: str

    def snapshot(self) -> Operation:
        return self.engine.snapshots.create(self.context, SnapshotRequest(self.volume, "s"))

    def look(self, operation: Operation) -> Operation:
        with self.engine.database.read() as tx:
            return operations.get(tx, operation.id)


class Copying(MemoryDriver):
    """Its copies take `COPY` seconds, report, and set `ended`; with `hangs` they stop half-way until `goes_on`."""

    hangs = False
    goes_on = threading.Event()
    ended = threading.Event()

    def snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        self._copying()
        return super().snapshot(placement, reference, snapshot)

    def clone(self, wanted: Wanted, placement: str, reference: Mapping[str, Any]) -> Allocated:
        self._copying()
        return super().clone(wanted, placement, reference)

    def revert(
        self, wanted: Wanted, placement: str, reference: Mapping[str, Any], snapshot: str, taken: Mapping[str, Any]
    ) -> Allocated:
        self._copying()
        return super().revert(wanted, placement, reference, snapshot, taken)

    def _copying(self) -> None:
        began = time.monotonic()
        while (gone := time.monotonic() - began) < COPY:
            if self.hangs and gone > COPY / 2:
                self.goes_on.wait(60)
                return
            report(gone / COPY)
            time.sleep(PAUSE)
        self.ended.set()


class Bounded:
    """Makes the driver as a server does, with little time for each call."""

    name, settings_schema = Copying.name, Copying.settings_schema

    def __new__(cls, setup: DriverSetup) -> Any:
        return bounded(alone(Copying(setup), set()), CALL, Bound(16))


@pytest.fixture
def copying(tmp_path: Path) -> Iterator[Bench]:
    """An engine whose calls and steps have less time than a copy takes, its administrator and a volume."""
    Copying.hangs = False
    Copying.goes_on.clear()
    database = Database(f"sqlite:///{tmp_path}/isthmus.db")
    metadata.create_all(database.engine)
    installation = Installation.begin(database, tmp_path)
    engine = installation.engine(driver=Bounded)
    flows = engine.parts.flows._flows
    for known, flow in list(flows.items()):
        flows[known] = replace(flow, steps=tuple(replace(step, deadline=STEP) for step in flow.steps))
    engine.start()
    try:
        context = installation.furnish(engine)
        made = done(engine, engine.volumes.create(context, VolumeRequest("v", size=MIB, profile="memory")))
        yield Bench(engine, context, str(made.resource))
    finally:
        Copying.goes_on.set()
        engine.stop(drain=1.0)
        database.close()


def test_a_snapshot_that_takes_long_is_taken_and_shows_how_far_it_is(copying: Bench) -> None:
    operation = copying.snapshot()
    until(lambda: 0.1 < copying.look(operation).progress < 0.5, 20)
    ended_well = done(copying.engine, operation)
    assert ended_well.attempts == 1


def test_a_clone_that_takes_long_is_made(copying: Bench) -> None:
    wanted = VolumeRequest("copy", profile="memory", source_volume=copying.volume)
    assert done(copying.engine, copying.engine.volumes.create(copying.context, wanted)).attempts == 1


def test_a_revert_that_takes_long_is_made(copying: Bench) -> None:
    engine, context = copying.engine, copying.context
    taken = str(done(engine, copying.snapshot()).resource)
    assert done(engine, engine.volumes.revert(context, copying.volume, taken)).attempts == 1


def test_a_copy_that_stops_half_way_is_turned_away_from_and_taken_back_when_it_can_be(copying: Bench) -> None:
    engine, context = copying.engine, copying.context
    Copying.hangs = True
    hung = ended(engine, copying.snapshot().id)
    assert hung.state is OperationState.NEEDS_ATTENTION and hung.undoing
    assert "an earlier call still works" in str(hung.error)
    Copying.goes_on.set()
    engine.operations.retry(context, hung.id)
    assert ended(engine, hung.id).state is OperationState.FAILED
    assert not engine.snapshots.list(context).items


def test_a_copy_is_stopped_when_its_operation_is_cancelled(copying: Bench) -> None:
    engine, context = copying.engine, copying.context
    Copying.ended.clear()
    wanted = VolumeRequest("copy", profile="memory", source_volume=copying.volume)
    operation = engine.volumes.create(context, wanted)
    until(lambda: copying.look(operation).progress > 0.05, 20)
    engine.operations.cancel(context, operation.id)
    assert ended(engine, operation.id).state is OperationState.CANCELLED
    assert not Copying.ended.is_set()
    assert [volume.name for volume in engine.volumes.list(context).items] == ["v"]
