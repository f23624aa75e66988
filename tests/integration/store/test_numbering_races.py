"""However many write, number and read at once: consecutive numbers, and every committed event once."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.core.events import log, reader
from isthmus.core.events.numberer import number_waiting
from isthmus.core.model.page import Query
from isthmus.core.model.volume import Volume
from isthmus.core.store import listing
from isthmus.core.store.database import Database
from isthmus.core.store.nouns import volumes
from tests.environment.database import another
from tests.environment.nouns import make_context, make_volume


class Rollback(Exception):
    """The transaction is not to be."""


def test_numbers_have_no_hole_and_no_double_and_readers_miss_nothing(database: Database) -> None:
    committed: set[str] = set()
    lock = threading.Lock()
    writing = threading.Event()
    writing.set()
    seen: list[tuple[int, str]] = []
    other = another(database)
    errors: list[BaseException] = []

    def write(worker: int) -> None:
        source = random.Random(worker)
        for i in range(30):
            name = f"{worker}-{i}"

            def work(tx: Any, name: str = name) -> None:
                log.append(tx, "volume.created", "volume", name, tenant="acme", context=make_context())
                if not database.is_sqlite:
                    time.sleep(source.random() * 0.01)
                if source.random() < 0.3:
                    raise Rollback

            try:
                database.change(work)
            except Rollback:
                continue
            with lock:
                committed.add(name)

    def number(opened: Database) -> None:
        while writing.is_set():
            number_waiting(opened, batch=3)

    def read() -> None:
        while writing.is_set():
            follow()

    def follow() -> bool:
        with database.read() as tx:
            fresh = reader.after(tx, seen[-1][0] if seen else 0, 50)
        seen.extend((event.number or 0, event.resource) for event in fresh)
        return bool(fresh)

    def guarded(work: Any, *arguments: Any) -> threading.Thread:
        def run() -> None:
            try:
                work(*arguments)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    others = [guarded(number, database), guarded(number, other), guarded(read)]
    writers = [guarded(write, worker) for worker in range(8)]
    for thread in writers:
        thread.join()
    writing.clear()
    for thread in others:
        thread.join()
    assert errors == []
    number_waiting(other)
    while len(seen) < len(committed) and follow():
        pass
    other.close()
    assert [given for given, _ in seen] == list(range(1, len(committed) + 1))
    assert {name for _, name in seen} == committed


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_event_that_commits_late_gets_a_late_number(database: Database) -> None:
    """Where transactions run side by side, one that wrote first may commit last; it must not slip in before."""
    written, commit = threading.Event(), threading.Event()

    def late(tx: Any) -> None:
        log.append(tx, "volume.created", "volume", "late", tenant="acme", context=make_context())
        written.set()
        assert commit.wait(20)

    thread = threading.Thread(target=database.change, args=(late,))
    thread.start()
    assert written.wait(20)
    database.change(
        lambda tx: log.append(tx, "volume.created", "volume", "early", tenant="acme", context=make_context())
    )
    assert number_waiting(database) == 1
    commit.set()
    thread.join()
    assert number_waiting(database) == 1
    with database.read() as tx:
        assert [(event.number, event.resource) for event in reader.after(tx, 0)] == [(1, "early"), (2, "late")]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 7), sort=st.sampled_from(["name", "-name", "created_at", "-size"]), seed=st.integers())
def test_a_walk_over_pages_sees_each_that_was_there_once_whatever_is_added_meanwhile(
    database: Database, limit: int, sort: str, seed: int
) -> None:
    source = random.Random(seed)
    tenant = f"t{source.getrandbits(64)}"

    def add(prefix: str) -> str:
        volume = make_volume(tenant=tenant, name=f"{source.choice('abc')}{prefix}", size=source.randrange(4))
        database.change(lambda tx: volumes.insert(tx, volume))
        return volume.id

    there = [add("old") for _ in range(20)]
    walking = threading.Event()
    walking.set()

    def disturb() -> None:
        while walking.is_set():
            add("new")

    disturber = threading.Thread(target=disturb)
    disturber.start()
    seen: list[Volume] = []
    cursor = None
    try:
        while True:
            with database.read() as tx:
                found = listing.page(
                    tx,
                    volumes,
                    Query(sort=sort, limit=limit, cursor=cursor),
                    sort_keys=("name", "created_at", "size"),
                    filter_fields=(),
                    signer=b"key",
                    scope={"tenant": tenant},
                )
            seen += found.items
            cursor = found.next
            if cursor is None or len(seen) > 400:
                break
    finally:
        walking.clear()
        disturber.join()
    ids = [volume.id for volume in seen]
    assert len(ids) == len(set(ids))
    key = sort.removeprefix("-")
    order = [(getattr(volume, key), volume.id) for volume in seen]
    assert order == sorted(order, reverse=sort.startswith("-"))
    if cursor is None:
        assert set(there) <= set(ids)
