"""Event streams: everything in order, from where one left off, within a budget, and ended in good time."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from isthmus.plugins.rest.routes.events import RECHECK_SECONDS
from tests.environment.server import running_server, until
from tests.integration.rest.client import Client
from tests.integration.rest.conftest import ODD, THREADS, World, furnish

pytestmark = pytest.mark.xdist_group("rest")


@dataclass
class Sent:
    """One event as it came."""

    number: int
    kind: str
    data: dict[str, Any]


def events(answer: requests.Response) -> Iterator[Sent | None]:
    """The events of a stream; None for a comment."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith(":"):
            yield None
        elif line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield Sent(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


def stream(client: Client, path: str = "/v1/events/stream", **headers: str) -> requests.Response:
    return client.ask("GET", path, stream=True, headers=headers)


def last(client: Client) -> int:
    number = 0
    while True:
        page = client.get(f"/v1/events?after={number}&limit=1000")
        if not page["items"]:
            return int(page["last"])
        number = page["last"]


def take(coming: Iterator[Sent | None], count: int, *kinds: str) -> list[Sent]:
    """The next events, of these kinds if any are named."""
    found: list[Sent] = []
    for event in coming:
        found += [event] if event and (not kinds or event.kind in kinds) else []
        if len(found) == count:
            break
    return found


def test_events_come_as_they_happen_and_as_they_are_listed(world: World, member: Client) -> None:
    before = last(member)
    kinds = ("volume.created", "volume.updated", "volume.deleted")
    with closing(stream(member)) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        coming = events(answer)
        assert next(coming) is None, "a comment comes first, so that a client knows that it is heard"
        volume = member.volume("streamed")
        member.patch(f"/v1/volumes/{volume}", {"name": "renamed"})
        member.done("DELETE", f"/v1/volumes/{volume}")
        came = take(coming, 3, *kinds)
    assert tuple(event.kind for event in came) == kinds
    for event in came:
        world.description.validate({"$ref": "#/components/schemas/event"}, event.data)
        assert event.data["resource"] == volume
    listed = [e for e in member.get(f"/v1/events?after={before}&limit=1000")["items"] if e["resource"] == volume]
    assert [event.data for event in came] == listed
    assert [event.number for event in came] == [e["number"] for e in listed]


def test_one_who_comes_back_gets_what_was_missed(member: Client) -> None:
    first = member.volume("missed 1")
    with closing(stream(member, "/v1/events/stream?after=0")) as answer:
        seen = take(events(answer), 1)[0]
    second = member.volume("missed 2")
    number = until(lambda: last_of(member, second))
    listed = [e["number"] for e in pages_after(member, seen.number)]
    for path, header in (
        ("/v1/events/stream?after=0", str(seen.number)),
        (f"/v1/events/stream?after={seen.number}", ""),
    ):
        headers = {"Last-Event-ID": header} if header else {}
        with closing(stream(member, path, **headers)) as answer:
            again = take(events(answer), len(listed))
        assert [event.number for event in again] == listed
        assert again[-1].number == number
    assert {first, second} <= {e["resource"] for e in pages_after(member, 0)}


def last_of(client: Client, resource: str) -> int | None:
    """The number of the newest event, once that is one of this resource."""
    found = pages_after(client, 0)[-1]
    return int(found["number"]) if found["resource"] == resource else None


def pages_after(client: Client, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while items := client.get(f"/v1/events?after={found[-1]['number'] if found else number}&limit=1000")["items"]:
        found += items
    return found


def test_a_stream_shows_ones_own_tenant_only(world: World, member: Client) -> None:
    stranger = world.as_("member", "green")
    with closing(stream(stranger)) as answer:
        member.volume("not yours")
        mine = stranger.volume("mine")
        came = take(events(answer), 1, "volume.created")
    assert [(event.kind, event.data["resource"]) for event in came] == [("volume.created", mine)]


def test_a_revoked_token_is_told_nothing_more(world: World, member: Client) -> None:
    made = member.post("/v1/tokens", {"name": "overheard"})
    client = world.client(made["token"])
    with closing(client), closing(stream(client)) as answer:
        heard = events(answer)
        assert next(heard) is None
        member.ask("DELETE", f"/v1/tokens/{made['id']}")
        time.sleep(RECHECK_SECONDS)
        member.volume("unheard")
        assert "volume.created" not in {one.kind for one in heard if one is not None}


@pytest.mark.parametrize("known", ["x", "-1", "1.5", "9" * 30, "²", ""])
def test_a_number_that_is_none_is_refused(member: Client, known: str) -> None:
    assert member.ask("GET", "/v1/events/stream", headers={"Last-Event-ID": known.encode()}).status_code == 400
    assert member.ask("GET", f"/v1/events/stream?after={known}").status_code == 400


def test_a_number_that_nobody_had_yet_is_410(member: Client) -> None:
    for path in ("/v1/events/stream", "/v1/events"):
        answer = member.ask("GET", f"{path}?after={last(member) + 1000}")
        assert (answer.status_code, answer.json()["code"]) == (410, "gone")
        assert answer.json()["next_step"]


def nobody_listens(world: World) -> bool:
    """Whether all streams are closed: the server learns that a client has gone when it has something to send."""
    for tenant in ("blue", "green"):
        world.as_("manager", tenant).post("/v1/hosts", {"name": "something new"})
    return "isthmus_event_streams 0.0" in world.admin.ask("GET", "/metrics").text


def test_beyond_the_budget_is_503_and_everything_else_is_served(world: World, member: Client) -> None:
    most = THREADS // 2
    until(lambda: nobody_listens(world))
    with ExitStack() as stack:
        for _ in range(most):
            answer = stack.enter_context(closing(stream(member)))
            assert answer.status_code == 200
        refused = member.ask("GET", "/v1/events/stream")
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) >= 1
        assert world.admin.get("/readyz")["ready"]
        assert f"isthmus_event_streams {most}.0" in world.admin.ask("GET", "/metrics").text
        member.volume("beside streams")
    until(lambda: nobody_listens(world))
    with closing(stream(member)) as answer:
        assert answer.status_code == 200


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    """A server of the test's own, with room for 50 streams."""
    with running_server(tmp_path, distributions=[ODD], listen={"threads": 100}) as server:
        made = furnish(server, tmp_path)
        yield made
        made.close()


def test_fifty_streams_are_told_of_what_happens_and_end_with_the_server(own: World) -> None:
    member = own.as_("member")
    with ExitStack() as stack:
        opened = [stack.enter_context(closing(stream(member))) for _ in range(50)]
        assert {answer.status_code for answer in opened} == {200}
        assert member.ask("GET", "/v1/events/stream").status_code == 503
        seen: list[str] = []
        ended: list[bool] = []

        def follow(answer: requests.Response) -> None:
            for event in events(answer):
                seen.extend([event.kind] if event else [])
            ended.append(True)

        following = [threading.Thread(target=follow, args=(answer,)) for answer in opened]
        for thread in following:
            thread.start()
        assert all(own.admin.get("/readyz")["ready"] for _ in range(50))
        member.volume("seen by all")
        until(lambda: seen.count("volume.created") == len(opened))
        own.server.process.send_signal(signal.SIGTERM)
        assert own.server.process.wait(20) == 0
        for thread in following:
            thread.join(20)
    # Each stream ended by itself: a connection that is cut raises in its thread.
    assert len(ended) == len(opened)


def test_what_is_no_longer_kept_is_410_with_the_oldest_number(second: World) -> None:
    # What the retention does after a month, done here by hand beside the running server.
    second.as_("member").volume("old")
    until(lambda: last(second.admin) >= 5)
    with closing(sqlite3.connect(second.server.state / "isthmus.db", timeout=10)) as database:
        database.execute("DELETE FROM events WHERE number < 4")
        database.commit()
    for path in ("/v1/events/stream", "/v1/events"):
        answer = second.admin.ask("GET", f"{path}?after=1")
        assert answer.status_code == 410
        assert answer.json()["details"]["oldest"] == 4
    assert [e["number"] for e in second.admin.get("/v1/events?after=3&limit=2")["items"]] == [4, 5]
