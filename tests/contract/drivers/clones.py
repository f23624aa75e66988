"""What a driver promises that clones."""

from __future__ import annotations

import uuid

import pytest

from isthmus.core.drivers.contract import Clones, Snapshots, Wanted
from isthmus.core.errors import StorageError

from .bench import Lab, Suite, Volume, pattern
from .driver import SUITES


class ClonesSuite(Suite):
    def test_a_clone_has_the_content_and_goes_its_own_way(self, lab: Lab) -> None:
        driver = _cloning(lab)
        source = lab.create()
        lab.write(source, 0, pattern(1, 8192))
        copy = _clone(lab, driver, source)
        assert copy.size == source.size
        assert lab.read(copy, 0, 12288) == pattern(1, 8192) + bytes(4096)
        lab.write(copy, 0, pattern(2, 4096))
        lab.write(source, 4096, pattern(3, 4096))
        assert lab.read(source, 0, 8192) == pattern(1, 8192)[:4096] + pattern(3, 4096)
        assert lab.read(copy, 0, 8192) == pattern(2, 4096) + pattern(1, 8192)[4096:]

    def test_a_clone_of_a_snapshot_has_its_content_and_goes_its_own_way(self, lab: Lab) -> None:
        driver = _cloning(lab)
        source = lab.create()
        lab.write(source, 0, pattern(1, 8192))
        kept = lab.take(source)
        lab.write(source, 0, pattern(2, 8192))
        wanted = lab.wanted(source.size)
        copy = lab.volume(wanted, driver.clone_snapshot(wanted, kept.id, kept.reference))
        assert lab.read(copy, 0, 8192) == pattern(1, 8192)
        lab.write(copy, 0, pattern(3, 4096))
        assert lab.content(source, kept, 0, 8192) == pattern(1, 8192)

    @pytest.mark.parametrize("thin", [True, False], ids=["thin", "thick"])
    def test_a_clone_may_be_larger_and_ends_in_zeros(self, lab: Lab, thin: bool) -> None:
        driver, report = _cloning(lab), lab.report()
        if not (report.thin if thin else report.thick):
            pytest.skip(f"pool {report.name} makes no such volumes")
        source = lab.create(thin=thin)
        lab.write(source, source.size - 4096, pattern(1, 4096))
        wanted = lab.wanted(source.size * 2, thin)
        copy = lab.volume(wanted, driver.clone(wanted, source.placement, source.reference))
        assert copy.size == wanted.size
        assert lab.read(copy, source.size - 4096, 8192) == pattern(1, 4096) + bytes(4096)
        assert lab.read(copy, wanted.size - 4096, 4096) == bytes(4096)

    def test_clones_outlive_their_source_and_its_snapshot(self, lab: Lab) -> None:
        driver = _cloning(lab)
        source = lab.create()
        lab.write(source, 0, pattern(1, 4096))
        kept = lab.take(source)
        wanted = lab.wanted(source.size)
        of_snapshot = lab.volume(wanted, driver.clone_snapshot(wanted, kept.id, kept.reference))
        of_volume = _clone(lab, driver, source)
        of_clone = _clone(lab, driver, of_volume)
        assert isinstance(lab.driver, Snapshots)
        lab.driver.delete(source.placement, source.reference)
        lab.driver.delete_snapshot(kept.id, kept.reference)
        lab.driver.delete(of_volume.placement, of_volume.reference)
        assert {item.id for item in lab.items()} == {of_snapshot.placement, of_clone.placement}
        for copy in (of_snapshot, of_clone):
            assert lab.read(copy, 0, 8192) == pattern(1, 4096) + bytes(4096)
            lab.write(copy, 0, pattern(2, 8192))
            assert lab.read(copy, 0, 8192) == pattern(2, 8192)

    def test_cloning_again_gives_the_same_object_with_its_content(self, lab: Lab) -> None:
        driver = _cloning(lab)
        source = lab.create()
        lab.write(source, 0, pattern(1, 4096))
        wanted = lab.wanted(source.size)
        copy = lab.volume(wanted, driver.clone(wanted, source.placement, source.reference))
        lab.write(copy, 4096, pattern(2, 4096))
        lab.write(source, 0, pattern(3, 4096))
        other = lab.another()
        assert isinstance(other, Clones)
        assert other.clone(wanted, source.placement, {}).size == copy.size
        assert lab.read(copy, 0, 8192) == pattern(1, 4096) + pattern(2, 4096)

    def test_cloning_what_is_absent_is_an_error_and_makes_nothing(self, lab: Lab) -> None:
        driver = _cloning(lab)
        with pytest.raises(StorageError):
            driver.clone(lab.wanted(), str(uuid.uuid4()), {})
        with pytest.raises(StorageError):
            driver.clone_snapshot(lab.wanted(), str(uuid.uuid4()), {})
        assert lab.items() == set()

    def test_clone_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        _cloning(lab)
        source = lab.create()
        lab.write(source, 0, pattern(1, 4096))

        def fresh() -> tuple[Wanted, str, dict[str, object]]:
            return lab.wanted(), source.placement, dict(source.reference)

        for wanted, placement, _ in lab.killed("clone", fresh):
            other = lab.another()
            assert isinstance(other, Clones)
            copy = lab.volume(wanted, other.clone(wanted, placement, {}))
            assert lab.read(copy, 0, 8192) == pattern(1, 4096) + bytes(4096)
            lab.write(copy, 0, pattern(2, 4096))
            assert lab.read(source, 0, 4096) == pattern(1, 4096)

    def test_clone_of_a_snapshot_is_finished_or_undone_after_a_kill(self, lab: Lab) -> None:
        _cloning(lab)
        source = lab.create()
        lab.write(source, 0, pattern(1, 4096))
        kept = lab.take(source)
        lab.write(source, 0, pattern(2, 4096))

        def fresh() -> tuple[Wanted, str, dict[str, object]]:
            return lab.wanted(), kept.id, dict(kept.reference)

        for number, (wanted, snapshot, _) in enumerate(lab.killed("clone_snapshot", fresh)):
            other = lab.another()
            assert isinstance(other, Clones)
            if number % 2:
                other.delete(wanted.placement, {})
                assert wanted.placement not in {item.id for item in lab.items()}
            else:
                copy = lab.volume(wanted, other.clone_snapshot(wanted, snapshot, {}))
                assert lab.read(copy, 0, 4096) == pattern(1, 4096)
        assert lab.read(source, 0, 4096) == pattern(2, 4096)
        assert lab.content(source, kept, 0, 4096) == pattern(1, 4096)


def _clone(lab: Lab, driver: Clones, source: Volume) -> Volume:
    wanted = lab.wanted(source.size, source.thin)
    return lab.volume(wanted, driver.clone(wanted, source.placement, source.reference))


def _cloning(lab: Lab) -> Clones:
    if not isinstance(lab.driver, Clones):
        pytest.skip(f"driver {lab.driver.name} does not clone here")
    return lab.driver


SUITES["clone"] = ClonesSuite
