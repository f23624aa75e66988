"""Snapshots come when the schedule says so, once each, and go when they have been kept for long enough."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.engine.protecting import Protecting
from isthmus.core.errors import Invalid, Refused
from isthmus.core.model.identity import now
from isthmus.core.model.page import Query
from isthmus.core.model.protection import MARK
from isthmus.core.model.request import Changes, ProfileRequest, SnapshotRequest, VolumeRequest
from isthmus.core.model.snapshot import Snapshot
from tests.contract.patience import eventually
from tests.environment.engine import MEMORY_PROFILE, done
from tests.unit.engine.bench import SIZE, Bench

HOURLY = {"schedule": {"occurrence": "Hourly"}, "retention": {"number": 2}}


class Held:
    """A run of the duty that is never taken away."""

    name, epoch = "snapshots.schedule", 1

    def held(self) -> bool:
        return True

    go_on = held

    def wait(self, seconds: float) -> bool:
        return True

    def alive(self) -> None:
        return None


class Clockwork:
    """The duty, run for moments of the test's choice; each run waits for the operations that it began."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.protecting = Protecting(bench.engine.parts, bench.engine.snapshots)

    def at(self, moment: datetime) -> None:
        self.protecting.run(Held(), moment)
        eventually(lambda: not any(each.state.live for each in self.operations()), "operations end")

    def operations(self) -> Any:
        return self.bench.engine.operations.list(self.bench.root, Query(limit=1000, all_tenants=True)).items

    def taken(self, volume: str) -> list[Snapshot]:
        query = Query(filters={"volume": volume}, sort="name")
        return list(self.bench.engine.snapshots.list(self.bench.root, query).items)


@pytest.fixture
def clock(bench: Bench) -> Clockwork:
    return Clockwork(bench)


@pytest.fixture
def noon() -> datetime:
    """A full hour after whatever the test makes."""
    return now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def protected(bench: Bench, document: dict[str, Any] = HOURLY) -> str:
    """A volume that says so itself."""
    volume = bench.volume("protected")
    bench.engine.volumes.update(bench.root, volume, Changes(protection=document))
    return volume


def test_each_hour_has_its_snapshot_once(bench: Bench, clock: Clockwork, noon: datetime) -> None:
    volume = protected(bench)
    clock.at(noon - timedelta(seconds=1))
    assert clock.taken(volume) == [], "the hour before the volume was made is not its"
    for minutes in (0, 1, 59):
        clock.at(noon + timedelta(minutes=minutes))
    (first,) = clock.taken(volume)
    assert first.name == f"hourly {noon:%Y-%m-%d %H.%M}" and first.metadata[MARK] == noon.isoformat()
    assert first.state == "available"
    Clockwork(bench).at(noon + timedelta(minutes=59))
    assert clock.taken(volume) == [first], "another process knows of it"


def test_hours_that_were_missed_are_made_up_for_once(bench: Bench, clock: Clockwork, noon: datetime) -> None:
    volume = protected(bench)
    clock.at(noon + timedelta(hours=7, minutes=5))
    assert [each.metadata[MARK] for each in clock.taken(volume)] == [(noon + timedelta(hours=7)).isoformat()]


def test_a_schedule_that_was_given_late_begins_with_its_last_time(
    bench: Bench, clock: Clockwork, noon: datetime
) -> None:
    early, late = bench.volume("early"), bench.volume("late")
    clock.at(noon + timedelta(hours=2))
    first = (noon + timedelta(hours=3)).isoformat()
    bench.engine.volumes.update(bench.root, late, Changes(protection=HOURLY))
    yet_to_come = {"schedule": {"occurrence": "Hourly", "datetime": first}}
    bench.engine.volumes.update(bench.root, early, Changes(protection=yet_to_come))
    clock.at(noon + timedelta(hours=2, minutes=30))
    assert [each.metadata[MARK] for each in clock.taken(late)] == [(noon + timedelta(hours=2)).isoformat()]
    assert clock.taken(early) == [], "its first time is yet to come"


def test_a_volume_that_keeps_for_ages_holds_up_no_other(bench: Bench, clock: Clockwork, noon: datetime) -> None:
    volumes = [bench.volume(name) for name in ("one", "two")]
    for volume in volumes:
        ages = {**HOURLY, "retention": {"number": 1, "duration": 9007199254740991}}
        bench.engine.volumes.update(bench.root, volume, Changes(protection=ages))
    for minutes in (0, 1):
        clock.at(noon + timedelta(minutes=minutes))
    assert [len(clock.taken(volume)) for volume in volumes] == [1, 1]


def test_the_newest_are_kept_and_what_people_took_is_left_alone(bench: Bench, clock: Clockwork, noon: datetime) -> None:
    volume = protected(bench)
    done(bench.engine, bench.engine.snapshots.create(bench.root, SnapshotRequest(volume, "by hand")))
    for hours in range(5):
        clock.at(noon + timedelta(hours=hours))
        clock.at(noon + timedelta(hours=hours, minutes=1))
    marks = [each.metadata.get(MARK, each.name) for each in clock.taken(volume)]
    assert sorted(marks) == sorted(["by hand", *((noon + timedelta(hours=hours)).isoformat() for hours in (3, 4))])


