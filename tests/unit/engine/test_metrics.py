"""What is measured of volumes and pools: true, quick, and for those alone who may read the thing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from isthmus.core.drivers.contract import Metered
from isthmus.core.drivers.memory import MemoryClient
from isthmus.core.errors import Failed, NotFound, StorageError, Transient
from isthmus.core.model.identity import now
from isthmus.core.telemetry import metering
from isthmus.core.telemetry.metering import MOST_HUNG
from tests.environment.engine import done
from tests.unit.engine.bench import SIZE, Bench


@pytest.fixture
def impatient(bench: Bench) -> Iterator[Bench]:
    """Measurements take half a second at most."""
    bench.engine.metrics._metering._patience = 0.5
    yield bench


def _metered(bench: Bench, meter: Callable[..., Any]) -> None:
    bench.driver.meter = meter  # type: ignore[method-assign]


def test_a_volume_is_measured_where_it_is(bench: Bench) -> None:
    volume = bench.volume()
    began = now()
    fresh = bench.engine.metrics.volume(bench.root, volume)
    assert (fresh.resource_type, fresh.resource, fresh.allocated_bytes) == ("volume", volume, 0)
    assert began <= fresh.at <= now()
    assert (fresh.total_bytes, fresh.used_bytes, fresh.provisioned_bytes) == (None, None, None)
    attachment = bench.attach(volume, bench.host())
    client = MemoryClient(bench.engine.attachments.connection(bench.root, attachment))
    client.write(0, b"x" * 8192)
    client.read(0, 4096)
    client.close()
    found = bench.engine.metrics.volume(bench.root, volume)
    assert found.allocated_bytes == 8192
    assert (found.written_operations, found.written_bytes) == (1, 8192)
    assert (found.read_operations, found.read_bytes) == (1, 4096)
    assert found.series and found.series == fresh.series
    assert found.since is not None and found.since < fresh.at


def test_a_reverted_volume_counts_in_another_series(bench: Bench) -> None:
    volume = bench.volume()
    snapshot = bench.snapshot(volume)
    before = bench.engine.metrics.volume(bench.root, volume)
    done(bench.engine, bench.engine.volumes.revert(bench.root, volume, snapshot))
    assert bench.engine.metrics.volume(bench.root, volume).series != before.series


def test_a_pool_is_measured_now_and_says_what_is_promised(bench: Bench) -> None:
    volume = bench.volume(size=4 * SIZE)
    pool = bench.engine.volumes.get(bench.root, volume).pool
    assert pool is not None
    found = bench.engine.metrics.pool(bench.root, pool)
    assert (found.resource_type, found.resource) == ("pool", pool)
    assert (found.total_bytes, found.used_bytes, found.allocated_bytes) == (1 << 40, 0, 0)
    assert found.provisioned_bytes == 4 * SIZE
    assert (found.read_operations, found.written_bytes, found.series, found.since) == (None, None, None, None)


def test_who_may_not_read_it_learns_nothing(bench: Bench) -> None:
    volume = bench.volume()
    stranger = bench.tenant("strangers", "member")
    with pytest.raises(NotFound) as foreign:
        bench.engine.metrics.volume(stranger, volume)
    with pytest.raises(NotFound) as absent:
        bench.engine.metrics.volume(stranger, "6f1c2a52-0000-4000-8000-000000000000")
    assert str(foreign.value).replace(volume, "ID") == str(absent.value).replace(
        "6f1c2a52-0000-4000-8000-000000000000", "ID"
    )
    pool = bench.engine.pools.list(bench.root).items[0].id
    assert bench.engine.metrics.pool(bench.tenant("readers", "reader"), pool).total_bytes == 1 << 40


def test_what_the_driver_does_not_measure_is_none_and_no_zero(bench: Bench) -> None:
    volume = bench.volume()
    _metered(bench, lambda self, placement, reference: Metered())
    found = bench.engine.metrics.volume(bench.root, volume)
    assert (found.allocated_bytes, found.read_operations, found.written_bytes, found.series) == (None,) * 4


def test_what_is_gone_from_the_back_end_is_an_error(bench: Bench) -> None:
    volume = bench.volume()
    _metered(bench, lambda self, placement, reference: None)
    with pytest.raises(Failed, match="nothing of volume"):
        bench.engine.metrics.volume(bench.root, volume)


def test_a_back_end_that_hangs_costs_its_callers_a_moment_and_others_nothing(impatient: Bench) -> None:
    bench, come, go_on = impatient, threading.Event(), threading.Event()
    volume = bench.volume()

    def hang(self: Any, placement: str, reference: Any) -> Metered:
        come.set()
        assert go_on.wait(30)
        return Metered(1)

    _metered(bench, hang)
    try:
        for _ in range(MOST_HUNG):
            with pytest.raises(Transient, match=r"did not end within 0\.5 s") as told:
                bench.engine.metrics.volume(bench.root, volume)
        assert told.value.next_step and come.is_set()
        with pytest.raises(Transient, match="hang on the back end"):
            bench.engine.metrics.volume(bench.root, volume)
        assert bench.volume("made meanwhile"), "the back end's other calls go on"
    finally:
        go_on.set()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            assert bench.engine.metrics.volume(bench.root, volume).allocated_bytes == 1
            break
        except Transient:
            time.sleep(0.02)
    else:
        pytest.fail("it is not measured again")


def test_pools_that_hang_are_an_error_and_are_asked_once_at_a_time(impatient: Bench) -> None:
    bench, calls = impatient, []
    pool = bench.engine.pools.list(bench.root).items[0].id
    _, go_on = bench.hangs("pools")
    hanging = bench.driver.before
    bench.driver.before = staticmethod(lambda method: (calls.append(method), hanging(method)))  # type: ignore
    told: list[Exception] = []

    def ask() -> None:
        try:
            bench.engine.metrics.pool(bench.root, pool)
        except StorageError as error:
            told.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(told) == 6 and all("did not end within" in str(error) for error in told)
        assert calls.count("pools") <= MOST_HUNG
    finally:
        go_on.set()


def test_a_report_of_pools_is_shared_while_it_is_fresh(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "FRESH", 3600.0)
    pools = [pool.id for pool in bench.engine.pools.list(bench.root).items]
    moments = {bench.engine.metrics.pool(bench.root, pool).at for pool in pools for _ in range(3)}
    assert len(pools) == 2 and len(moments) == 1
