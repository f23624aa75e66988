"""Usage follows what is there, and limits hold to the last volume and byte."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from isthmus.core.errors import Invalid, LimitExceeded
from isthmus.core.model.tenant import Limit
from isthmus.core.model.volume import VolumeState
from isthmus.core.store import usage
from isthmus.core.store.database import Database, Tx
from isthmus.core.store.nouns import snapshots, volumes
from tests.environment.nouns import make_snapshot, make_volume


def charge(database: Database, volumes: int, size: int, profile: str = "gold") -> None:
    database.change(lambda tx: usage.charge(tx, "acme", profile, volumes=volumes, size=size))


def limits(database: Database, profile: str | None, **most: Any) -> Limit:
    return database.change(lambda tx: usage.set_limits(tx, "acme", profile, **most))


def used(database: Database, profile: str | None = None) -> tuple[int, int]:
    with database.read() as tx:
        limit = usage.get(tx, "acme", profile)
    return limit.volumes, limit.bytes


def test_a_charge_counts_in_the_profile_and_in_all(database: Database) -> None:
    charge(database, 1, 10)
    charge(database, 2, 5, "silver")
    assert used(database) == (3, 15)
    assert used(database, "gold") == (1, 10)
    assert used(database, "silver") == (2, 5)
    assert used(database, "bronze") == (0, 0)
    with database.read() as tx:
        assert [limit.profile for limit in usage.listed(tx, "acme")] == [None, "gold", "silver"]
        assert usage.listed(tx, "other") == []


@pytest.mark.parametrize("profile", [None, "gold"])
def test_a_limit_is_reached_but_not_passed(database: Database, profile: str | None) -> None:
    limits(database, profile, max_volumes=2, max_bytes=100)
    charge(database, 1, 60)
    with pytest.raises(LimitExceeded, match="The limit on bytes") as refused:
        charge(database, 1, 41)
    assert refused.value.details == {
        "tenant": "acme",
        "profile": profile,
        "resource": "bytes",
        "limit": 100,
        "used": 60,
        "asked": 41,
    }
    charge(database, 1, 40)
    with pytest.raises(LimitExceeded, match="The limit on volumes"):
        charge(database, 1, 0)
    assert used(database) == used(database, "gold") == (2, 100)


def test_a_refused_charge_leaves_the_transaction_as_it_was(database: Database) -> None:
    limits(database, "gold", max_volumes=0)

    def work(tx: Tx) -> None:
        with pytest.raises(LimitExceeded):
            usage.charge(tx, "acme", "gold", volumes=1, size=10)

    database.change(work)
    assert used(database) == used(database, "gold") == (0, 0)


def test_giving_back_is_allowed_above_the_limit_and_never_goes_below_zero(database: Database) -> None:
    charge(database, 3, 30)
    assert limits(database, None, max_volumes=1, max_bytes=10) == Limit("acme", None, 3, 30, 1, 10)
    charge(database, -1, -10)
    assert used(database) == (2, 20)
    charge(database, -5, -50)
    assert used(database) == used(database, "gold") == (0, 0)


def test_growth_in_bytes_alone_is_not_stopped_by_a_full_count(database: Database) -> None:
    charge(database, 1, 10)
    limits(database, None, max_volumes=1)
    charge(database, 0, 5)
    assert used(database) == (1, 15)


@pytest.mark.parametrize("wrong", [-1, 1 << 63])
def test_a_limit_is_a_number_that_fits(database: Database, wrong: int) -> None:
    with pytest.raises(Invalid):
        limits(database, None, max_bytes=wrong)


def test_recount_says_what_drifted_and_sets_it_right_only_when_asked(database: Database) -> None:
    for _ in range(2):
        database.change(lambda tx: volumes.insert(tx, make_volume(size=7)))
    charge(database, 5, 1)
    charge(database, 1, 1, "silver")
    with database.read() as tx:
        found = usage.recount(tx)
    assert {(d.profile, d.volumes, d.bytes, d.counted_volumes, d.counted_bytes) for d in found} == {
        (None, 6, 2, 2, 14),
        ("gold", 5, 1, 2, 14),
        ("silver", 1, 1, 0, 0),
    }
    assert used(database) == (6, 2)
    assert len(database.change(lambda tx: usage.recount(tx, repair=True))) == 3
    assert (used(database), used(database, "gold"), used(database, "silver")) == ((2, 14), (2, 14), (0, 0))
    with database.read() as tx:
        assert usage.recount(tx) == []


def test_recount_counts_what_is_promised_to_snapshots(database: Database) -> None:
    volume = make_volume(size=7)
    database.change(lambda tx: volumes.insert(tx, volume))
    for made in [make_snapshot(volume, name=name, reserved=5) for name in ("first", "second")]:
        database.change(partial(snapshots.insert, noun=made))
    charge(database, 1, 7)
    with database.read() as tx:
        assert {(d.profile, d.counted_volumes, d.counted_bytes) for d in usage.recount(tx)} == {
            (None, 1, 17),
            ("gold", 1, 17),
        }
    database.change(lambda tx: usage.recount(tx, repair=True))
    assert used(database, "gold") == (1, 17)
    with database.read() as tx:
        assert usage.recount(tx) == []


@pytest.mark.parametrize("state", [VolumeState.EXTENDING, VolumeState.ERROR])
def test_recount_leaves_a_profile_alone_while_a_volume_of_it_grows(database: Database, state: VolumeState) -> None:
    growing = make_volume(size=7, state=state, operation="op")
    database.change(lambda tx: volumes.insert(tx, growing))
    database.change(lambda tx: volumes.insert(tx, make_volume(profile="silver", size=3)))
    charge(database, 1, 20)
    found = database.change(lambda tx: usage.recount(tx, repair=True))
    assert [drift.profile for drift in found] == ["silver"]
    assert used(database) == (1, 20)
