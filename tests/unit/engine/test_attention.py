"""What an operation leaves in error can be left by retry, by abandon and by delete, and is counted to the byte."""

from __future__ import annotations

import pytest

from isthmus.core.errors import Failed, NotFound, Occupied
from isthmus.core.model.attachment import AttachmentState
from isthmus.core.model.request import AttachmentRequest, SnapshotRequest, VolumeRequest
from isthmus.core.model.snapshot import SnapshotState
from isthmus.core.model.volume import VolumeState
from tests.environment.engine import done, ended
from tests.unit.engine.bench import SIZE, Bench, settled


def hang(bench: Bench, kind: str, method: str) -> None:
    """The next operation of this kind needs attention, since its call of the driver never comes back."""
    bench.deadline(kind, 0.3)
    bench.hangs(method)


def released(bench: Bench, kind: str) -> None:
    bench.deadline(kind, 60.0)
    bench.well()


def test_a_retried_create_ends_available(bench: Bench) -> None:
    bench.deadline("volume.create", 0.3)
    _, go_on = bench.hangs("create")
    operation = bench.engine.volumes.create(bench.root, VolumeRequest("v", size=SIZE, profile="memory"))
    bench.needs_attention(operation)
    volume = bench.engine.volumes.get(bench.root, str(operation.resource))
    assert (volume.state, volume.operation) == (VolumeState.ERROR, operation.id)
    go_on.set()
    released(bench, "volume.create")
    bench.engine.operations.retry(bench.root, operation.id)
    done(bench.engine, operation)
    assert bench.engine.volumes.get(bench.root, volume.id).state is VolumeState.AVAILABLE
    assert bench.counts() == []


def test_what_is_being_retried_is_in_its_transient_state_and_cannot_be_deleted_meanwhile(bench: Bench) -> None:
    bench.deadline("volume.create", 0.3)
    _, first = bench.hangs("create")
    operation = bench.engine.volumes.create(bench.root, VolumeRequest("v", size=SIZE, profile="memory"))
    bench.needs_attention(operation)
    first.set()
    bench.deadline("volume.create", 60.0)
    come, go_on = bench.hangs("inspect")
    bench.engine.operations.retry(bench.root, operation.id)
    assert come.wait(10)
    assert bench.engine.volumes.get(bench.root, str(operation.resource)).state is VolumeState.CREATING
    with pytest.raises(Occupied) as refused:
        bench.engine.volumes.delete(bench.root, str(operation.resource))
    assert refused.value.details["operation"] == operation.id
    go_on.set()
    done(bench.engine, operation)


@pytest.mark.parametrize("way", ["retry", "abandon", "delete"])
def test_a_create_that_cannot_be_undone_leaves_nothing_behind(bench: Bench, way: str) -> None:
    bench.impatient()

    def broken(method: str) -> None:
        if method in ("inspect", "delete"):
            raise Failed("the array is broken")

    bench.driver.before = staticmethod(broken)
    operation = bench.engine.volumes.create(bench.root, VolumeRequest("v", size=SIZE, profile="memory"))
    bench.needs_attention(operation)
    bench.well()
    volume = str(operation.resource)
    if way == "retry":
        bench.engine.operations.retry(bench.root, operation.id)
        assert ended(bench.engine, operation.id).error == {"code": "storage_failed", "message": "the array is broken"}
    else:
        if way == "abandon":
            bench.engine.operations.abandon(bench.root, operation.id)
            assert bench.engine.volumes.get(bench.root, volume).state is VolumeState.ERROR
        done(bench.engine, bench.engine.volumes.delete(bench.root, volume))
    with pytest.raises(NotFound):
        bench.engine.volumes.get(bench.root, volume)
    bench.nothing_left()


@pytest.mark.parametrize("grown", [False, True])
@pytest.mark.parametrize("way", ["retry", "abandon", "delete"])
def test_an_extend_that_needs_attention_is_counted_to_the_byte(bench: Bench, way: str, grown: bool) -> None:
    volume = bench.volume()
    bench.impatient()
    calls: list[str] = []

    def broken(method: str) -> None:
        calls.append(method)
        if method == "inspect" or (method == "extend" and not grown):
            raise Failed("the array is broken")

    bench.driver.before = staticmethod(broken)
    operation = bench.engine.volumes.extend(bench.root, volume, 3 * SIZE)
    bench.needs_attention(operation)
    bench.well()
    assert bench.counts() == []
    if way == "retry":
        bench.engine.operations.retry(bench.root, operation.id)
        ended(bench.engine, operation.id)
        found = bench.engine.volumes.get(bench.root, volume)
        assert (found.state, found.size) == (VolumeState.AVAILABLE, 3 * SIZE if grown else SIZE)
        assert bench.used() == (1, found.size)
        assert bench.promised() == found.size
    elif way == "abandon":
        bench.engine.operations.abandon(bench.root, operation.id)
        settled(bench, volume)
    assert bench.counts() == []
    done(bench.engine, bench.engine.volumes.delete(bench.root, volume))
    bench.nothing_left()


