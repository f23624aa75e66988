"""A plugin of one installation uses another one, real servers both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.environment.server import until
from tests.integration.systems.conftest import Place, described, place

pytestmark = pytest.mark.xdist_group("systems")


def made(near: Place, system: str, name: str, token: str) -> Any:
    return near.get(f"/reach/make?system={system}&name={name}", token)


def test_a_plugin_makes_a_volume_elsewhere_under_the_same_request_id(near: Place, far: Place) -> None:
    _, there = far.token_of("near-service", "member")
    _, member = near.token_of("ann", "member")
    near.post("/v1/systems", described(far, "b", there))
    assert near.get("/reach") == ["b", "local"]
    done = made(near, "b", "made-there", member)
    assert done["state"] == "done"
    assert far.get(f"/v1/volumes/{done['volume']}")["name"] == "made-there"
    assert far.get(f"/v1/explanations/{done['request_id']}")["operations"]
    assert near.volumes() == set()
    assert near.ask("DELETE", "/v1/systems/b").status_code == 204
    assert near.get("/reach") == ["local"]
    assert made(near, "b", "too-late", member)["error"]["code"] == "no_system"
    assert far.volumes() == {"made-there"}


def test_rights_here_count_before_the_credential_there(near: Place, far: Place) -> None:
    _, there = far.token_of("strong-service", "manager")
    _, reader = near.token_of("rea", "reader")
    near.post("/v1/systems", described(far, "strong", there))
    assert made(near, "strong", "by-a-reader", reader)["error"]["code"] == "forbidden"
    assert "by-a-reader" not in far.volumes()
    near.ask("DELETE", "/v1/systems/strong")


def test_tenants_are_kept_apart_where_they_are_named(near: Place, far: Place) -> None:
    far.post("/v1/tenants", {"name": "red-there"})
    red = near.post("/v1/tenants", {"name": "red"})["id"]
    near.post("/v1/tenants", {"name": "green"})
    _, red_token = near.token_of("red-member", "member", "red")
    _, green_token = near.token_of("green-member", "member", "green")
    near.post("/v1/systems", described(far, "apart", far.server.token, tenants={red: "red-there"}))
    volume = made(near, "apart", "reds", red_token)["volume"]
    assert far.get(f"/v1/volumes/{volume}")["tenant"] == far.get("/v1/tenants/red-there")["id"]
    assert made(near, "apart", "greens", green_token)["error"]["code"] == "forbidden"
    assert "greens" not in far.volumes()
    near.ask("DELETE", "/v1/systems/apart")


def test_a_wrong_credential_is_not_the_callers_fault(near: Place, far: Place) -> None:
    refused = near.ask("POST", "/v1/systems", described(far, "wrong", "ist_not-a-token-of-far"))
    assert refused.status_code == 409 and refused.json()["code"] == "misconfigured"
    token, there = far.token_of("short-lived", "member")
    _, member = near.token_of("bob", "member")
    near.post("/v1/systems", described(far, "wrong", there))
    far.ask("DELETE", f"/v1/tokens/{token}")
    assert made(near, "wrong", "never", member)["error"]["code"] == "misconfigured"
    trial = near.post("/v1/systems/wrong/test")
    assert not trial["ok"] and there not in str(trial)
    assert near.get("/v1/systems/wrong")["health"] == "failed"
    assert any("system wrong" in said for said in near.warnings())
    doctor = [each for each in near.get("/v1/doctor")["items"] if each["check"] == "system wrong"]
    assert [each["level"] for each in doctor] == ["warning"]
    _, fresh = far.token_of("long-lived", "member")
    assert near.patch("/v1/systems/wrong", {"secrets": {"token": fresh}})["health"] == "healthy"
    assert made(near, "wrong", "after-all", member)["state"] == "done"
    assert near.warnings() == set()
    near.ask("DELETE", "/v1/systems/wrong")


def test_a_change_of_health_is_an_event_and_a_secret_is_in_none(near: Place, far: Place) -> None:
    token, there = far.token_of("told", "member")
    near.post("/v1/systems", described(far, "told", there))
    far.ask("DELETE", f"/v1/tokens/{token}")
    for _ in range(2):
        near.post("/v1/systems/told/test")

    def changes() -> list[Any]:
        events = near.get("/v1/events?after=0&limit=1000")["items"]
        assert there not in str(events)
        return [e["body"]["health"] for e in events if e["kind"].startswith("system.") and e["body"]["name"] == "told"]

    assert until(lambda: len(changes()) >= 2 and changes()) == ["healthy", "failed"]
    near.ask("DELETE", "/v1/systems/told")


def test_another_server_of_the_same_database_follows(near: Place, far: Place, tmp_path: Path) -> None:
    state = near.server.state
    shared = {"database": f"sqlite:///{state}/isthmus.db", "key_source": f"file:{state}/root.key", "node": "n2"}
    _, there = far.token_of("follower", "member")
    _, member = near.token_of("eve", "member")
    near.post("/v1/systems", described(far, "before", there))
    folder = tmp_path / "other"
    (folder / "state").mkdir(parents=True)
    (folder / "state" / "admin.token").write_text(near.server.token)
    with place(folder, **shared) as other:
        assert other.get("/reach") == ["before", "local"]
        added = near.post("/v1/systems", described(far, "b", there))
        until(lambda: other.get("/reach") == ["b", "before", "local"], 60)
        assert made(other, "b", "from-the-other", member)["state"] == "done"
        near.patch(f"/v1/systems/{added['id']}", {"name": "c"})
        until(lambda: other.get("/reach") == ["before", "c", "local"], 60)
        near.patch("/v1/systems/c", {"enabled": False, "secrets": {"token": "ist_wrong"}})
        until(lambda: other.get("/reach") == ["before", "local"], 60)
        near.patch("/v1/systems/c", {"enabled": True})
        until(lambda: other.get("/reach") == ["before", "c", "local"], 60)
        assert made(other, "c", "never", member)["error"]["code"] == "misconfigured"
        near.ask("DELETE", "/v1/systems/c")
        near.ask("DELETE", "/v1/systems/before")
        until(lambda: other.get("/reach") == ["local"], 60)


@pytest.mark.timeout(300)
def test_what_is_dead_or_broken_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "near"
    with place(tmp_path / "far") as far, place(folder) as near:
        near.post("/v1/systems", described(far, "dead", far.server.token, tenant="default"))
        near.post("/v1/systems", {"name": "odd", "adapter": "fragile", "secrets": {"key": "right"}})
        assert near.get("/v1/systems/odd")["product"] == "Fragile blue 1"
        assert near.post("/v1/systems/odd/test")["ok"]
        wrong = near.ask("POST", "/v1/systems", {"name": "odder", "adapter": "fragile", "secrets": {"key": "wrong"}})
        assert (wrong.status_code, wrong.json()["code"]) == (409, "misconfigured")
    (folder / "broken").touch()
    with place(folder) as near:
        assert near.get("/reach") == ["dead", "local"]
        assert any("system odd" in said and "not today" in said for said in near.warnings())
        # The duty asks by itself, and keeps what it found.
        until(lambda: near.get("/v1/systems/dead")["health"] == "failed", 60)
        assert "does not answer" in near.get("/v1/systems/dead")["health_reason"]
        until(lambda: any("system dead" in said for said in near.warnings()), 60)
        levels = {each["check"]: each["level"] for each in near.get("/v1/doctor")["items"]}
        assert (levels["system dead"], levels["system odd"]) == ("warning", "warning")
        assert near.get("/v1/systems/local")["health"] == "healthy"
        _, member = near.token_of("ann", "member")
        assert made(near, "dead", "never", member)["error"]["code"] == "unavailable"
    (folder / "broken").unlink()
    (folder / "hanging").touch()
    with place(folder) as near:
        assert near.get("/reach") == ["dead", "local", "odd"]
        until(lambda: near.get("/v1/systems/odd")["health_reason"] == "It has not answered for 10 s.", 60)
        (folder / "hanging").unlink()
        assert near.post("/v1/systems/odd/test")["ok"]
        assert near.get("/v1/systems/odd")["health"] == "healthy"
