"""What a driver promises that reverts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from isthmus.core.drivers.contract import Extends, Reverts, Wanted
from isthmus.core.errors import StorageError

from .bench import Kept, Lab, Suite, Volume, pattern
from .driver import SUITES


class RevertsSuite(Suite):
    def test_a_revert_makes_a_new_object_and_overwrites_nothing(self, lab: Lab) -> None:
        driver = _reverting(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        kept = lab.take(volume)
        lab.write(volume, 0, pattern(2, 8192))
        made = _revert(lab, driver, volume, kept)
        assert made.size == volume.size
        assert lab.read(made, 0, 8192) == pattern(1, 4096) + bytes(4096)
        assert lab.read(volume, 0, 8192) == pattern(2, 8192)
        assert {item.id for item in lab.items()} == {volume.placement, kept.id, made.placement}

    def test_reverting_to_the_oldest_keeps_the_later_ones(self, lab: Lab) -> None:
        driver = _reverting(lab)
        volume = lab.create()
        kept = []
        for number in range(3):
            lab.write(volume, 0, pattern(number, 4096))
            kept.append(lab.take(volume))
        lab.write(volume, 0, pattern(9, 4096))
        for number in (0, 2, 1):
            made = _revert(lab, driver, volume, kept[number])
            lab.driver.delete(volume.placement, volume.reference)
            assert lab.read(made, 0, 4096) == pattern(number, 4096)
            lab.write(made, 0, pattern(9, 4096))
            volume = made
        for number in range(3):
            assert lab.content(volume, kept[number], 0, 4096) == pattern(number, 4096)

    def test_the_new_object_takes_snapshots_as_the_old_one_did(self, lab: Lab) -> None:
        driver = _reverting(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        kept = lab.take(volume)
        made = _revert(lab, driver, volume, kept)
        lab.driver.delete(volume.placement, volume.reference)
        lab.write(made, 4096, pattern(2, 4096))
        later = lab.take(made)
        lab.write(made, 0, pattern(3, 8192))
        assert lab.content(made, later, 0, 8192) == pattern(1, 4096) + pattern(2, 4096)

    def test_reverting_again_gives_the_same_object_with_its_content(self, lab: Lab) -> None:
        driver = _reverting(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        kept = lab.take(volume)
        wanted = lab.wanted(volume.size, volume.thin)
        first = driver.revert(wanted, volume.placement, volume.reference, kept.id, kept.reference)
        made = lab.volume(wanted, first)
        lab.write(made, 4096, pattern(2, 4096))
        other = lab.another()
        assert isinstance(other, Reverts)
        assert other.revert(wanted, volume.placement, {}, kept.id, {}).size == first.size
        assert lab.read(made, 0, 8192) == pattern(1, 4096) + pattern(2, 4096)

    def test_the_larger_of_the_wanted_and_the_kept_size_is_made(self, lab: Lab) -> None:
        driver = _reverting(lab)
        if not isinstance(lab.driver, Extends):
            pytest.skip(f"driver {lab.driver.name} does not extend here")
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        small = lab.take(volume)
        size = lab.rounded(volume.size * 2)
        lab.driver.extend(volume.placement, volume.reference, size)
        lab.write(volume, size - 4096, pattern(2, 4096))
        large = lab.take(volume)
        grown = _revert(lab, driver, volume, small, size)
        assert grown.size == size
        assert lab.read(grown, 0, 4096) == pattern(1, 4096)
        assert lab.read(grown, size - 4096, 4096) == bytes(4096)
        kept = _revert(lab, driver, volume, large, lab.bench.size)
        assert kept.size == size
        assert lab.read(kept, size - 4096, 4096) == pattern(2, 4096)

    def test_reverting_to_what_is_absent_is_an_error_and_makes_nothing(self, lab: Lab) -> None:
        driver = _reverting(lab)
        volume = lab.create()
        with pytest.raises(StorageError):
            driver.revert(lab.wanted(), volume.placement, volume.reference, str(uuid.uuid4()), {})
        assert {item.id for item in lab.items()} == {volume.placement}

    def test_revert_is_finished_by_a_second_call_after_a_kill(self, lab: Lab) -> None:
        _reverting(lab)
        volume, kept, fresh = _prepared(lab)
        for wanted, placement, _, snapshot, _ in lab.killed("revert", fresh):
            other = lab.another()
            assert isinstance(other, Reverts)
            made = lab.volume(wanted, other.revert(wanted, placement, {}, snapshot, {}))
            assert lab.read(made, 0, 8192) == pattern(1, 4096) + bytes(4096)
            assert lab.read(volume, 0, 8192) == pattern(2, 8192)
        assert lab.content(volume, kept, 0, 4096) == pattern(1, 4096)

    def test_revert_is_undone_by_delete_after_a_kill(self, lab: Lab) -> None:
        _reverting(lab)
        volume, kept, fresh = _prepared(lab)
        for wanted, *_ in lab.killed("revert", fresh):
            lab.another().delete(wanted.placement, {})
            assert lab.read(volume, 0, 8192) == pattern(2, 8192)
            assert wanted.placement not in {item.id for item in lab.items()}
        assert lab.content(volume, kept, 0, 4096) == pattern(1, 4096)


def _prepared(lab: Lab) -> tuple[Volume, Kept, Any]:
    volume = lab.create()
    lab.write(volume, 0, pattern(1, 4096))
    kept = lab.take(volume)
    lab.write(volume, 0, pattern(2, 8192))

    def fresh() -> tuple[Wanted, str, dict[str, object], str, dict[str, object]]:
        return lab.wanted(), volume.placement, dict(volume.reference), kept.id, dict(kept.reference)

    return volume, kept, fresh


def _revert(lab: Lab, driver: Reverts, volume: Volume, kept: Kept, size: int | None = None) -> Volume:
    wanted = lab.wanted(size or volume.size, volume.thin)
    return lab.volume(wanted, driver.revert(wanted, volume.placement, volume.reference, kept.id, kept.reference))


def _reverting(lab: Lab) -> Reverts:
    if not isinstance(lab.driver, Reverts):
        pytest.skip(f"driver {lab.driver.name} does not revert here")
    return lab.driver


SUITES["revert"] = RevertsSuite
