"""Tokens and passwords: what opens, what is refused, and from when on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.integration.rest.client import Client
from tests.integration.rest.conftest import PASSWORD, World

pytestmark = pytest.mark.xdist_group("rest")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def stranger(world: World) -> Iterator[Client]:
    """A client without credentials of its own."""
    client = world.client("none")
    del client.session.headers["Authorization"]
    yield client
    client.close()


def user(world: World, name: str, *roles: str) -> str:
    body = {"name": name, "tenant": world.tenant("blue"), "roles": list(roles or ("member",)), "password": PASSWORD}
    return str(world.admin.post("/v1/users", body)["id"])


def test_a_revoked_token_is_refused_at_once(world: World) -> None:
    made = world.as_("member").post("/v1/tokens", {"name": "short-lived"})
    client = world.client(made["token"])
    assert client.get("/v1/whoami")["tenant"] == world.tenant("blue")
    world.as_("member").delete(f"/v1/tokens/{made['id']}")
    answers = [client.ask("GET", "/v1/whoami").status_code for _ in range(3)]
    assert answers == [401, 401, 401]
    # Done already is done.
    world.as_("member").delete(f"/v1/tokens/{made['id']}")
    client.close()


def test_a_token_never_does_more_than_it_was_given(world: World) -> None:
    made = world.as_("manager").post("/v1/tokens", {"name": "only reading", "roles": ["manager"]})
    assert made["roles"] == ["manager"]
    user(world, "two-roles", "member", "reader")
    less = world.admin.post("/v1/tokens", {"name": "reads", "user": "two-roles", "roles": ["reader"]})
    client = world.client(less["token"])
    assert client.get("/v1/whoami")["roles"] == ["reader"]
    body = {"name": "x", "size": 1 << 20, "profile": "memory"}
    assert client.ask("POST", "/v1/volumes", json=body).status_code == 403
    client.close()


def test_the_text_of_a_token_is_shown_once(world: World) -> None:
    made = world.as_("member").post("/v1/tokens", {"name": "once"})
    listed = world.as_("member").get("/v1/tokens?name=once")["items"]
    assert [token["id"] for token in listed] == [made["id"]]
    assert made["token"] not in str(world.as_("member").get("/v1/tokens?limit=1000"))


def test_name_and_password_open_and_wrong_ones_do_not(world: World, stranger: Client) -> None:
    user(world, "ada")
    said = stranger.get("/v1/whoami", headers=basic("ada", PASSWORD))
    assert said["roles"] == ["member"]
    for name, password in (
        ("ada", ""),
        ("ADA", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("a" * 5000, "b" * 5000),
    ):
        answer = stranger.ask("GET", "/v1/whoami", headers=basic(name, password))
        assert answer.status_code == 401, name
        assert answer.headers["WWW-Authenticate"]
        # Nobody learns whether it was the name or the password.
        assert answer.json()["detail"] == "The credentials are not valid."
    # A right one makes up for what went before, and does so at once.
    assert stranger.ask("GET", "/v1/whoami", headers=basic("ada", PASSWORD)).status_code == 200


def test_too_many_wrong_passwords_lock_the_user_for_a_while(world: World, stranger: Client) -> None:
    user(world, "eve")
    token = world.admin.post("/v1/tokens", {"name": "t", "user": "eve"})["token"]
    for _ in range(5):
        assert stranger.ask("GET", "/v1/whoami", headers=basic("eve", "wrong wrong wrong")).status_code == 401
    locked = stranger.ask("GET", "/v1/whoami", headers=basic("eve", PASSWORD))
    assert locked.status_code == 401
    assert 1 <= int(locked.headers["Retry-After"]) <= 60
    assert world.admin.get("/v1/users/eve")["locked_until"] is not None
    # Tokens are no guess at a password.
    client = world.client(token)
    assert client.ask("GET", "/v1/whoami").status_code == 200
    client.close()
    # A new password, given by somebody who may, lets the user in again.
    fresh = "a new one altogether"
    world.admin.patch("/v1/users/eve", {"password": fresh})
    assert stranger.ask("GET", "/v1/whoami", headers=basic("eve", fresh)).status_code == 200
    assert stranger.ask("GET", "/v1/whoami", headers=basic("eve", PASSWORD)).status_code == 401


def test_no_answer_tells_whether_a_name_is_somebodys(world: World, stranger: Client) -> None:
    user(world, "trent")

    def said(name: str) -> list[tuple[int, str, bool]]:
        answers = [stranger.ask("GET", "/v1/whoami", headers=basic(name, "wrong wrong wrong")) for _ in range(7)]
        return [(one.status_code, one.json()["detail"], "Retry-After" in one.headers) for one in answers]

    assert said("trent") == said("nobody at all")


def test_guessing_side_by_side_is_no_way_around_the_lock(world: World, stranger: Client) -> None:
    user(world, "mallory")

    def guess(number: int) -> requests.Response:
        return stranger.ask("GET", "/v1/whoami", headers=basic("mallory", f"guess number {number}"))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(guess, range(8)))
    assert {answer.status_code for answer in answers} == {401}
    assert "Retry-After" in guess(99).headers


def test_a_changed_password_counts_at_once(world: World, stranger: Client) -> None:
    user(world, "carol")
    assert stranger.ask("GET", "/v1/whoami", headers=basic("carol", PASSWORD)).status_code == 200
    changed = stranger.ask(
        "PATCH",
        f"/v1/users/{stranger.get('/v1/whoami', headers=basic('carol', PASSWORD))['user']}",
        json={"password": "another password"},
        headers=basic("carol", PASSWORD),
    )
    assert changed.status_code == 200
    assert stranger.ask("GET", "/v1/whoami", headers=basic("carol", PASSWORD)).status_code == 401
    assert stranger.ask("GET", "/v1/whoami", headers=basic("carol", "another password")).status_code == 200
