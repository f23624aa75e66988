"""What a driver promises that measures its objects."""

from __future__ import annotations

import uuid

import pytest

from isthmus.core.drivers.contract import Export, Metered, Meters
from isthmus.core.model.placement import naa_identifier

from ..counting import read_and_write
from .bench import MIB, Lab, Suite, Volume, pattern
from .driver import SUITES


class MetersSuite(Suite):
    def test_what_is_absent_is_not_measured(self, lab: Lab) -> None:
        assert _metering(lab).meter(str(uuid.uuid4()), {}) is None
        volume = lab.create()
        lab.driver.delete(volume.placement, volume.reference)
        assert _metering(lab).meter(volume.placement, volume.reference) is None

    def test_what_is_written_to_a_thin_object_is_allocated(self, lab: Lab) -> None:
        if not lab.report().thin:
            pytest.skip("the pool makes no thin volumes")
        volume = lab.create(thin=True)
        empty = _allocated(lab, volume)
        assert empty < volume.size
        lab.write(volume, 2 * MIB, pattern(1, 2 * MIB))
        filled = _allocated(lab, volume)
        assert filled >= empty + 2 * MIB
        lab.write(volume, 2 * MIB, pattern(2, 2 * MIB))
        assert _allocated(lab, volume) == filled

    def test_a_thick_object_has_all_its_bytes_allocated(self, lab: Lab) -> None:
        if not lab.report().thick:
            pytest.skip("the pool makes no thick volumes")
        volume = lab.create(thin=False)
        assert _allocated(lab, volume) >= volume.size

    def test_another_instance_without_reference_measures_the_same(self, lab: Lab) -> None:
        volume = lab.create()
        lab.write(volume, 0, pattern(1, MIB))
        other = lab.another()
        assert isinstance(other, Meters)
        assert other.meter(volume.placement, {}) == _measured(lab, volume)

    def test_a_copy_counts_what_it_shares(self, lab: Lab) -> None:
        if not hasattr(lab.driver, "snapshot"):
            pytest.skip(f"driver {lab.driver.name} takes no snapshots here")
        volume = lab.create()
        lab.write(volume, 0, pattern(1, 2 * MIB))
        lab.take(volume)
        assert _allocated(lab, volume) >= 2 * MIB

    def test_a_published_object_is_measured_and_what_its_hosts_do_is_counted_exactly(self, lab: Lab) -> None:
        volume = lab.create()
        publisher = lab.bench.publisher(lab.driver)
        export, grant = Export(volume.placement, naa_identifier(volume.placement)), lab.bench.host_grant()
        connection = publisher.grant(export, grant)
        try:
            client = lab.bench.connect(connection, grant)
            try:
                before = _measured(lab, volume)
                read_and_write(client)
                after = _measured(lab, volume)
                again = _measured(lab, volume)
            finally:
                client.close()
        finally:
            publisher.withdraw(export, grant.attachment)
        assert again == after, "measuring changes nothing"
        if before.counters is None or after.counters is None:
            assert before.counters == after.counters, "counters come and go"
            return
        assert after.counters.series == before.counters.series
        assert after.counters.written_operations - before.counters.written_operations == 2
        assert after.counters.written_bytes - before.counters.written_bytes == 12288
        assert after.counters.read_operations - before.counters.read_operations == 1
        assert after.counters.read_bytes - before.counters.read_bytes == 4096


def _metering(lab: Lab) -> Meters:
    if not isinstance(lab.driver, Meters):
        pytest.skip(f"driver {lab.driver.name} measures no objects")
    return lab.driver


def _measured(lab: Lab, volume: Volume) -> Metered:
    found = _metering(lab).meter(volume.placement, volume.reference)
    assert found is not None
    return found


def _allocated(lab: Lab, volume: Volume) -> int:
    allocated = _measured(lab, volume).allocated
    if allocated is None:
        pytest.skip(f"driver {lab.driver.name} does not say what an object occupies")
    return allocated


SUITES["meter"] = MetersSuite
