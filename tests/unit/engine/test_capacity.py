"""What is promised and charged is what is there, to the byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from isthmus.core.errors import Failed, InUse, LimitExceeded, NoPlacement, Unavailable
from isthmus.core.model.operation import OperationState
from isthmus.core.model.request import AttachmentRequest, Changes, SnapshotRequest, VolumeRequest
from isthmus.core.model.volume import VolumeState
from isthmus.core.store import nouns
from tests.environment.engine import done, ended
from tests.unit.engine.bench import SIZE, Bench

EXCESS = 4096


def test_a_whole_life_comes_out_at_zero(bench: Bench) -> None:
    volume = bench.volume()
    snapshot = bench.snapshot(volume)
    done(bench.engine, bench.engine.volumes.extend(bench.root, volume, 2 * SIZE))
    second = bench.snapshot(volume, "second")
    done(bench.engine, bench.engine.volumes.revert(bench.root, volume, snapshot))
    copy = bench.volume("copy", size=0, source_snapshot=snapshot)
    clone = bench.volume("clone", size=3 * SIZE, source_volume=volume)
    promised = (2 * SIZE) + SIZE + (2 * SIZE) + SIZE + 3 * SIZE
    assert (bench.used(), bench.promised()) == ((3, promised), promised)
    assert bench.counts() == []
    done(bench.engine, bench.engine.snapshots.delete(bench.root, second))
    for made in (volume, copy, clone):
        done(bench.engine, bench.engine.volumes.delete(bench.root, made, with_snapshots=True))
    bench.nothing_left()


def test_what_the_back_end_made_beyond_is_promised_and_charged(bench: Bench) -> None:
    bench.driver.excess = EXCESS
    volume = bench.volume()
    assert bench.engine.volumes.get(bench.root, volume).size == SIZE + EXCESS
    assert (bench.used(), bench.promised()) == ((1, SIZE + EXCESS), SIZE + EXCESS)
    done(bench.engine, bench.engine.volumes.extend(bench.root, volume, 2 * SIZE))
    assert bench.engine.volumes.get(bench.root, volume).size == 2 * SIZE + EXCESS
    assert (bench.used(), bench.promised()) == ((1, 2 * SIZE + EXCESS), 2 * SIZE + EXCESS)
    assert bench.counts() == []
    done(bench.engine, bench.engine.volumes.delete(bench.root, volume))
    bench.nothing_left()


def test_what_the_back_end_made_beyond_the_limit_is_taken_back(bench: Bench) -> None:
    tenant = str(bench.root.tenant)
    bench.engine.tenants.set_limit(bench.root, tenant, None, max_volumes=None, max_bytes=SIZE)
    bench.driver.excess = EXCESS
    operation = bench.engine.volumes.create(bench.root, VolumeRequest("v", SIZE, profile="memory"))
    found = ended(bench.engine, operation.id)
    assert found.state is OperationState.FAILED
    assert found.error is not None and found.error["code"] == "limit_exceeded"
    bench.nothing_left()


def test_snapshots_stay_within_the_limit(bench: Bench) -> None:
    engine, root, volume = bench.engine, bench.root, bench.volume()
    engine.tenants.set_limit(root, str(root.tenant), "memory", max_volumes=None, max_bytes=2 * SIZE)
    first = bench.snapshot(volume)
    assert (bench.used(), bench.promised()) == ((1, 2 * SIZE), 2 * SIZE)
    for dry_run in (True, False):
        with pytest.raises(LimitExceeded) as refused:
            engine.snapshots.create(root, SnapshotRequest(volume, "second"), dry_run=dry_run)
        assert (refused.value.details["resource"], refused.value.details["used"]) == ("bytes", 2 * SIZE)
    assert (bench.used(), bench.promised()) == ((1, 2 * SIZE), 2 * SIZE)
    done(engine, engine.snapshots.delete(root, first))
    bench.fails("snapshot", Failed("the array is broken"))
    operation = engine.snapshots.create(root, SnapshotRequest(volume, "second"))
    assert ended(engine, operation.id).state is OperationState.FAILED
    bench.well()
    assert bench.used() == (1, SIZE)
    bench.snapshot(volume, "second")
    assert bench.counts() == []
    done(engine, engine.volumes.delete(root, volume, with_snapshots=True))
    bench.nothing_left()


def test_less_than_was_asked_for_is_no_volume(bench: Bench) -> None:
    bench.driver.excess = -EXCESS
    operation = bench.engine.volumes.create(bench.root, VolumeRequest("v", SIZE, profile="memory"))
    assert ended(bench.engine, operation.id).state is OperationState.FAILED
    bench.nothing_left()


def test_refused_requests_take_no_room_from_the_others(bench: Bench) -> None:
    tenant, total = str(bench.root.tenant), 1 << 40
    bench.engine.tenants.set_limit(bench.root, tenant, None, max_volumes=None, max_bytes=total // 2)
    for _ in range(30):
        with pytest.raises(LimitExceeded):
            bench.engine.volumes.create(bench.root, VolumeRequest("v", total - (1 << 38), profile="memory"))
    bench.engine.tenants.set_limit(bench.root, tenant, None, max_volumes=None, max_bytes=None)
    bench.volume(size=total - (1 << 38))


def test_dry_runs_are_refused_like_the_change_and_change_nothing(bench: Bench) -> None:
    volume, host = bench.volume(), bench.host()
    snapshot = bench.snapshot(volume)
    engine, root = bench.engine, bench.root
    versions = [engine.volumes.get(root, volume), engine.snapshots.get(root, snapshot), engine.hosts.get(root, host)]
    before = (bench.promised(), bench.used(), versions, operations(bench), promises(bench))
    planned = [
        engine.volumes.create(root, VolumeRequest("v", SIZE, profile="memory"), dry_run=True),
        engine.volumes.extend(root, volume, 2 * SIZE, dry_run=True),
        engine.volumes.revert(root, volume, snapshot, dry_run=True),
        engine.snapshots.create(root, SnapshotRequest(volume, "s"), dry_run=True),
        engine.snapshots.delete(root, snapshot, dry_run=True),
        engine.attachments.create(root, AttachmentRequest(volume, host), dry_run=True),
        engine.volumes.delete(root, volume, with_snapshots=True, dry_run=True),
    ]
    assert all(operation.plan is not None and operation.plan["steps"] for operation in planned)
    plan = planned[0].plan
    assert plan is not None and plan["room_before"] - plan["room_after"] == SIZE
    plan = planned[1].plan
    assert plan is not None and (plan["size"], plan["new_size"]) == (SIZE, 2 * SIZE)
    assert plan["room_before"] - plan["room_after"] == SIZE
    with pytest.raises(InUse):
        engine.volumes.delete(root, volume, dry_run=True)
    engine.tenants.set_limit(root, str(root.tenant), None, max_volumes=1, max_bytes=None)
    with pytest.raises(LimitExceeded):
        engine.volumes.create(root, VolumeRequest("v", SIZE, profile="memory"), dry_run=True)
    with pytest.raises(NoPlacement):
        engine.volumes.extend(root, volume, 1 << 50, dry_run=True)
    versions = [engine.volumes.get(root, volume), engine.snapshots.get(root, snapshot), engine.hosts.get(root, host)]
    assert (bench.promised(), bench.used(), versions, operations(bench), promises(bench)) == before


def test_an_extend_waits_for_copies_of_the_volume(bench: Bench) -> None:
    volume = bench.volume()
    come, go_on = bench.hangs("clone")
    copy = bench.engine.volumes.create(bench.root, VolumeRequest("copy", profile="memory", source_volume=volume))
    assert come.wait(10)
    with pytest.raises(Exception, match="being copied") as refused:
        bench.engine.volumes.extend(bench.root, volume, 2 * SIZE)
    assert refused.value.details["operation"] == copy.id  # type: ignore[attr-defined]
    go_on.set()
    done(bench.engine, copy)


def test_a_pool_without_a_protocol_takes_no_volume(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.driver, "protocols", lambda self: ())
    backend = bench.engine.backends.get(bench.root, "array")
    bench.engine.backends.test(bench.root, backend.id)
    with pytest.raises((NoPlacement, Exception)) as refused:
        bench.engine.volumes.create(bench.root, VolumeRequest("v", SIZE))
    assert type(refused.value).__name__ in ("NoPlacement", "NotOffered")
    assert bench.promised() == 0


def test_a_disabled_and_enabled_back_end_takes_volumes_again(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    volume = bench.volume()
    engine.backends.update(root, "array", Changes(enabled=False))
    with pytest.raises(NoPlacement):
        engine.volumes.create(root, VolumeRequest("v", SIZE, profile="memory"))
    assert engine.volumes.get(root, volume).state is VolumeState.AVAILABLE
    engine.measuring.measure_all(10.0)
    with engine.database.read() as tx:
        assert {pool.state.value for pool in nouns.pools.where(tx)} == {"disabled"}
    engine.backends.update(root, "array", Changes(enabled=True))
    bench.volume("again")


def test_what_is_on_a_disabled_back_end_grows_and_is_snapshotted_and_reverted(bench: Bench) -> None:
    engine, root, volume = bench.engine, bench.root, bench.volume()
    engine.backends.update(root, "array", Changes(enabled=False))
    snapshot = bench.snapshot(volume)
    done(engine, engine.volumes.extend(root, volume, 2 * SIZE))
    done(engine, engine.volumes.revert(root, volume, snapshot))
    assert bench.promised() == 3 * SIZE
    with pytest.raises(NoPlacement, match="no room for"):
        engine.volumes.extend(root, volume, 1 << 50)


def test_an_unavailable_pool_is_not_said_to_be_full(bench: Bench) -> None:
    engine, root, volume = bench.engine, bench.root, bench.volume()
    snapshot = bench.snapshot(volume)
    bench.fails("pools", Unavailable("the cable is out"))
    engine.measuring.measure_all(10.0)
    changes: tuple[Callable[[], object], ...] = (
        lambda: engine.volumes.extend(root, volume, 2 * SIZE),
        lambda: engine.volumes.revert(root, volume, snapshot),
        lambda: engine.snapshots.create(root, SnapshotRequest(volume, "second")),
    )
    for change in changes:
        with pytest.raises(Unavailable, match="is unavailable: the cable is out"):
            change()


def operations(bench: Bench) -> int:
    return len(bench.engine.operations.list(bench.root).items)


def promises(bench: Bench) -> dict[str, int]:
    """What the scheduler believes to be promised, in bytes by pool."""
    columns = bench.engine.parts.scheduler._columns
    return {pool: int(columns.provisioned[row]) for pool, row in columns.rows.items()}
