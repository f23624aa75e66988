"""A driver of files and the targets of its node, together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from isthmus.core.drivers.composition import Served, publisher
from isthmus.core.drivers.contract import (
    Allocated,
    Counters,
    Device,
    DriverSetup,
    Export,
    Grant,
    Metered,
    Publishes,
    Resized,
    Wanted,
)
from isthmus.core.drivers.memory import MemoryDriver
from isthmus.core.errors import NotOffered
from isthmus.core.model.attachment import AccessMode, Connection

EXPORT = Export("p", "naa.6", {"where": "here"})


class Files:
    """Serves devices and notes what is asked of it."""

    name: ClassVar[str] = "files"
    settings_schema: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, forms: Mapping[str, str], notes: list[str]) -> None:
        self._forms, self.notes = forms, notes

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def check(self) -> None: ...
    def pools(self) -> list[Any]:
        return []

    def create(self, wanted: Any) -> Any: ...
    def delete(self, placement: str, reference: Any) -> None: ...
    def inspect(self, placement: str, reference: Any) -> Any: ...
    def inventory(self) -> list[Any]:
        return []

    def forms(self) -> Mapping[str, str]:
        return self._forms

    def device(self, placement: str, reference: Any, form: str) -> Device:
        assert reference == EXPORT.reference
        self.notes.append(f"device {placement} {form}")
        return Device(Path("/dev/null"), "raw", 1)

    def release(self, placement: str, reference: Any) -> None:
        self.notes.append(f"release {placement}")


class Iscsi:
    """A target that notes what is asked of it."""

    protocol: ClassVar[str] = "iscsi"
    form: ClassVar[str] = "path"

    name: ClassVar[str] = "wire"
    settings_schema: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes
        self._granted: set[str] = set()

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def end(self) -> None: ...
    def check(self) -> None: ...

    def grant(self, export: Export, device: Device, grant: Grant) -> Connection:
        self.notes.append(f"grant {grant.attachment}")
        self._granted.add(grant.attachment)
        return Connection(self.protocol, {})

    def withdraw(self, export: Export, attachment: str) -> None:
        self.notes.append(f"withdraw {attachment}")
        self._granted.discard(attachment)

    def granted(self, export: Export) -> frozenset[str]:
        return frozenset(self._granted)

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        self.notes.append("resize")
        return Resized(grow(), online=False)

    def inventory(self) -> list[str]:
        return []


class Nbd(Iscsi):
    protocol: ClassVar[str] = "nbd"
    form: ClassVar[str] = "image"


class Odd(Iscsi):
    protocol: ClassVar[str] = "odd"
    form: ClassVar[str] = "cube"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def served(notes: list[str]) -> Publishes:
    driver = Files({"path": ""}, notes)
    return publisher(driver, {"iscsi": Iscsi(notes)}).for_protocol("iscsi")


def grant(attachment: str) -> Grant:
    return Grant(attachment, "host", AccessMode.READ_WRITE, shared=True)


def test_protocols_are_those_whose_form_the_driver_gives_and_others_have_a_reason(notes: list[str]) -> None:
    targets = {"iscsi": Iscsi(notes), "nbd": Nbd(notes), "odd": Odd(notes)}
    both = publisher(Files({"image": "", "path": "/dev/fuse cannot be opened"}, notes), targets, {"nvme": "no nvmet"})
    assert both.protocols() == ("nbd",)
    assert both.refusals() == {
        "iscsi": "/dev/fuse cannot be opened",
        "odd": "driver files has no form cube",
        "nvme": "no nvmet",
    }
    for protocol, reason in both.refusals().items():
        with pytest.raises(NotOffered, match=reason):
            both.for_protocol(protocol)
    with pytest.raises(NotOffered, match="fc"):
        both.for_protocol("fc")


def test_a_driver_that_publishes_by_itself_is_passed_through(tmp_path: Path, notes: list[str]) -> None:
    memory = MemoryDriver(DriverSetup("b", "memory", "node", {}, {}, tmp_path, tmp_path))
    both = publisher(memory, {"iscsi": Iscsi(notes)})
    assert both.protocols() == ("memory",)
    assert both.for_protocol("memory") is memory
    assert both.refusals() == {"iscsi": "driver memory serves no files or devices of this node"}


def test_a_grant_makes_the_device_ready_first(served: Publishes, notes: list[str]) -> None:
    assert isinstance(served, Served)
    assert served.protocols() == ("iscsi",)
    assert served.grant(EXPORT, grant("a")).protocol == "iscsi"
    assert notes == ["device p path", "grant a"]
    assert served.granted(EXPORT) == {"a"}


def test_the_last_withdrawal_releases_the_device(served: Publishes, notes: list[str]) -> None:
    for attachment in ("a", "b"):
        served.grant(EXPORT, grant(attachment))
    notes.clear()
    served.withdraw(EXPORT, "a")
    assert notes == ["withdraw a"]
    served.withdraw(EXPORT, "b")
    assert notes == ["withdraw a", "withdraw b", "release p"]


def test_a_withdrawal_again_releases_what_a_killed_one_left(served: Publishes, notes: list[str]) -> None:
    served.withdraw(EXPORT, "a")
    assert notes == ["withdraw a", "release p"]


def test_a_resize_goes_through_the_target_while_a_host_is_there(served: Publishes, notes: list[str]) -> None:
    grown = Allocated("p", "pool", 2)
    assert served.resize(EXPORT, lambda: grown) == Resized(grown, online=True)
    assert notes == []
    served.grant(EXPORT, grant("a"))
    assert served.resize(EXPORT, lambda: grown) == Resized(grown, online=False)
    assert notes[-1] == "resize"


class Metering(Files):
    """Also measures."""

    there = True

    def meter(self, placement: str, reference: Any) -> Metered | None:
        assert (placement, reference) == (EXPORT.placement, EXPORT.reference)
        return Metered(4096) if self.there else None


class Counting(Iscsi):
    counters: Counters | None = Counters(1, 10, 2, 20, "one", datetime(2026, 1, 1, tzinfo=UTC))

    def count(self, export: Export) -> Counters | None:
        return self.counters


class CountingToo(Counting):
    protocol: ClassVar[str] = "other"
    counters: Counters | None = Counters(3, 30, 4, 40, "two", datetime(2026, 1, 2, tzinfo=UTC))


FORMS = {"path": "", "image": ""}


def test_what_driver_and_target_measure_is_put_together(notes: list[str]) -> None:
    both = publisher(Metering(FORMS, notes), {"iscsi": Counting(notes)})
    assert both.meter(EXPORT, {"iscsi"}) == Metered(4096, Counting.counters)
    assert both.meter(EXPORT, ()) == Metered(4096), "who is not attached is not counted"


def test_counters_of_two_protocols_are_added_up(notes: list[str]) -> None:
    both = publisher(Metering(FORMS, notes), {"iscsi": Counting(notes), "other": CountingToo(notes)})
    found = both.meter(EXPORT, ["other", "iscsi"])
    summed = Counters(4, 40, 6, 60, "one+two", datetime(2026, 1, 2, tzinfo=UTC))
    assert found == Metered(4096, summed)


def test_no_part_passes_for_the_whole(notes: list[str]) -> None:
    silent = CountingToo(notes)
    silent.counters = None
    targets = {"iscsi": Counting(notes), "nbd": Nbd(notes), "other": silent}
    both = publisher(Metering(FORMS, notes), targets)
    for uncounted in ("nbd", "other", "unknown"):
        assert both.meter(EXPORT, ["iscsi", uncounted]) == Metered(4096)


def test_a_target_counts_for_a_driver_that_measures_nothing(notes: list[str]) -> None:
    assert publisher(Files(FORMS, notes), {"iscsi": Counting(notes)}).meter(EXPORT, ["iscsi"]) == Metered(
        None, Counting.counters
    )
    assert publisher(Files(FORMS, notes), {}).meter(EXPORT, ()) == Metered()


def test_what_the_driver_has_not_is_not_counted_either(notes: list[str]) -> None:
    driver = Metering(FORMS, notes)
    driver.there = False
    assert publisher(driver, {"iscsi": Counting(notes)}).meter(EXPORT, ["iscsi"]) is None


def test_what_a_driver_publishes_and_counts_by_itself_counts_once(tmp_path: Path) -> None:
    memory = MemoryDriver(
        DriverSetup("b", "memory", "node", {"pools": [{"name": "a", "total": 1 << 20}]}, {}, tmp_path, tmp_path)
    )
    memory.start()
    memory.create(Wanted("p", "a", 4096, thin=True))
    assert publisher(memory, {}).meter(EXPORT, ["memory"]) == memory.meter("p", {})
    memory.stop()
