"""Room of pools is promised exactly as far as the formula allows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.core.model.identity import new_id
from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.store import pools
from isthmus.core.store.database import Database
from isthmus.core.store.nouns import pools as repository
from tests.environment.nouns import make_pool

SIZES = st.integers(0, 1 << 50)


def stored(database: Database, pool: Pool) -> Pool:
    with database.read() as tx:
        return repository.get(tx, pool.id)


def added(database: Database, pool: Pool) -> Pool:
    database.change(lambda tx: repository.insert(tx, pool))
    return pool


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    total=SIZES,
    used=SIZES,
    ours=SIZES,
    provisioned=SIZES,
    ratio=st.floats(1.0, 20.0),
    reserve=st.floats(0.0, 0.9),
    thin=st.booleans(),
    beyond=st.integers(-2, 2),
)
def test_a_promise_fits_exactly_when_the_room_of_the_pool_says_so(
    database: Database,
    total: int,
    used: int,
    ours: int,
    provisioned: int,
    ratio: float,
    reserve: float,
    thin: bool,
    beyond: int,
) -> None:
    pool = make_pool(
        name=new_id(), total=total, used=used, ours=ours, provisioned=provisioned, ratio=ratio, reserve=reserve
    )
    added(database, pool)
    size = max(1, pool.room(thin) + beyond)
    fits = pool.room(thin) >= size and (not thin or total - used > total * reserve)
    assert database.change(lambda tx: pools.reserve(tx, pool.id, size, thin)) is fits
    assert stored(database, pool).provisioned == provisioned + (size if fits else 0)


def test_a_thin_promise_needs_reported_free_space_above_the_reserve(database: Database) -> None:
    pool = added(database, make_pool(total=1000, used=900, ours=900, ratio=10.0, reserve=0.1))
    assert not database.change(lambda tx: pools.reserve(tx, pool.id, 1, True))
    database.change(lambda tx: pools.report(tx, pool.id, total=1000, used=899, ours=899))
    assert database.change(lambda tx: pools.reserve(tx, pool.id, 1, True))


def test_what_is_given_back_can_be_promised_again_and_never_makes_room_out_of_nothing(database: Database) -> None:
    pool = added(database, make_pool(total=1000))
    assert database.change(lambda tx: pools.reserve(tx, pool.id, 1000, False))
    assert not database.change(lambda tx: pools.reserve(tx, pool.id, 1, False))
    database.change(lambda tx: pools.release(tx, pool.id, 400))
    assert database.change(lambda tx: pools.reserve(tx, pool.id, 400, False))
    database.change(lambda tx: pools.release(tx, pool.id, 5000))
    assert stored(database, pool).provisioned == 0
    assert not database.change(lambda tx: pools.reserve(tx, pool.id, 1001, False))


def test_a_late_report_changes_neither_promises_nor_version(database: Database) -> None:
    pool = added(database, make_pool(total=1000))
    database.change(lambda tx: pools.reserve(tx, pool.id, 300, False))
    database.change(lambda tx: pools.report(tx, pool.id, total=900, used=100, ours=60))
    now = stored(database, pool)
    assert (now.total, now.used, now.ours, now.provisioned, now.version) == (900, 100, 60, 300, 1)
    assert not database.change(lambda tx: pools.reserve(tx, pool.id, 561, False))
    assert database.change(lambda tx: pools.reserve(tx, pool.id, 560, False))


@pytest.mark.parametrize("state", [PoolState.UNAVAILABLE, PoolState.DISABLED])
def test_a_pool_that_is_not_available_takes_nothing_new(database: Database, state: PoolState) -> None:
    pool = added(database, make_pool(state=state))
    assert not database.change(lambda tx: pools.reserve(tx, pool.id, 1, False))
    assert database.change(lambda tx: pools.reserve(tx, pool.id, 1, False, states=(PoolState.AVAILABLE, state)))


def test_a_report_does_not_enable_a_disabled_pool(database: Database) -> None:
    pool = added(database, make_pool(state=PoolState.DISABLED, reason="by ann"))
    database.change(lambda tx: pools.report(tx, pool.id, total=1, used=0, ours=0, state=PoolState.AVAILABLE))
    assert stored(database, pool).state is PoolState.DISABLED


def test_a_pool_found_again_keeps_its_id_and_promises_and_its_version_rises_only_for_what_describes_it(
    database: Database,
) -> None:
    first = database.change(lambda tx: pools.upsert(tx, make_pool(total=1000)))
    database.change(lambda tx: pools.reserve(tx, first.id, 10, False))
    seen = replace(first, id=new_id(), used=7, provisioned=999)
    again = database.change(lambda tx: pools.upsert(tx, seen))
    assert (again.id, again.used, again.provisioned, again.version) == (first.id, 7, 10, 1)
    changed = database.change(lambda tx: pools.upsert(tx, replace(seen, zone="north", abilities=("Snapshots",))))
    assert (changed.zone, changed.abilities, changed.version) == ("north", ("Snapshots",), 2)
