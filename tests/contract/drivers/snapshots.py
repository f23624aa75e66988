"""What a driver promises that keeps snapshots of detached objects."""

from __future__ import annotations

import uuid

import pytest

from isthmus.core.drivers.contract import Extends, Item, Snapshots
from isthmus.core.errors import StorageError

from ..patience import eventually
from .bench import MIB, Lab, Suite, pattern
from .driver import SUITES


class SnapshotsSuite(Suite):
    def test_a_snapshot_keeps_the_content_of_its_moment(self, lab: Lab) -> None:
        _keeping(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 8192))
        first = lab.take(volume)
        lab.write(volume, 4096, pattern(2, 8192))
        second = lab.take(volume)
        lab.write(volume, 0, pattern(3, 4096))
        assert lab.content(volume, first, 0, 16384) == pattern(1, 8192) + bytes(8192)
        assert lab.content(volume, second, 0, 12288) == pattern(1, 8192)[:4096] + pattern(2, 8192)
        assert lab.read(volume, 0, 12288) == pattern(3, 4096) + pattern(2, 8192)

    def test_taking_it_again_keeps_the_first_content(self, lab: Lab) -> None:
        driver = _keeping(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        first = lab.take(volume)
        lab.write(volume, 0, pattern(2, 4096))
        assert driver.snapshot(volume.placement, volume.reference, first.id).snapshot == first.id
        other = lab.another()
        assert isinstance(other, Snapshots)
        assert other.snapshot(volume.placement, {}, first.id).size == first.size
        assert lab.content(volume, first, 0, 4096) == pattern(1, 4096)

    def test_a_snapshot_is_read_back_without_its_reference(self, lab: Lab) -> None:
        driver = _keeping(lab)
        assert driver.inspect_snapshot(str(uuid.uuid4()), {}) is None
        kept = lab.take(lab.create())
        other = lab.another()
        assert isinstance(other, Snapshots)
        found = other.inspect_snapshot(kept.id, {})
        assert found is not None and (found.snapshot, found.size) == (kept.id, kept.size)

    def test_a_snapshot_has_the_size_of_its_moment(self, lab: Lab) -> None:
        _keeping(lab)
        if not isinstance(lab.driver, Extends):
            pytest.skip(f"driver {lab.driver.name} does not extend here")
        volume = lab.create()
        kept = lab.take(volume)
        assert kept.size == volume.size
        lab.driver.extend(volume.placement, volume.reference, lab.rounded(volume.size * 2))
        found = lab.driver.inspect_snapshot(kept.id, kept.reference)  # type: ignore[attr-defined]
        assert found.size == volume.size
        assert lab.take(volume).size == lab.rounded(volume.size * 2)

    def test_snapshots_are_in_the_inventory(self, lab: Lab) -> None:
        driver = _keeping(lab)
        volume = lab.create()
        first, second = lab.take(volume), lab.take(volume)
        assert lab.items() == {
            Item("volume", volume.placement, volume.pool, volume.size),
            Item("snapshot", first.id, volume.pool, first.size),
            Item("snapshot", second.id, volume.pool, second.size),
        }
        driver.delete_snapshot(first.id, first.reference)
        assert {item.id for item in lab.items()} == {volume.placement, second.id}

    def test_deleting_one_leaves_the_others_and_the_volume(self, lab: Lab) -> None:
        driver = _keeping(lab)
        volume = lab.create()
        kept = []
        for number in range(4):
            lab.write(volume, number * 4096, pattern(number, 4096))
            kept.append(lab.take(volume))
        for number in (1, 3, 0):
            driver.delete_snapshot(kept[number].id, kept[number].reference)
            assert driver.inspect_snapshot(kept[number].id, {}) is None
        whole = b"".join(pattern(number, 4096) for number in range(4))
        assert lab.read(volume, 0, 16384) == whole
        assert lab.content(volume, kept[2], 0, 16384) == whole[:12288] + bytes(4096)

    def test_deleting_what_is_absent_succeeds(self, lab: Lab) -> None:
        driver = _keeping(lab)
        driver.delete_snapshot(str(uuid.uuid4()), {})
        kept = lab.take(lab.create())
        driver.delete_snapshot(kept.id, kept.reference)
        driver.delete_snapshot(kept.id, kept.reference)
        other = lab.another()
        assert isinstance(other, Snapshots)
        other.delete_snapshot(kept.id, {})

    def test_snapshots_outlive_their_volume(self, lab: Lab) -> None:
        driver = _keeping(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        first = lab.take(volume)
        lab.write(volume, 0, pattern(2, 4096))
        second = lab.take(volume)
        lab.write(volume, 0, pattern(3, 4096))
        another = lab.another()
        another.delete(volume.placement, {})
        assert another.inspect(volume.placement, {}) is None
        assert {item.id for item in lab.items()} == {first.id, second.id}
        assert lab.content(volume, second, 0, 4096) == pattern(2, 4096)
        driver.delete_snapshot(second.id, second.reference)
        assert lab.content(volume, first, 0, 4096) == pattern(1, 4096)

    def test_a_snapshot_of_what_is_absent_is_an_error(self, lab: Lab) -> None:
        with pytest.raises(StorageError):
            _keeping(lab).snapshot(str(uuid.uuid4()), {}, lab.snapshot_id())
        assert lab.items() == set()

    def test_room_is_taken_by_what_differs_and_given_back(self, lab: Lab) -> None:
        driver = _keeping(lab)
        before = lab.report().ours
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 2 * MIB))
        kept = lab.take(volume)
        lab.write(volume, 0, pattern(2, 2 * MIB))
        eventually(lambda: lab.report().ours - before >= 4 * MIB, "volume and snapshot are counted as ours")
        driver.delete_snapshot(kept.id, kept.reference)
        lab.driver.delete(volume.placement, volume.reference)
        eventually(lambda: lab.report().ours <= before, "the pool has the room again")

    def test_snapshot_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        _keeping(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))

        def fresh() -> tuple[str, dict[str, object], str]:
            return volume.placement, dict(volume.reference), lab.snapshot_id()

        for number, (placement, _, snapshot) in enumerate(lab.killed("snapshot", fresh)):
            other = lab.another()
            assert isinstance(other, Snapshots)
            kept = lab.kept(other.snapshot(placement, {}, snapshot))
            lab.write(volume, 4096, pattern(number, 4096))
            assert lab.content(volume, kept, 0, 4096) == pattern(1, 4096)
            assert lab.read(volume, 0, 8192) == pattern(1, 4096) + pattern(number, 4096)
            assert snapshot in {item.id for item in lab.items()}

    def test_snapshot_is_undone_by_delete_after_a_kill(self, lab: Lab) -> None:
        _keeping(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))

        def fresh() -> tuple[str, dict[str, object], str]:
            return volume.placement, dict(volume.reference), lab.snapshot_id()

        for _, _, snapshot in lab.killed("snapshot", fresh):
            other = lab.another()
            assert isinstance(other, Snapshots)
            other.delete_snapshot(snapshot, {})
            assert other.inspect_snapshot(snapshot, {}) is None
            assert snapshot not in {item.id for item in lab.items()}
            assert lab.read(volume, 0, 4096) == pattern(1, 4096)
            lab.write(volume, 4096, pattern(2, 4096))

    def test_deleting_a_snapshot_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        _keeping(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        oldest = lab.take(volume)

        def fresh() -> tuple[str, dict[str, object]]:
            lab.write(volume, 0, pattern(2, 4096))
            kept = lab.take(volume)
            lab.write(volume, 0, pattern(3, 4096))
            return kept.id, dict(kept.reference)

        for snapshot, _ in lab.killed("delete_snapshot", fresh):
            other = lab.another()
            assert isinstance(other, Snapshots)
            other.delete_snapshot(snapshot, {})
            assert other.inspect_snapshot(snapshot, {}) is None
            assert lab.read(volume, 0, 4096) == pattern(3, 4096)
        assert lab.content(volume, oldest, 0, 4096) == pattern(1, 4096)


def _keeping(lab: Lab) -> Snapshots:
    if not isinstance(lab.driver, Snapshots):
        pytest.skip(f"driver {lab.driver.name} keeps no snapshots here")
    return lab.driver


SUITES["snapshot"] = SnapshotsSuite
