"""Many at once for the last of something: as many get it as there is, and no more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from isthmus.core.errors import Conflict, LimitExceeded, Stale
from isthmus.core.model.host import Initiator
from isthmus.core.model.record import Record
from isthmus.core.store import pools, usage
from isthmus.core.store.database import Database, Tx
from isthmus.core.store.nouns import hosts, volumes
from isthmus.core.store.nouns import pools as pool_rows
from isthmus.core.store.records import OwnedRecords
from tests.environment.nouns import make_host, make_pool, make_volume

THREADS = 16


def create(tx: Tx) -> None:
    """Charge for a volume and add it."""
    usage.charge(tx, "acme", "gold", volumes=1, size=5)
    volumes.insert(tx, make_volume(size=5))


def race(work: Callable[[int], int]) -> int:
    """Run `work` in 16 threads that start together; the sum of what they return. Raises what a thread raised."""
    start = threading.Barrier(THREADS)
    results: list[int] = []
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            start.wait()
            results.append(work(number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(results)


def test_the_last_room_of_a_pool_is_promised_exactly_once(database: Database) -> None:
    pool = make_pool(total=1000, reserve=0.1, used=50, ours=0)
    database.change(lambda tx: pool_rows.insert(tx, pool))
    granted = race(lambda _: sum(database.change(lambda tx: pools.reserve(tx, pool.id, 10, False)) for _ in range(8)))
    assert granted == (900 - 50) // 10
    with database.read() as tx:
        assert pool_rows.get(tx, pool.id).provisioned == granted * 10


def test_promises_and_reports_do_not_lose_each_other(database: Database) -> None:
    pool = make_pool(total=1 << 40)
    database.change(lambda tx: pool_rows.insert(tx, pool))

    def work(number: int) -> int:
        for _ in range(8):
            if number % 4 == 0:
                database.change(lambda tx: pools.report(tx, pool.id, total=1 << 40, used=number, ours=number))
            else:
                assert database.change(lambda tx: pools.reserve(tx, pool.id, 10, False))
                database.change(lambda tx: pools.release(tx, pool.id, 4))
        return 0 if number % 4 == 0 else 8 * 6

    promised = race(work)
    with database.read() as tx:
        assert pool_rows.get(tx, pool.id).provisioned == promised == 12 * 8 * 6


@pytest.mark.parametrize("profile", [None, "gold"])
def test_a_limit_is_granted_to_the_last_and_not_one_more(database: Database, profile: str | None) -> None:
    database.change(lambda tx: usage.set_limits(tx, "acme", profile, max_volumes=100))

    def work(_: int) -> int:
        granted = 0
        for _ in range(8):
            try:
                database.change(create)
                granted += 1
            except LimitExceeded:
                continue
        return granted

    assert race(work) == 100
    with database.read() as tx:
        assert usage.get(tx, "acme").volumes == usage.get(tx, "acme", "gold").volumes == 100
        assert usage.get(tx, "acme").bytes == 500
        assert usage.recount(tx) == []


def test_the_first_charges_of_a_tenant_do_not_lose_each_other(database: Database) -> None:
    race(lambda number: database.change(lambda tx: usage.charge(tx, "acme", f"p{number % 4}", volumes=1, size=2)) or 0)
    with database.read() as tx:
        limits = usage.listed(tx, "acme")
    assert [(limit.profile, limit.volumes, limit.bytes) for limit in limits] == [
        (None, 16, 32),
        *((f"p{i}", 4, 8) for i in range(4)),
    ]


def test_a_repair_of_usage_loses_no_charge_made_meanwhile(database: Database) -> None:
    def work(number: int) -> int:
        for _ in range(6):
            if number % 8 == 0:
                database.change(lambda tx: usage.recount(tx, repair=True))
            else:
                database.change(create)
        return 0

    race(work)
    with database.read() as tx:
        assert usage.recount(tx) == []
        assert usage.get(tx, "acme").volumes == 14 * 6


def test_one_of_many_hosts_gets_the_initiator(database: Database) -> None:
    def work(number: int) -> int:
        try:
            database.change(lambda tx: hosts.insert(tx, make_host("iqn.b", "iqn.a", f"iqn.own:{number}")))
            return 1
        except Conflict:
            return 0

    assert race(work) == 1
    with database.read() as tx:
        (host,) = hosts.where(tx)
        assert {initiator.name for initiator in host.initiators} > {"iqn.a", "iqn.b"}
        assert hosts.by_initiator(tx, Initiator("iscsi", "iqn.a")) == host


def test_swapping_initiators_crosswise_ends_without_a_deadlock(database: Database) -> None:
    made = [make_host(f"iqn.{i}") for i in range(4)]
    for host in made:
        database.change(partial(hosts.insert, noun=host))

    def work(number: int) -> int:
        wanted = [Initiator("iscsi", f"iqn.{(number + i) % 4}") for i in range(2)]
        try:
            database.change(lambda tx: hosts.replace_initiators(tx, made[number % 4], wanted))
        except Conflict:
            return 1
        return 0

    race(work)
    with database.read() as tx:
        names = [initiator.name for host in hosts.where(tx) for initiator in host.initiators]
    assert len(names) == len(set(names))


def test_of_changes_made_from_one_version_one_wins(database: Database) -> None:
    records = OwnedRecords(database, "plugin:mine")
    first = records.put(Record("k", "1", {"n": 0}))

    def work(number: int) -> int:
        try:
            records.replace(replace(first, body={"n": number}))
            return 1
        except Stale:
            return 0

    assert race(work) == 1
    stored = records.get("k", "1")
    assert stored is not None
    assert stored.version == 2


def test_no_count_is_lost_when_each_reads_again_and_repeats(database: Database) -> None:
    records = OwnedRecords(database, "plugin:mine")
    records.put(Record("k", "1", {"n": 0}))

    def work(_: int) -> int:
        while True:
            current = records.get("k", "1")
            assert current is not None
            try:
                records.replace(replace(current, body={"n": current.body["n"] + 1}))
                return 1
            except Stale:
                continue

    assert race(work) == THREADS
    stored = records.get("k", "1")
    assert stored is not None
    assert (stored.body, stored.version) == ({"n": THREADS}, THREADS + 1)


def test_a_key_is_taken_by_one(database: Database) -> None:
    records = OwnedRecords(database, "plugin:mine")
    taken = [records.put(Record("k", f"r{number}")) for number in range(THREADS // 2)]

    def work(number: int) -> int:
        try:
            if number % 2:
                records.put(Record("k", f"n{number}", key="x"))
            else:
                records.replace(replace(taken[number // 2], key="x"))
            return 1
        except Conflict:
            return 0

    assert race(work) == 1