@pytest.mark.parametrize("step", ["before the switch", "after the switch"])
@pytest.mark.parametrize("way", ["retry", "abandon", "delete"])
def test_a_revert_that_needs_attention_leaves_no_placement_behind(bench: Bench, way: str, step: str) -> None:
    volume = bench.volume()
    snapshot = bench.snapshot(volume)
    bench.impatient()
    if step == "before the switch":

        def broken(method: str) -> None:
            if method in ("inspect", "delete"):
                raise Failed("the array is broken")

        bench.driver.before = staticmethod(broken)
    else:
        bench.fails("delete", Failed("the array is broken"))
    operation = bench.engine.volumes.revert(bench.root, volume, snapshot)
    bench.needs_attention(operation)
    bench.well()
    assert [line for line in bench.counts() if "back end" not in line] == []
    if way == "retry":
        bench.engine.operations.retry(bench.root, operation.id)
        ended(bench.engine, operation.id)
        assert bench.engine.volumes.get(bench.root, volume).state is VolumeState.AVAILABLE
        assert bench.promised() == 2 * SIZE
    elif way == "abandon":
        bench.engine.operations.abandon(bench.root, operation.id)
        settled(bench, volume)
    done(bench.engine, bench.engine.volumes.delete(bench.root, volume, with_snapshots=True))
    bench.nothing_left()


@pytest.mark.parametrize("broken", ["delete_snapshot", "delete"])
@pytest.mark.parametrize("way", ["retry", "abandon", "delete"])
def test_a_delete_with_snapshots_that_needs_attention_can_be_finished(bench: Bench, way: str, broken: str) -> None:
    volume = bench.volume()
    snapshot = bench.snapshot(volume)
    bench.impatient()
    bench.fails(broken, Failed("the array is broken"))
    operation = bench.engine.volumes.delete(bench.root, volume, with_snapshots=True)
    bench.needs_attention(operation)
    bench.well()
    assert bench.engine.snapshots.get(bench.root, snapshot).state is SnapshotState.ERROR
    assert [line for line in bench.counts() if "back end" not in line] == []
    if way == "retry":
        bench.engine.operations.retry(bench.root, operation.id)
        done(bench.engine, operation)
    else:
        if way == "abandon":
            bench.engine.operations.abandon(bench.root, operation.id)
        done(bench.engine, bench.engine.volumes.delete(bench.root, volume, with_snapshots=True))
    bench.nothing_left()


@pytest.mark.parametrize("way", ["retry", "abandon", "delete"])
def test_a_snapshot_in_error_can_be_left(bench: Bench, way: str) -> None:
    volume = bench.volume()
    bench.deadline("snapshot.create", 0.3)
    _, go_on = bench.hangs("snapshot")
    operation = bench.engine.snapshots.create(bench.root, SnapshotRequest(volume, "s"))
    bench.needs_attention(operation)
    go_on.set()
    released(bench, "snapshot.create")
    snapshot = str(operation.resource)
    assert bench.engine.snapshots.get(bench.root, snapshot).operation == operation.id
    if way == "retry":
        bench.engine.operations.retry(bench.root, operation.id)
        done(bench.engine, operation)
        assert bench.engine.snapshots.get(bench.root, snapshot).state is SnapshotState.AVAILABLE
    elif way == "abandon":
        bench.engine.operations.abandon(bench.root, operation.id)
    done(bench.engine, bench.engine.snapshots.delete(bench.root, snapshot))
    assert bench.promised() == SIZE
    done(bench.engine, bench.engine.volumes.delete(bench.root, volume))
    bench.nothing_left()


@pytest.mark.parametrize("way", ["retry", "abandon", "delete"])
@pytest.mark.parametrize("kind", ["attachment.create", "attachment.delete"])
def test_an_attachment_in_error_can_be_left(bench: Bench, way: str, kind: str) -> None:
    volume, host = bench.volume(), bench.host()
    attachment = bench.attach(volume, host) if kind == "attachment.delete" else None
    bench.deadline(kind, 0.3)
    _, go_on = bench.hangs("withdraw" if attachment else "grant")
    if attachment is None:
        operation = bench.engine.attachments.create(bench.root, AttachmentRequest(volume, host))
    else:
        operation = bench.engine.attachments.delete(bench.root, attachment)
    bench.needs_attention(operation)
    go_on.set()
    released(bench, kind)
    attachment = str(operation.resource)
    assert bench.engine.attachments.get(bench.root, attachment).state is AttachmentState.ERROR
    if way == "retry":
        bench.engine.operations.retry(bench.root, operation.id)
        done(bench.engine, operation)
        if kind == "attachment.create":
            assert bench.engine.attachments.get(bench.root, attachment).state is AttachmentState.ATTACHED
            done(bench.engine, bench.engine.attachments.delete(bench.root, attachment))
    else:
        if way == "abandon":
            bench.engine.operations.abandon(bench.root, operation.id)
        done(bench.engine, bench.engine.attachments.delete(bench.root, attachment))
    assert list(bench.engine.attachments.list(bench.root).items) == []
    done(bench.engine, bench.engine.volumes.delete(bench.root, volume))
    bench.nothing_left()
