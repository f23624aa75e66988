"""What a request led to can be found by its id; what was secret cannot be found anywhere."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.client import Client
from tests.integration.rest.conftest import PASSWORD, THREADS, World

pytestmark = pytest.mark.xdist_group("rest")

ISCSI = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}}}


@pytest.fixture(scope="module")
def odd(world: World) -> Path:
    """The folder whose files make the odd driver hang or refuse."""
    world.admin.post("/v1/profiles", {"name": "odd", "properties": ISCSI})
    return world.folder / "marks"


@pytest.fixture
def refusing(odd: Path) -> Iterator[None]:
    (odd / "refuse").touch()
    yield
    (odd / "refuse").unlink()


def request_id() -> str:
    return f"req-{uuid.uuid4()}"


def test_a_request_id_goes_in_and_comes_out(member: Client) -> None:
    for header in ("X-Openstack-Request-Id", "X-Request-Id"):
        mine = request_id()
        for path in ("/v1/whoami", "/v1/volumes/nothing", "/v1/nothing"):
            answer = member.ask("GET", path, headers={header: mine})
            assert answer.headers["X-Openstack-Request-Id"] == mine
            assert answer.headers["X-Request-Id"] == mine
    assert member.get("/v1/whoami", headers={"X-Openstack-Request-Id": mine})["request_id"] == mine


def test_all_that_a_request_led_to_is_found_by_its_id(member: Client) -> None:
    mine = request_id()
    body = {"name": "traced", "size": 1 << 20, "profile": "memory"}
    operation = member.done("POST", "/v1/volumes", body, headers={"X-Openstack-Request-Id": mine})
    assert operation["request_id"] == mine

    def explained() -> Any:
        found = member.get(f"/v1/explanations/{mine}")
        return found if found["events"] else None

    found = _soon(explained)
    assert [o["id"] for o in found["operations"]] == [operation["id"]]
    trace = found["operations"][0]["explanation"]
    assert trace["chosen"]
    assert trace["considered"] >= 2
    assert {"filter", "refused"} == set(trace["filters"][0])
    assert [event["kind"] for event in found["events"]] == ["volume.created"]
    assert {event["request_id"] for event in found["events"]} == {mine}
    # An operation's id leads there too.
    assert member.get(f"/v1/explanations/{operation['id']}")["request_id"] == mine
    assert [o["id"] for o in member.get(f"/v1/operations?request_id={mine}")["items"]] == [operation["id"]]


def test_a_failure_is_said_to_the_user_under_the_request_id(world: World, member: Client, refusing: None) -> None:
    mine = request_id()
    body = {"name": "refused", "size": 1 << 20, "profile": "odd"}
    accepted = member.post("/v1/volumes", body, status=202, headers={"X-Openstack-Request-Id": mine})
    ended = member.ended(accepted["id"])
    assert ended["state"] == "failed"
    assert ended["error"]["message"] == "The array has a headache."
    message = member.get(f"/v1/messages?request_id={mine}")["items"][0]
    assert (message["text"], message["next_step"]) == ("The array has a headache.", "Let it rest.")
    assert (message["operation"], message["level"]) == (accepted["id"], "error")
    assert member.get(f"/v1/explanations/{mine}")["messages"][0]["id"] == message["id"]
    # Undone: the volume, its usage and its room are gone.
    assert member.ask("GET", f"/v1/volumes/{accepted['resource']}").status_code == 404
    assert world.as_("member", "green").get(f"/v1/messages?request_id={mine}")["items"] == []
    assert world.as_("member", "green").ask("GET", f"/v1/explanations/{mine}").status_code == 404


def test_no_room_is_explained_under_the_request_id(member: Client) -> None:
    mine = request_id()
    body = {"name": "vast", "size": 1 << 59, "profile": "memory"}
    answer = member.ask("POST", "/v1/volumes", json=body, headers={"X-Openstack-Request-Id": mine})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_placement")
    assert "capacity" in str(answer.json()["details"])
    found = member.get(f"/v1/explanations/{mine}")
    assert found["messages"][0]["code"] == "no_placement"


def test_waiting_ends_with_the_operation_or_the_time(member: Client, odd: Path) -> None:
    (odd / "hang").touch()
    try:
        accepted = member.post("/v1/volumes", {"name": "slow", "size": 1 << 20, "profile": "odd"}, status=202)
        path = f"/v1/operations/{accepted['id']}"
        assert member.get(f"{path}?wait=0.2")["state"] in ("pending", "running")
        threading.Timer(0.3, (odd / "hang").unlink).start()
        began = time.monotonic()
        assert member.get(f"{path}?wait=30")["state"] == "done"
        assert time.monotonic() - began < 25
    finally:
        (odd / "hang").unlink(missing_ok=True)
    assert member.get(f"{path}?wait=30")["state"] == "done"


def test_many_can_wait_and_all_are_told(member: Client, odd: Path) -> None:
    (odd / "hang").touch()
    accepted = member.post("/v1/volumes", {"name": "awaited", "size": 1 << 20, "profile": "odd"}, status=202)
    states: list[str] = []
    path = f"/v1/operations/{accepted['id']}?wait=20"
    places = THREADS // 4
    waiting = [threading.Thread(target=lambda: states.append(member.get(path)["state"])) for _ in range(places)]
    for thread in waiting:
        thread.start()
    (odd / "hang").unlink()
    for thread in waiting:
        thread.join(30)
    assert states == ["done"] * places


def test_secrets_are_nowhere_but_where_they_are_asked_for(world: World, odd: Path) -> None:
    manager, member = world.as_("manager"), world.as_("member")
    volume = member.volume("secret", profile="odd")
    name = "iqn.2026-01.example:keeper"
    host = manager.post("/v1/hosts", {"name": "keeper", "initiators": [{"protocol": "iscsi", "name": name}]})
    made = member.done("POST", "/v1/attachments", {"volume": volume, "host": host["id"]})
    connection = member.get(f"/v1/attachments/{made['resource']}/connection")
    chap = connection["secrets"]["chap_secret"]
    assert connection["public"]["chap_user"]
    token = member.post("/v1/tokens", {"name": "grepped"})["token"]
    client = world.client(token)
    client.get("/v1/whoami")
    client.ask("GET", "/v1/nothing?token=" + token)
    client.close()
    secrets = {"CHAP secret": chap, "token": token, "administrator's token": world.server.token}
    secrets |= {"password": PASSWORD, "password of a back end": PASSWORD + "!"}
    shown = str(world.admin.everything()) + str(member.everything_of())
    shown += str(member.get(f"/v1/explanations/{made['request_id']}"))
    shown += str(world.admin.get("/v1/events?limit=1000")) + str(world.admin.get("/v1/doctor"))
    shown += world.admin.ask("GET", "/metrics").text
    places = {"an answer": shown.encode(), "the log": world.server.log.read_bytes(), **_kept(world.server.state)}
    found = {
        f"{what} in {where}" for what, secret in secrets.items() for where in places if secret.encode() in places[where]
    }
    # The administrator's own files are for the administrator.
    assert found <= {"administrator's token in admin.token", "administrator's token in client.toml"}
    member.done("DELETE", f"/v1/attachments/{made['resource']}")
    assert chap.encode() not in world.server.log.read_bytes()


def test_a_secret_in_a_body_is_not_repeated_when_the_body_is_refused(world: World) -> None:
    secret = "a very special secret"
    for path, body in (
        ("/v1/users", {"name": "x", "tenant": None, "roles": ["king"], "password": secret}),
        ("/v1/backends", {"name": "x", "driver": "odd", "secrets": {"password": 5, "pass": secret}}),
        ("/v1/backends", {"name": "x", "driver": "odd", "settings": {"password": secret, "marks": "x"}}),
        ("/v1/backends", {"name": "x", "driver": "memory", "secrets": {"password": secret}}),
        ("/v1/tokens", {"name": "x", "token": secret}),
    ):
        answer = world.admin.ask("POST", path, json=body)
        assert 400 <= answer.status_code < 500
        assert secret not in answer.text, path
    assert secret not in world.server.log.read_text()


def _kept(state: Path) -> dict[str, bytes]:
    """Every file of the state folder, and the database as one that reads it sees it."""
    files = {str(path.relative_to(state)): path.read_bytes() for path in state.rglob("*") if path.is_file()}
    with closing(sqlite3.connect(f"file:{state / 'isthmus.db'}?mode=ro", uri=True)) as database:
        files["the database"] = "\n".join(database.iterdump()).encode()
    return files


def _soon(ask: Any, seconds: float = 10.0) -> Any:
    until = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found
