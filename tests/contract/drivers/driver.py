"""What every driver promises."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from isthmus.core.drivers.contract import ABILITIES, Driver, Item, Wanted, abilities
from isthmus.core.errors import Refused, StorageError

from ..patience import eventually
from .bench import MIB, Bench, Lab, Suite, Volume, pattern

SUITES: dict[str, type[Suite]] = {}
"""The suite of each ability; every suite's module enters its own."""


class DriverSuite(Suite):
    def test_is_a_driver_with_a_schema_of_its_settings(self, lab: Lab) -> None:
        assert isinstance(lab.driver, Driver)
        assert lab.driver.name
        Draft202012Validator.check_schema(dict(lab.driver.settings_schema))

    def test_every_ability_is_tried(self, lab: Lab) -> None:
        tried = {name for name, suite in SUITES.items() if isinstance(self, suite)}
        assert set(abilities(lab.driver)) <= tried | (set(ABILITIES) - set(SUITES))

    def test_start_and_stop_are_idempotent_and_objects_stay(self, lab: Lab) -> None:
        volume = lab.create()
        driver = lab.another()
        driver.start()
        driver.stop()
        driver.stop()
        driver.start()
        found = driver.inspect(volume.placement, volume.reference)
        assert found is not None and found.size == volume.size

    def test_check_passes_and_changes_nothing(self, lab: Lab) -> None:
        lab.create()
        # What others do on the same storage meanwhile shows in `used`.
        before = lab.items(), replace(lab.report(), used=0)
        lab.driver.check()
        assert (lab.items(), replace(lab.report(), used=0)) == before

    def test_pools_are_plausible(self, lab: Lab, bench: Bench) -> None:
        reports = list(lab.driver.pools())
        assert len({report.name for report in reports}) == len(reports)
        assert bench.pool in {report.name for report in reports}
        for report in reports:
            assert 0 <= report.ours <= report.used <= report.total
            assert report.total > 0 and report.granularity >= 1
            assert report.thin or report.thick

    @pytest.mark.parametrize("thin", [True, False], ids=["thin", "thick"])
    def test_a_created_object_has_the_wanted_size_and_reads_as_zeros(self, lab: Lab, thin: bool) -> None:
        _need(lab, thin)
        volume = lab.create(thin=thin)
        found = lab.another().inspect(volume.placement, {})
        assert found is not None
        assert (found.placement, found.pool, found.size) == (volume.placement, volume.pool, volume.size)
        for offset in (0, volume.size // 2, volume.size - 4096):
            assert lab.read(volume, offset, 4096) == bytes(4096)

    def test_a_size_of_any_multiple_of_the_granularity_is_kept_exactly(self, lab: Lab) -> None:
        granularity = lab.report().granularity
        for units in (1, 3, 257):
            size = granularity * units
            if size > 512 * MIB:
                break
            wanted = lab.wanted(size)
            assert lab.driver.create(wanted).size == size == wanted.size

    def test_what_was_written_is_read(self, lab: Lab) -> None:
        volume = lab.create()
        for offset in (0, MIB + 512, volume.size - 8192):
            lab.write(volume, offset, pattern(offset, 8192))
        for offset in (0, MIB + 512, volume.size - 8192):
            assert lab.read(volume, offset, 8192) == pattern(offset, 8192)
        assert lab.read(volume, 2 * MIB, 4096) == bytes(4096)

    def test_a_small_write_leaves_its_neighbours_alone(self, lab: Lab) -> None:
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 16384))
        lab.write(volume, 4608, pattern(2, 512))
        whole = pattern(1, 16384)
        assert lab.read(volume, 0, 16384) == whole[:4608] + pattern(2, 512) + whole[5120:]

    def test_creating_again_gives_the_same_object_with_its_content(self, lab: Lab) -> None:
        wanted = lab.wanted()
        first = lab.driver.create(wanted)
        volume = lab.volume(wanted, first)
        lab.write(volume, 4096, pattern(1, 4096))
        for driver in (lab.driver, lab.another()):
            again = driver.create(wanted)
            assert (again.pool, again.size) == (first.pool, first.size)
        assert lab.read(volume, 4096, 4096) == pattern(1, 4096)
        assert _ids(lab) == {volume.placement}

    def test_creating_again_with_another_size_is_an_error_and_changes_nothing(self, lab: Lab) -> None:
        volume = lab.create()
        lab.write(volume, 0, pattern(2, 4096))
        other = Wanted(volume.placement, volume.pool, lab.rounded(volume.size * 2), volume.thin)
        with pytest.raises(StorageError):
            lab.another().create(other)
        found = lab.driver.inspect(volume.placement, volume.reference)
        assert found is not None and found.size == volume.size
        assert lab.read(volume, 0, 4096) == pattern(2, 4096)

    def test_an_absent_object_is_inspected_as_none(self, lab: Lab) -> None:
        assert lab.driver.inspect(str(uuid.uuid4()), {}) is None

    def test_deleting_removes_and_deleting_what_is_absent_succeeds(self, lab: Lab) -> None:
        volume, other = lab.create(), lab.create()
        lab.write(other, 0, pattern(3, 4096))
        lab.driver.delete(volume.placement, volume.reference)
        assert lab.another().inspect(volume.placement, {}) is None
        lab.driver.delete(volume.placement, volume.reference)
        lab.another().delete(volume.placement, {})
        lab.driver.delete(str(uuid.uuid4()), {})
        assert _ids(lab) == {other.placement}
        assert lab.read(other, 0, 4096) == pattern(3, 4096)

    def test_an_object_is_found_without_its_reference(self, lab: Lab) -> None:
        volume = lab.create()
        other = lab.another()
        assert other.inspect(volume.placement, {}) is not None
        other.delete(volume.placement, {})
        assert lab.driver.inspect(volume.placement, volume.reference) is None

    def test_an_object_made_anew_under_the_same_id_reads_as_zeros(self, lab: Lab) -> None:
        wanted = lab.wanted()
        volume = lab.volume(wanted, lab.driver.create(wanted))
        lab.write(volume, 0, pattern(4, 4096))
        lab.driver.delete(volume.placement, volume.reference)
        volume = lab.volume(wanted, lab.another().create(wanted))
        assert lab.read(volume, 0, 4096) == bytes(4096)

    def test_the_inventory_is_exact(self, lab: Lab) -> None:
        volumes = [lab.create(), lab.create(lab.bench.size * 2)]
        assert lab.items() == {Item("volume", each.placement, each.pool, each.size) for each in volumes}
        lab.driver.delete(volumes[0].placement, volumes[0].reference)
        assert _ids(lab) == {volumes[1].placement}

    def test_a_thick_object_occupies_its_size_at_once(self, lab: Lab) -> None:
        _need(lab, thin=False)
        before = lab.report().ours
        volume = lab.create(thin=False)
        assert lab.report().ours - before >= volume.size
        lab.driver.delete(volume.placement, volume.reference)
        eventually(lambda: lab.report().ours <= before, "the pool has the room of the deleted object again")

    def test_a_thin_object_occupies_what_was_written(self, lab: Lab) -> None:
        _need(lab, thin=True)
        before = lab.report().ours
        volume = lab.create(thin=True)
        assert lab.report().ours - before < volume.size // 2
        lab.write(volume, 0, pattern(5, 2 * MIB))
        eventually(lambda: lab.report().ours - before >= 2 * MIB, "what was written is counted as ours")
        lab.driver.delete(volume.placement, volume.reference)
        eventually(lambda: lab.report().ours <= before, "the pool has the room of the deleted object again")

    def test_a_full_back_end_refuses_with_the_numbers_and_keeps_nothing(self, lab: Lab) -> None:
        _need(lab, thin=False)
        report = lab.report()
        wanted = lab.wanted(report.total - report.used + 64 * MIB, thin=False)
        with pytest.raises(Refused) as refused:
            lab.driver.create(wanted)
        assert refused.value.details["needed"] > refused.value.details["free"] >= 0
        assert lab.another().inspect(wanted.placement, {}) is None
        assert lab.items() == set()
        eventually(lambda: lab.report().ours <= report.ours, "nothing is left of the refused object")

    def test_a_pool_that_is_not_there_is_an_error_with_a_sentence(self, lab: Lab) -> None:
        wanted = lab.wanted(pool="no-such-pool")
        with pytest.raises(StorageError) as error:
            lab.driver.create(wanted)
        assert "no-such-pool" in error.value.message
        assert lab.items() == set()

    def test_different_objects_are_handled_at_once_by_threads_and_instances(self, lab: Lab) -> None:
        drivers = [lab.driver, lab.another()]
        orders = [lab.wanted() for _ in range(16)]

        def live(number: int) -> Volume | None:
            driver, wanted = drivers[number % 2], orders[number]
            volume = lab.volume(wanted, driver.create(wanted))
            lab.bench.write(driver, volume.placement, volume.reference, 0, pattern(number, 4096))
            if number % 4 == 3:
                driver.delete(volume.placement, volume.reference)
                return None
            found = driver.inspect(volume.placement, volume.reference)
            assert found is not None and found.size == volume.size
            return volume

        with ThreadPoolExecutor(8) as threads:
            volumes = list(threads.map(live, range(len(orders))))
        assert _ids(lab) == {volume.placement for volume in volumes if volume}
        for number, volume in enumerate(volumes):
            if volume:
                assert lab.read(volume, 0, 4096) == pattern(number, 4096)

    def test_create_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        for (wanted,) in lab.killed("create", lambda: (lab.wanted(),)):
            driver = lab.another()
            volume = lab.volume(wanted, driver.create(wanted))
            assert volume.size == wanted.size
            assert lab.read(volume, 0, 4096) == bytes(4096)
            lab.write(volume, 0, pattern(6, 4096))
            assert lab.read(volume, 0, 4096) == pattern(6, 4096)
            assert volume.placement in _ids(lab)

    def test_create_is_undone_by_delete_after_a_kill(self, lab: Lab) -> None:
        before = lab.report().ours
        for (wanted,) in lab.killed("create", lambda: (lab.wanted(),)):
            driver = lab.another()
            driver.delete(wanted.placement, {})
            assert driver.inspect(wanted.placement, {}) is None
        lab.clear()
        assert lab.items() == set()
        eventually(lambda: lab.report().ours <= before, "no room is lost to killed calls")

    def test_delete_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        before = lab.report().ours

        def fresh() -> tuple[str, dict[str, object]]:
            volume = lab.create()
            lab.write(volume, 0, pattern(7, 64 * 1024))
            return volume.placement, dict(volume.reference)

        for placement, _ in lab.killed("delete", fresh):
            driver = lab.another()
            driver.delete(placement, {})
            assert driver.inspect(placement, {}) is None
            assert placement not in _ids(lab)
        eventually(lambda: lab.report().ours <= before, "no room is lost to killed calls")


def _need(lab: Lab, thin: bool) -> None:
    report = lab.report()
    if not (report.thin if thin else report.thick):
        pytest.skip(f"pool {report.name} makes no {'thin' if thin else 'thick'} volumes")


def _ids(lab: Lab) -> set[str]:
    return {item.id for item in lab.items()}