def test_a_snapshot_without_its_mark_is_kept(bench: Bench, clock: Clockwork, noon: datetime) -> None:
    volume = protected(bench)
    clock.at(noon)
    (first,) = clock.taken(volume)
    bench.engine.snapshots.update(bench.root, first.id, Changes(metadata={}))
    for hours in range(1, 5):
        clock.at(noon + timedelta(hours=hours))
        clock.at(noon + timedelta(hours=hours, minutes=1))
    assert first.id in {each.id for each in clock.taken(volume)} and len(clock.taken(volume)) == 3


def test_what_is_too_old_goes(bench: Bench, clock: Clockwork, noon: datetime) -> None:
    volume = protected(bench, {"schedule": {"occurrence": "Monthly"}, "retention": {"duration": 3}})
    clock.at(noon + timedelta(days=31))
    assert len(clock.taken(volume)) == 1
    clock.at(noon + timedelta(days=31, hours=2))
    assert clock.taken(volume) == [], "it counts from when it was taken, which was now"


def test_a_profile_speaks_for_its_volumes_unless_they_speak_themselves(
    bench: Bench, clock: Clockwork, noon: datetime
) -> None:
    engine, root = bench.engine, bench.root
    profile = engine.profiles.create(root, ProfileRequest("safe", {**MEMORY_PROFILE, "snapshotProperties": HOURLY}))
    assert profile.unenforced == ()
    made = [
        str(done(engine, engine.volumes.create(root, VolumeRequest(name, SIZE, "safe"))).result["volume"])
        for name in ("as its profile", "never")
    ]
    engine.volumes.update(root, made[1], Changes(protection={"schedule": {"occurrence": "Never"}}))
    clock.at(noon)
    assert [len(clock.taken(volume)) for volume in made] == [1, 0]
    engine.volumes.update(root, made[1], Changes(protection={}))
    clock.at(noon + timedelta(minutes=1))
    assert len(clock.taken(made[1])) == 1


def test_a_volume_that_cannot_be_protected_holds_up_no_other_and_its_owner_is_told_once(
    bench: Bench, clock: Clockwork, noon: datetime
) -> None:
    one, other = protected(bench), protected(bench)
    first = min(one, other)
    whole = bench.engine.snapshots.create

    def refuse(context: Context, wanted: SnapshotRequest, **more: Any) -> Any:
        if wanted.volume == first:
            raise Refused("It is attached, and cannot be snapshotted now.")
        return whole(context, wanted, **more)

    clock.protecting._snapshots.create = refuse  # type: ignore[method-assign]
    clock.at(noon)
    clock.at(noon + timedelta(minutes=1))
    assert [len(clock.taken(volume)) for volume in sorted((one, other))] == [0, 1]
    messages = [each for each in bench.engine.messages.list(bench.root).items if "attached" in each.text]
    assert len(messages) == 1


def test_a_snapshot_that_failed_is_not_tried_again_every_minute(bench: Bench, clock: Clockwork, noon: datetime) -> None:
    volume, tries = protected(bench), []

    def before(method: str) -> None:
        if method == "snapshot":
            tries.append(method)
            raise Refused("No.")

    bench.driver.before = staticmethod(before)
    for minutes in range(3):
        clock.at(noon + timedelta(minutes=minutes))
    assert len(tries) == 1 and clock.taken(volume) == []
    bench.driver.before = staticmethod(lambda method: None)
    clock.at(noon + timedelta(hours=1))
    assert len(clock.taken(volume)) == 1


def test_a_snapshot_that_failed_is_tried_again_in_an_hour_however_long_the_period(
    bench: Bench, clock: Clockwork, noon: datetime
) -> None:
    volume = protected(bench, {"schedule": {"occurrence": "Monthly"}})
    begun = noon + timedelta(days=31)

    def before(method: str) -> None:
        if method == "snapshot":
            raise Refused("No.")

    bench.driver.before = staticmethod(before)
    clock.at(begun)
    bench.driver.before = staticmethod(lambda method: None)
    clock.at(begun + timedelta(minutes=1))
    assert clock.taken(volume) == []
    clock.at(begun + timedelta(hours=1))
    clock.at(begun + timedelta(hours=2))
    assert len(clock.taken(volume)) == 1


def test_what_is_too_old_goes_even_while_no_new_one_can_be_taken_but_for_the_last(
    bench: Bench, clock: Clockwork, noon: datetime
) -> None:
    volume = protected(bench, {"schedule": {"occurrence": "Hourly"}, "retention": {"duration": 3}})
    for hours in range(3):
        clock.at(noon + timedelta(hours=hours))
    newest = max(clock.taken(volume), key=lambda each: each.created_at)

    def before(method: str) -> None:
        if method == "snapshot":
            raise Refused("No.")

    bench.driver.before = staticmethod(before)
    clock.at(noon + timedelta(days=5))
    assert [each.id for each in clock.taken(volume)] == [newest.id]


@pytest.mark.parametrize(
    "document",
    [
        {"schedule": {"occurrence": "Yearly"}},
        {"schedule": {"occurrence": "Daily", "datetime": "2030-02-31T22:00:00"}},
        {"schedule": {}},
        {"retention": {"number": 3}},
        {"schedule": {"occurrence": "Daily"}, "retention": {"number": -1}},
    ],
)
def test_nonsense_is_refused(bench: Bench, document: dict[str, Any]) -> None:
    volume = bench.volume("v")
    with pytest.raises(Invalid):
        bench.engine.volumes.update(bench.root, volume, Changes(protection=document))
    assert bench.engine.volumes.get(bench.root, volume).protection == {}
