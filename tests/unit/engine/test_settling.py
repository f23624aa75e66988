"""A volume with good data is available again after its extend or revert was given up, and counted to the byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from isthmus.core.drivers.contract import Wanted
from isthmus.core.errors import Conflict, Failed
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import AttachmentRequest, SnapshotRequest, VolumeRequest
from isthmus.core.model.snapshot import SnapshotState
from isthmus.core.model.volume import VolumeState
from tests.environment.engine import done
from tests.unit.engine.bench import SIZE, Bench, settled


def stuck_extend(bench: Bench, volume: str, *, grown: bool) -> Operation:
    """An extend that needs attention, before or after the object grew."""
    bench.impatient()
    at = ("inspect",) if grown else ("inspect", "extend")

    def broken(method: str) -> None:
        if method in at:
            raise Failed("the array is broken")

    bench.driver.before = staticmethod(broken)
    return bench.needs_attention(bench.engine.volumes.extend(bench.root, volume, 3 * SIZE))


def of_use(bench: Bench, volume: str) -> None:
    """It is attached, snapshotted, cloned and extended as any other."""
    attachment = bench.attach(volume, bench.host())
    bench.snapshot(volume, "later")
    bench.volume("clone", size=4 * SIZE, source_volume=volume)
    done(bench.engine, bench.engine.attachments.delete(bench.root, attachment))
    done(bench.engine, bench.engine.volumes.extend(bench.root, volume, 4 * SIZE))


@pytest.mark.parametrize("grown", [False, True])
def test_a_volume_whose_extend_was_given_up_is_of_use_again(bench: Bench, grown: bool) -> None:
    volume = bench.volume()
    operation = stuck_extend(bench, volume, grown=grown)
    bench.well()
    assert bench.engine.operations.abandon(bench.root, operation.id).state is OperationState.ABANDONED
    found = settled(bench, volume)
    size = 3 * SIZE if grown else SIZE
    assert (found.state, found.size, found.operation) == (VolumeState.AVAILABLE, size, None)
    assert (bench.used(), bench.promised()) == ((1, size), size)
    assert bench.counts() == []
    of_use(bench, volume)
    assert bench.counts() == []


def test_a_volume_whose_extend_hung_and_was_given_up_is_of_use_again(bench: Bench) -> None:
    volume = bench.volume()
    bench.deadline("volume.extend", 0.3)
    _, go_on = bench.hangs("extend")
    operation = bench.needs_attention(bench.engine.volumes.extend(bench.root, volume, 3 * SIZE))
    bench.engine.operations.abandon(bench.root, operation.id)
    # Whoever still works on it is waited for: what it does then is seen.
    go_on.set()
    bench.deadline("volume.extend", 60.0)
    bench.well()
    assert settled(bench, volume).size in (SIZE, 3 * SIZE)
    of_use(bench, volume)
    assert bench.counts() == []


@pytest.mark.parametrize("switched", [False, True])
def test_a_volume_whose_revert_was_given_up_is_of_use_again(bench: Bench, switched: bool) -> None:
    volume = bench.volume()
    snapshot = bench.snapshot(volume)
    bench.impatient()
    at = ("delete",) if switched else ("inspect", "delete")

    def broken(method: str) -> None:
        if method in at:
            raise Failed("the array is broken")

    bench.driver.before = staticmethod(broken)
    before = bench.engine.volumes.get(bench.root, volume).placement
    operation = bench.needs_attention(bench.engine.volumes.revert(bench.root, volume, snapshot))
    bench.well()
    bench.engine.operations.abandon(bench.root, operation.id)
    found = settled(bench, volume)
    assert (found.state, found.size) == (VolumeState.AVAILABLE, SIZE)
    assert (found.placement != before) is switched
    assert (bench.used(), bench.promised()) == ((1, 2 * SIZE), 2 * SIZE)
    assert bench.counts() == []
    of_use(bench, volume)
    done(bench.engine, bench.engine.volumes.revert(bench.root, volume, snapshot))
    assert bench.counts() == []


@pytest.mark.parametrize("step", ["delete", "inspect"])
def test_another_server_goes_on_with_it(bench: Bench, step: str) -> None:
    volume = bench.volume()
    snapshot = bench.snapshot(volume)
    bench.impatient()
    bench.fails("delete", Failed("the array is broken"))
    operation = bench.needs_attention(bench.engine.volumes.revert(bench.root, volume, snapshot))
    come, go_on = bench.hangs(step)
    bench.engine.operations.abandon(bench.root, operation.id)
    assert come.wait(10)
    killed, bench.engine = bench.engine, bench.installation.engine(driver=bench.driver)
    killed.parts.journal.kill(0.0)
    go_on.set()
    killed.kill()
    bench.well()
    bench.engine.start()
    assert settled(bench, volume).state is VolumeState.AVAILABLE
    assert (bench.used(), bench.promised()) == ((1, 2 * SIZE), 2 * SIZE)
    assert bench.counts() == []
    of_use(bench, volume)


def test_what_cannot_be_read_back_waits_for_a_person_until_it_can(bench: Bench) -> None:
    volume = bench.volume()
    operation = stuck_extend(bench, volume, grown=True)
    bench.engine.operations.abandon(bench.root, operation.id)
    settling = str(bench.engine.volumes.get(bench.root, volume).operation)
    bench.needs_attention(bench.engine.operations.get(bench.root, settling))
    known = bench.engine.volumes.get(bench.root, volume)
    assert (known.state, known.operation) == (VolumeState.ERROR, settling)
    bench.well()
    bench.engine.operations.retry(bench.root, settling)
    found = settled(bench, volume)
    assert (found.state, found.size) == (VolumeState.AVAILABLE, 3 * SIZE)
    assert bench.counts() == []


@pytest.mark.parametrize("what", ["gone", "smaller"])
def test_a_volume_that_lost_something_does_not_become_available(bench: Bench, what: str) -> None:
    volume = bench.volume(size=2 * SIZE)
    operation = stuck_extend(bench, volume, grown=False)
    bench.well()
    known = bench.engine.volumes.get(bench.root, volume)
    driver = bench.engine.parts.live.get(bench.engine.backends.get(bench.root, "array").id).driver
    driver.delete(str(known.placement), {})
    if what == "smaller":
        pool = bench.engine.pools.get(bench.root, str(known.pool)).name
        driver.create(Wanted(str(known.placement), pool, SIZE, True))
    bench.engine.operations.abandon(bench.root, operation.id)
    settling = str(bench.engine.volumes.get(bench.root, volume).operation)
    found = bench.needs_attention(bench.engine.operations.get(bench.root, settling))
    said = "no longer shows the volume" if what == "gone" else f"shows {SIZE} bytes instead of {2 * SIZE}"
    assert said in str(found.error)
    assert bench.engine.volumes.get(bench.root, volume).state is VolumeState.ERROR
    done(bench.engine, bench.engine.volumes.delete(bench.root, volume))
    bench.nothing_left()


def test_of_what_was_given_up_it_is_said_that_only_deleting_is_left(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    volume, host = bench.volume(), bench.host()
    bench.deadline("snapshot.create", 0.3)
    _, go_on = bench.hangs("snapshot")
    taken = engine.snapshots.create(root, SnapshotRequest(volume, "s"))
    bench.needs_attention(taken)
    go_on.set()
    bench.deadline("volume.create", 0.3)
    _, go_on = bench.hangs("create")
    made = engine.volumes.create(root, VolumeRequest("v", size=SIZE, profile="memory"))
    bench.needs_attention(made)
    go_on.set()
    bench.well()
    snapshot, broken = str(taken.resource), str(made.resource)

    def refusals() -> list[str]:
        said = []
        asked: tuple[Callable[[], Operation], ...] = (
            lambda: engine.attachments.create(root, AttachmentRequest(broken, host)),
            lambda: engine.volumes.create(root, VolumeRequest("c", source_volume=broken)),
            lambda: engine.volumes.create(root, VolumeRequest("c", source_snapshot=snapshot)),
            lambda: engine.volumes.revert(root, volume, snapshot),
        )
        for ask in asked:
            with pytest.raises(Conflict) as refused:
                ask()
            said.append(str(refused.value.next_step))
        return said

    assert all("retry or abandon it, or delete the" in line for line in refusals())
    for operation in (made, taken):
        engine.operations.abandon(root, operation.id)
    assert all(line.startswith("Delete the ") and "retry" not in line for line in refusals())
    advised = {f.cure for f in engine.doctor.examine(root) if f.check == "given up"}
    assert advised == {f"isthmus volume delete {broken}", f"isthmus snapshot delete {snapshot}"}
    assert engine.snapshots.get(root, snapshot).state is SnapshotState.ERROR
    done(engine, engine.snapshots.delete(root, snapshot))
    done(engine, engine.volumes.delete(root, broken))
    assert not [f for f in engine.doctor.examine(root) if f.check == "given up"]
