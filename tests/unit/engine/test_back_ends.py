"""Back ends that hang, die, come back, or are changed by another process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from isthmus.core.errors import Failed, Invalid, NoPlacement, NotFound, Overloaded, Unavailable
from isthmus.core.model.backend import Backend
from isthmus.core.model.operation import OperationState
from isthmus.core.model.pool import PoolState
from isthmus.core.model.request import BackendRequest, Changes, VolumeRequest
from isthmus.core.runtime import measuring
from isthmus.core.store import nouns
from isthmus.core.store.database import Database
from tests.environment.database import another
from tests.unit.engine.bench import SIZE, Bench, Troubled


def states(bench: Bench) -> set[tuple[str, str]]:
    with bench.engine.database.read() as tx:
        return {(pool.state.value, pool.reason) for pool in nouns.pools.where(tx)}


def test_one_that_is_down_keeps_nobody_from_starting(database: Database, tmp_path: Path) -> None:
    first = Bench.open(database, tmp_path)
    volume = first.volume()
    first.engine.stop(drain=1.0)
    first.fails("start", Unavailable("the cable is out"))
    engine = first.installation.engine(driver=first.driver)
    engine.start()
    again = Bench(first.installation, engine, first.root, first.driver)
    assert states(again) == {(PoolState.UNAVAILABLE.value, "the cable is out")}
    assert engine.volumes.get(first.root, volume).id == volume
    assert not [finding for finding in engine.ready() if finding.level == "error"]
    with pytest.raises(NoPlacement):
        engine.volumes.create(first.root, VolumeRequest("v", SIZE, profile="memory"))
    again.well()
    engine.measuring.measure_all(10.0)
    again.volume("after")
    again.close()


def test_what_is_to_be_done_stands_at_the_back_end_which_tenants_do_not_read(bench: Bench) -> None:
    bench.fails("pools", Failed("Its folder is away.", next_step="Mount /srv/images."))
    bench.engine.measuring.measure_all(10.0)
    assert states(bench) == {(PoolState.UNAVAILABLE.value, "Its folder is away.")}
    with bench.engine.database.read() as tx:
        (backend,) = nouns.backends.where(tx)
    assert backend.health_reason == "Its folder is away. Mount /srv/images."


def test_who_asks_is_told_of_the_present_whatever_was_being_measured_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures, joined = bench.engine.measuring, threading.Event()
    begin = measures._begin

    def watched(backend: Backend) -> tuple[threading.Thread, bool]:
        found = begin(backend)
        if not found[1]:
            joined.set()
        return found

    come, go_on = bench.hangs("pools")
    before = threading.Thread(target=measures.measure_all, args=(10.0,))
    before.start()
    assert come.wait(10)
    bench.fails("pools", Failed("Its folder is away."))
    monkeypatch.setattr(measures, "_begin", watched)
    asked = threading.Thread(target=measures.measure_all, args=(10.0,))
    asked.start()
    assert joined.wait(10)
    go_on.set()
    for each in (before, asked):
        each.join(15)
    assert states(bench) == {(PoolState.UNAVAILABLE.value, "Its folder is away.")}


def test_one_that_hangs_keeps_nobody_from_starting(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isthmus.core.engine.engine.PATIENCE", 0.3)
    monkeypatch.setattr(measuring, "LATE", 0.1)
    first = Bench.open(database, tmp_path)
    volume, host = first.volume(), first.host()
    first.attach(volume, host)
    first.engine.stop(drain=1.0)
    _, go_on = first.hangs("start")
    engine = first.installation.engine(driver=first.driver)
    engine.start()
    again = Bench(first.installation, engine, first.root, first.driver)
    assert {state for state, _ in states(again)} == {"unavailable"}
    go_on.set()
    engine.measuring.measure_all(10.0)
    assert {state for state, _ in states(again)} == {"available"}
    again.volume("after")
    again.close()


def test_one_that_hangs_does_not_hold_up_another(bench: Bench) -> None:
    live, come, go_on = bench.engine.parts.live, threading.Event(), threading.Event()
    slow = bench.engine.backends.add(bench.root, BackendRequest("slow", "memory")).id
    array = bench.engine.backends.get(bench.root, "array").id
    live.forget(slow)
    live.forget(array)

    def before(method: str) -> None:
        if method == "start" and not come.is_set():
            come.set()
            assert go_on.wait(30)

    bench.driver.before = staticmethod(before)
    hanging = threading.Thread(target=lambda: live.get(slow), daemon=True)
    hanging.start()
    assert come.wait(10)
    other = threading.Thread(target=lambda: live.get(array), daemon=True)
    other.start()
    other.join(5)
    assert not other.is_alive()
    go_on.set()
    hanging.join(10)


def test_what_another_process_disables_takes_nothing_and_comes_back(bench: Bench, database: Database) -> None:
    second = bench.installation.engine(database=another(database), driver=bench.driver, node="node1")
    try:
        second.measuring.measure_all(10.0)
        bench.engine.backends.update(bench.root, "array", Changes(enabled=False))
        second.measuring.measure_all(10.0)
        assert {state for state, _ in states(bench)} == {"disabled"}
        with pytest.raises(NoPlacement):
            second.volumes.create(bench.root, VolumeRequest("v", SIZE, profile="memory"))
        bench.engine.backends.update(bench.root, "array", Changes(enabled=True))
        second.measuring.measure_all(10.0)
        assert {state for state, _ in states(bench)} == {"available"}
    finally:
        second.parts.live.stop()
        second.database.close()


def test_what_another_process_removes_is_let_go_of(bench: Bench, database: Database) -> None:
    backend = bench.engine.backends.get(bench.root, "array")
    second = bench.installation.engine(database=another(database), driver=bench.driver)
    try:
        live = second.parts.live.get(backend.id)
        bench.engine.backends.remove(bench.root, backend.id)
        with second.database.read() as tx:
            assert nouns.backends.find(tx, backend.id) is None
        second.database.change(lambda tx: measuring.store_reports(tx, live, live.driver.pools()))
        assert states(bench) == set()
        second.measuring.measure_all(10.0)
        with pytest.raises(NotFound):
            second.parts.live.get(backend.id)
    finally:
        second.parts.live.stop()
        second.database.close()


class Secretive(Troubled):
    """Its schema can only say in whole what is wrong."""

    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"user": {"type": "string"}, "password": {"type": "string", "writeOnly": True}},
        "not": {"required": ["password"]},
    }


def test_a_refused_setting_does_not_repeat_a_secret(database: Database, tmp_path: Path) -> None:
    bench = Bench.open(database, tmp_path)
    factories: Any = bench.engine.parts.live._factories
    factories["secretive"] = Secretive
    with pytest.raises(Invalid) as refused:
        bench.engine.backends.add(
            bench.root, BackendRequest("b", "secretive", {"user": "u"}, {"password": "swordfish"})
        )
    assert "swordfish" not in str(refused.value.to_json())
    bench.close()


@pytest.fixture
def crowded(database: Database, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.open(database, tmp_path, threads=1, backlog=2)
    yield bench
    bench.close()


def test_beyond_the_backlog_nothing_is_written(crowded: Bench) -> None:
    come, go_on = crowded.hangs("create")
    accepted = []
    with pytest.raises(Overloaded) as refused:
        for number in range(10):
            wanted = VolumeRequest(f"v{number}", SIZE, profile="memory")
            accepted.append(crowded.engine.volumes.create(crowded.root, wanted))
            assert come.wait(10)
    assert refused.value.details["retry_after"] >= 1
    assert len(accepted) == 3
    assert len(crowded.engine.volumes.list(crowded.root).items) == 3
    assert crowded.promised() == 3 * SIZE
    go_on.set()
    for operation in accepted:
        assert crowded.engine.operations.wait(crowded.root, operation.id).state is OperationState.DONE


def test_waits_end_when_the_server_stops(bench: Bench) -> None:
    _, go_on = bench.hangs("create")
    operation = bench.engine.volumes.create(bench.root, VolumeRequest("v", SIZE, profile="memory"))
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(bench.engine.operations.wait(bench.root, operation.id)))
    waiting.start()
    time.sleep(0.2)
    bench.engine.dismiss()
    waiting.join(3)
    assert not waiting.is_alive()
    assert answers[0].state is OperationState.RUNNING
    go_on.set()
