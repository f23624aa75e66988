"""What a driver promises that keeps snapshots while hosts write."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from isthmus.core.drivers.contract import Clones, LiveSnapshots

from .bench import MIB, Lab, Suite, Volume, pattern
from .driver import SUITES
from .publishes import DriverExports

FIRST, SECOND, BLOCK = 0, 3 * MIB, 4096


class LiveSnapshotsSuite(Suite):
    @pytest.fixture
    def attached(self, lab: Lab) -> Iterator[DriverExports]:
        if not isinstance(lab.driver, LiveSnapshots):
            pytest.skip(f"driver {lab.driver.name} keeps no live snapshots here")
        exports = DriverExports(lab)
        try:
            yield exports
        finally:
            exports.withdraw_all()

    def test_the_content_is_that_of_one_moment_between_two_writes(self, lab: Lab, attached: DriverExports) -> None:
        driver = _live(lab)
        volume, export = attached.volume_and_export()
        grant, connection = attached.grant(export)
        with attached.client(connection, grant) as client:
            failures: list[Exception] = []
            done = threading.Event()

            def write_pairs() -> None:
                number = 0
                try:
                    while not done.is_set():
                        number += 1
                        for offset in (FIRST, SECOND):
                            client.write(offset, number.to_bytes(8, "big") * (BLOCK // 8))
                except Exception as failure:
                    failures.append(failure)

            writer = threading.Thread(target=write_pairs)
            writer.start()
            try:
                kept = [
                    lab.kept(driver.live_snapshot(volume.placement, volume.reference, lab.snapshot_id()))
                    for _ in range(5)
                ]
            finally:
                done.set()
                writer.join()
            assert not failures
        attached.publisher.withdraw(export, grant.attachment)
        seen = []
        for snapshot in kept:
            first = lab.content(volume, snapshot, FIRST, BLOCK)
            second = lab.content(volume, snapshot, SECOND, BLOCK)
            numbers = int.from_bytes(first[:8], "big"), int.from_bytes(second[:8], "big")
            assert first == first[:8] * (BLOCK // 8) and second == second[:8] * (BLOCK // 8), "a torn block"
            assert numbers[0] - numbers[1] in (0, 1), f"writes are out of order in the snapshot: {numbers}"
            seen.append(numbers[0])
        assert seen == sorted(seen)

    def test_taking_a_live_snapshot_again_keeps_the_first_content(self, lab: Lab, attached: DriverExports) -> None:
        driver = _live(lab)
        volume, export = attached.volume_and_export()
        grant, connection = attached.grant(export)
        with attached.client(connection, grant) as client:
            client.write(0, pattern(1, BLOCK))
            kept = lab.kept(driver.live_snapshot(volume.placement, volume.reference, lab.snapshot_id()))
            client.write(0, pattern(2, BLOCK))
            other = lab.another()
            assert isinstance(other, LiveSnapshots)
            for again in (driver, other):
                assert again.live_snapshot(volume.placement, {}, kept.id).size == kept.size
            client.write(0, pattern(3, BLOCK))
            assert client.read(0, BLOCK) == pattern(3, BLOCK)
        attached.publisher.withdraw(export, grant.attachment)
        assert lab.content(volume, kept, 0, BLOCK) == pattern(1, BLOCK)
        assert lab.read(volume, 0, BLOCK) == pattern(3, BLOCK)

    def test_deleting_live_snapshots_disturbs_no_host(self, lab: Lab, attached: DriverExports) -> None:
        driver = _live(lab)
        volume, export = attached.volume_and_export()
        grant, connection = attached.grant(export)
        with attached.client(connection, grant) as client:
            kept = []
            for number in range(3):
                client.write(number * BLOCK, pattern(number, BLOCK))
                kept.append(lab.kept(driver.live_snapshot(volume.placement, volume.reference, lab.snapshot_id())))
            for number in (1, 0):
                lab.driver.delete_snapshot(kept[number].id, kept[number].reference)  # type: ignore[attr-defined]
                client.write(8 * BLOCK, pattern(number, BLOCK))
            whole = b"".join(pattern(number, BLOCK) for number in range(3))
            assert client.read(0, 3 * BLOCK) == whole
        attached.publisher.withdraw(export, grant.attachment)
        assert lab.content(volume, kept[2], 0, 3 * BLOCK) == whole

    def test_an_attached_volume_is_cloned(self, lab: Lab, attached: DriverExports) -> None:
        if not isinstance(lab.driver, Clones):
            pytest.skip(f"driver {lab.driver.name} does not clone here")
        volume, export = attached.volume_and_export()
        grant, connection = attached.grant(export)
        with attached.client(connection, grant) as client:
            client.write(0, pattern(1, BLOCK))
            wanted = lab.wanted(volume.size)
            copy: Volume = lab.volume(wanted, lab.driver.clone(wanted, volume.placement, volume.reference))
            client.write(0, pattern(2, BLOCK))
            assert client.read(0, BLOCK) == pattern(2, BLOCK)
        assert lab.read(copy, 0, BLOCK) == pattern(1, BLOCK)

    def test_live_snapshot_is_finished_by_a_second_call_after_a_kill(self, lab: Lab, attached: DriverExports) -> None:
        volume, export = attached.volume_and_export()
        grant, connection = attached.grant(export)
        with attached.client(connection, grant) as client:
            client.write(0, pattern(1, BLOCK))

            def fresh() -> tuple[str, dict[str, object], str]:
                return volume.placement, dict(volume.reference), lab.snapshot_id()

            kept = []
            for number, (placement, _, snapshot) in enumerate(lab.killed("live_snapshot", fresh)):
                other = lab.another()
                assert isinstance(other, LiveSnapshots)
                kept.append(lab.kept(other.live_snapshot(placement, {}, snapshot)))
                client.write(BLOCK, pattern(number, BLOCK))
                assert client.read(0, 2 * BLOCK) == pattern(1, BLOCK) + pattern(number, BLOCK)
        attached.publisher.withdraw(export, grant.attachment)
        for snapshot_ in kept:
            assert lab.content(volume, snapshot_, 0, BLOCK) == pattern(1, BLOCK)


def _live(lab: Lab) -> LiveSnapshots:
    assert isinstance(lab.driver, LiveSnapshots)
    return lab.driver


SUITES["live_snapshot"] = LiveSnapshotsSuite
