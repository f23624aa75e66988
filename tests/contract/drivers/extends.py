"""What a driver promises that extends."""

from __future__ import annotations

import uuid

import pytest

from isthmus.core.drivers.contract import Extends
from isthmus.core.errors import Refused, StorageError

from .bench import MIB, Lab, Suite, pattern
from .driver import SUITES


class ExtendsSuite(Suite):
    def test_extend_grows_keeps_the_content_and_adds_zeros(self, lab: Lab) -> None:
        driver = _extending(lab)
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 4096))
        lab.write(volume, volume.size - 4096, pattern(2, 4096))
        size = lab.rounded(volume.size * 2 + 1)
        assert driver.extend(volume.placement, volume.reference, size).size == size
        found = lab.another().inspect(volume.placement, {})
        assert found is not None and found.size == size
        assert lab.read(volume, 0, 4096) == pattern(1, 4096)
        assert lab.read(volume, volume.size - 4096, 4096) == pattern(2, 4096)
        assert lab.read(volume, volume.size, 4096) == bytes(4096)
        lab.write(volume, size - 4096, pattern(3, 4096))
        assert lab.read(volume, size - 4096, 4096) == pattern(3, 4096)

    def test_extending_to_no_more_than_it_has_succeeds_and_never_shrinks(self, lab: Lab) -> None:
        driver = _extending(lab)
        volume = lab.create()
        lab.write(volume, volume.size - 4096, pattern(1, 4096))
        for size in (volume.size, lab.rounded(volume.size // 2)):
            assert driver.extend(volume.placement, volume.reference, size).size == volume.size
        assert lab.read(volume, volume.size - 4096, 4096) == pattern(1, 4096)

    def test_extending_again_from_another_instance_without_reference_succeeds(self, lab: Lab) -> None:
        driver = _extending(lab)
        volume = lab.create()
        size = lab.rounded(volume.size * 2)
        driver.extend(volume.placement, volume.reference, size)
        other = lab.another()
        assert isinstance(other, Extends)
        assert other.extend(volume.placement, {}, size).size == size

    def test_extending_what_is_absent_is_an_error(self, lab: Lab) -> None:
        with pytest.raises(StorageError):
            _extending(lab).extend(str(uuid.uuid4()), {}, lab.rounded(MIB))

    def test_extending_a_thick_object_beyond_the_pool_is_refused_and_loses_nothing(self, lab: Lab) -> None:
        driver, report = _extending(lab), lab.report()
        if not report.thick:
            pytest.skip(f"pool {report.name} makes no thick volumes")
        volume = lab.create(thin=False)
        lab.write(volume, 0, pattern(1, 4096))
        with pytest.raises(Refused):
            driver.extend(volume.placement, volume.reference, lab.rounded(report.total + 64 * MIB))
        found = lab.driver.inspect(volume.placement, volume.reference)
        assert found is not None and found.size == volume.size
        assert lab.read(volume, 0, 4096) == pattern(1, 4096)

    @pytest.mark.parametrize("thin", [True, False], ids=["thin", "thick"])
    def test_extend_is_finished_by_a_second_call_after_a_kill(self, lab: Lab, thin: bool) -> None:
        report = lab.report()
        if not (report.thin if thin else report.thick):
            pytest.skip(f"pool {report.name} makes no such volumes")
        size = lab.rounded(lab.bench.size * 2)

        def fresh() -> tuple[str, dict[str, object], int]:
            volume = lab.create(thin=thin)
            lab.write(volume, 4096, pattern(4, 4096))
            return volume.placement, dict(volume.reference), size

        for placement, reference, _ in lab.killed("extend", fresh):
            other = lab.another()
            assert isinstance(other, Extends)
            assert other.extend(placement, {}, size).size == size
            assert lab.bench.read(other, placement, reference, 4096, 4096) == pattern(4, 4096)
            assert lab.bench.read(other, placement, reference, size - 4096, 4096) == bytes(4096)


def _extending(lab: Lab) -> Extends:
    if not isinstance(lab.driver, Extends):
        pytest.skip(f"driver {lab.driver.name} does not extend here")
    return lab.driver


SUITES["extend"] = ExtendsSuite
