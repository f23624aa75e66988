"""Events get consecutive numbers once they are committed, and are kept for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from isthmus.core.errors import Gone, Invalid, Unavailable
from isthmus.core.events import log, reader, retention
from isthmus.core.events.numberer import last_number, number_waiting
from isthmus.core.model.event import Event
from isthmus.core.model.identity import now
from isthmus.core.store import schema
from isthmus.core.store.database import Database
from tests.environment.nouns import make_context


def append(database: Database, *resources: str, tenant: str | None = "acme", **more: Any) -> None:
    def work(tx: Any) -> None:
        for resource in resources:
            log.append(tx, "volume.created", "volume", resource, tenant=tenant, context=make_context(), **more)

    database.change(work)


def read(database: Database, number: int = 0, limit: int = 1000, **more: Any) -> list[Event]:
    with database.read() as tx:
        return reader.after(tx, number, limit, **more)


def age(database: Database, number: int, days: int) -> None:
    """Let the events up to `number` be older."""
    events = schema.events
    moment = now() - timedelta(days=days)
    database.change(lambda tx: tx.execute(events.update().where(events.c.number <= number).values(created_at=moment)))


def test_an_event_is_seen_when_it_has_a_number(database: Database) -> None:
    append(database, "v1", body={"size": 5}, operation="op")
    assert read(database) == []
    assert number_waiting(database) == 1
    (event,) = read(database)
    assert (event.number, event.kind, event.resource, event.tenant) == (1, "volume.created", "v1", "acme")
    assert (event.user, event.operation, event.body) == ("ann", "op", {"size": 5})
    assert abs(now() - event.created_at) < timedelta(minutes=5)
    assert number_waiting(database) == 0


def test_what_was_rolled_back_was_never_said_and_leaves_no_hole(database: Database) -> None:
    append(database, "v1")

    def work(tx: Any) -> None:
        log.append(tx, "volume.created", "volume", "v2", tenant="acme", context=make_context())
        raise Unavailable("The array is away.")

    with pytest.raises(Unavailable):
        database.change(work)
    append(database, "v3")
    number_waiting(database)
    assert [(event.number, event.resource) for event in read(database)] == [(1, "v1"), (2, "v3")]


def test_numbers_follow_the_order_of_writing_over_several_batches(database: Database) -> None:
    names = [f"v{i:03}" for i in range(120)]
    append(database, *names[:70])
    append(database, *names[70:])
    assert number_waiting(database, batch=7) == 120
    assert [(event.number, event.resource) for event in read(database)] == list(enumerate(names, start=1))
    assert [event.number for event in read(database, 100, 5)] == [101, 102, 103, 104, 105]


def test_a_tenant_sees_its_own(database: Database) -> None:
    append(database, "v1")
    append(database, "v2", tenant="other")
    append(database, "p1", tenant=None)
    number_waiting(database)
    assert [event.resource for event in read(database)] == ["v1", "v2", "p1"]
    assert [event.number for event in read(database, tenant="other")] == [2]
    assert read(database, 2, tenant="other") == []


def test_old_events_go_from_the_oldest_on(database: Database) -> None:
    append(database, *(f"v{i}" for i in range(1, 11)))
    number_waiting(database)
    age(database, 6, days=31)
    append(database, "waiting")
    assert retention.discard_old(database, batch=4) == 6
    assert [event.number for event in read(database, 6)] == [7, 8, 9, 10]
    assert number_waiting(database) == 1


def test_never_more_than_so_many_are_kept(database: Database) -> None:
    append(database, *(f"v{i}" for i in range(1, 11)))
    number_waiting(database)
    assert retention.discard_old(database, kept_at_most=3, batch=2) == 7
    assert [event.number for event in read(database, 7)] == [8, 9, 10]
    assert retention.discard_old(database, kept_at_most=3) == 0


def test_an_event_younger_than_the_limit_keeps_those_after_it(database: Database) -> None:
    append(database, "v1", "v2", "v3")
    number_waiting(database)
    events = schema.events
    old = now() - timedelta(days=40)
    database.change(lambda tx: tx.execute(events.update().where(events.c.number == 2).values(created_at=old)))
    assert retention.discard_old(database) == 0
    assert len(read(database)) == 3


def test_numbers_are_never_given_twice_even_when_all_events_are_gone(database: Database) -> None:
    append(database, "v1", "v2")
    number_waiting(database)
    age(database, 2, days=31)
    assert retention.discard_old(database) == 2
    assert read(database, 2) == []
    append(database, "v3")
    number_waiting(database)
    assert [event.number for event in read(database, 2)] == [3]


def test_a_start_before_the_oldest_is_told_where_to_go_on(database: Database) -> None:
    append(database, *(f"v{i}" for i in range(1, 6)))
    number_waiting(database)
    age(database, 3, days=31)
    retention.discard_old(database)
    for start in (0, 2):
        for tenant in (None, "acme", "other"):
            with pytest.raises(Gone) as gone:
                read(database, start, tenant=tenant)
            assert gone.value.details["oldest"] == 4
    assert [event.number for event in read(database, 3)] == [4, 5]


def test_a_number_that_was_never_given_is_gone_too(database: Database) -> None:
    append(database, "v1")
    number_waiting(database)
    assert read(database, 1) == []
    with pytest.raises(Gone) as gone:
        read(database, 2)
    assert gone.value.details["oldest"] == 1


def test_an_empty_log_starts_at_one(database: Database) -> None:
    assert read(database) == []
    with database.read() as tx:
        assert (last_number(tx), reader.oldest_number(tx)) == (0, 1)


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_is_bounded(database: Database, limit: int) -> None:
    with pytest.raises(Invalid):
        read(database, 0, limit)
