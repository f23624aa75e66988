"""Many listeners, one reader: every event once, in order, and an end when it is time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from isthmus.core.errors import Gone, Overloaded
from isthmus.core.events import log, retention
from isthmus.core.events.frame import HEARTBEAT, server_sent
from isthmus.core.events.numberer import number_waiting
from isthmus.core.events.stream import ROUND_SECONDS, EventStream, Subscription
from isthmus.core.model.event import Event
from isthmus.core.store.database import Database
from tests.environment.nouns import make_context

WAIT = 20.0


@pytest.fixture
def stream(database: Database) -> Iterator[EventStream]:
    made = EventStream(database, most=8)
    yield made
    made.close()


def emit(database: Database, *resources: str, tenant: str = "acme") -> None:
    def work(tx: Any) -> None:
        for resource in resources:
            log.append(tx, "volume.created", "volume", resource, tenant=tenant, context=make_context())

    database.change(work)
    number_waiting(database)


def resources(chunk: bytes) -> list[str]:
    lines = [line.removeprefix("data: ") for line in chunk.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line)["resource"] for line in lines]


def numbers(chunk: bytes) -> list[int]:
    return [int(line.removeprefix("id: ")) for line in chunk.decode().splitlines() if line.startswith("id: ")]


class Listener:
    """Reads a subscription to its end in a thread of its own."""

    def __init__(self, subscription: Subscription) -> None:
        self.seen: list[str] = []
        self.numbers: list[int] = []
        self.chunks = 0
        self.ended = threading.Event()
        threading.Thread(target=self._listen, args=(subscription,), daemon=True).start()

    def _listen(self, subscription: Subscription) -> None:
        for chunk in subscription:
            self.numbers += numbers(chunk)
            self.seen += resources(chunk)
            self.chunks += 1
        self.ended.set()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.01)


def test_a_listener_gets_what_was_and_what_comes_each_once_in_order(database: Database, stream: EventStream) -> None:
    emit(database, "v1", "v2", "v3")
    listener = Listener(stream.subscribe(after=1))
    late = Listener(stream.subscribe())
    until(lambda: len(listener.seen) == 2)
    for i in range(4, 40):
        emit(database, f"v{i}")
    until(lambda: len(listener.seen) == 38 and len(late.seen) == 36)
    assert listener.numbers == list(range(2, 40))
    assert listener.seen == [f"v{i}" for i in range(2, 40)]
    assert late.numbers == list(range(4, 40))


def test_a_tenant_hears_its_own_only(database: Database, stream: EventStream) -> None:
    listener = Listener(stream.subscribe(tenant="other"))
    emit(database, "v1")
    emit(database, "v2", tenant="other")
    emit(database, "v3")
    emit(database, "v4", tenant="other")
    until(lambda: len(listener.seen) >= 2)
    assert listener.seen == ["v2", "v4"]


def test_an_event_is_written_once_for_all_listeners(database: Database, stream: EventStream) -> None:
    written: list[int | None] = []

    def render(event: Event) -> bytes:
        written.append(event.number)
        return server_sent(event)

    listeners = [Listener(stream.subscribe(render=render)) for _ in range(5)]
    for i in range(20):
        emit(database, f"v{i}")
    until(lambda: all(len(listener.seen) == 20 for listener in listeners))
    assert written == list(range(1, 21))


def test_a_burst_does_not_wake_a_listener_for_every_event(database: Database, stream: EventStream) -> None:
    listener = Listener(stream.subscribe())
    until(lambda: listener.chunks == 1)
    begun = time.monotonic()
    for i in range(50):
        emit(database, f"v{i}")
        stream.wake()
    until(lambda: len(listener.seen) == 50)
    rounds = (time.monotonic() - begun) / ROUND_SECONDS
    assert listener.chunks <= 1 + rounds + 2


def test_a_listener_that_falls_behind_misses_nothing(database: Database) -> None:
    stream = EventStream(database, most=2, kept=5)
    slow = iter(stream.subscribe())
    other = Listener(stream.subscribe())
    assert next(slow) == HEARTBEAT
    emit(database, *(f"v{i}" for i in range(30)))
    until(lambda: len(other.seen) == 30)
    assert resources(next(slow)) == [f"v{i}" for i in range(30)]
    stream.close()


def test_silence_is_filled_with_heartbeats(database: Database) -> None:
    stream = EventStream(database, most=1, heartbeat=0.05)
    with stream.subscribe() as subscription:
        chunks = iter(subscription)
        assert [next(chunks) for _ in range(4)] == [HEARTBEAT] * 4
    stream.close()


def test_a_stream_ends_by_itself(database: Database) -> None:
    stream = EventStream(database, most=1, longest=0.2)
    assert list(stream.subscribe()) == [HEARTBEAT, HEARTBEAT]
    assert stream.listeners == 0


def test_closing_ends_every_stream_at_once(database: Database, stream: EventStream) -> None:
    listeners = [Listener(stream.subscribe()) for _ in range(5)]
    until(lambda: all(listener.chunks for listener in listeners))
    stream.close()
    assert all(listener.ended.wait(WAIT) for listener in listeners)
    assert stream.listeners == 0
    with pytest.raises(Overloaded):
        stream.subscribe()


def test_there_are_only_so_many_places_and_an_ended_stream_gives_its_back(
    database: Database, stream: EventStream
) -> None:
    held = [stream.subscribe() for _ in range(8)]
    with pytest.raises(Overloaded) as refused:
        stream.subscribe()
    assert refused.value.details["retry_after"] > 0
    held[0].close()
    held[0].close()
    held.append(stream.subscribe())
    with pytest.raises(Overloaded):
        stream.subscribe()
    for subscription in held:
        subscription.close()
    assert stream.listeners == 0


def test_a_start_that_is_no_longer_kept_is_refused_and_takes_no_place(database: Database, stream: EventStream) -> None:
    emit(database, "v1", "v2", "v3")
    retention.discard_old(database, kept_at_most=1)
    with pytest.raises(Gone):
        stream.subscribe(after=0)
    assert stream.listeners == 0


def test_a_listener_that_fell_behind_what_is_kept_comes_to_an_end(database: Database) -> None:
    stream = EventStream(database, most=2, kept=2)
    slow = iter(stream.subscribe())
    other = Listener(stream.subscribe())
    assert next(slow) == HEARTBEAT
    emit(database, *(f"v{i}" for i in range(9)))
    until(lambda: len(other.seen) == 9)
    retention.discard_old(database, kept_at_most=1)
    assert list(slow) == []
    assert stream.listeners == 1
    stream.close()


def test_the_reader_runs_only_while_somebody_listens(database: Database, stream: EventStream) -> None:
    def readers() -> int:
        return sum(thread.name == "events" for thread in threading.enumerate())

    until(lambda: readers() == 0)
    with stream.subscribe():
        assert readers() == 1
        with stream.subscribe():
            assert readers() == 1
    until(lambda: readers() == 0)
    listener = Listener(stream.subscribe())
    emit(database, "v1")
    until(lambda: listener.seen == ["v1"])
