"""What is measured, over the API of a real server: true, as described, and an error in seconds where a driver hangs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from isthmus.core.drivers.memory import MemoryClient
from isthmus.core.model.attachment import Connection
from tests.environment.server import until
from tests.integration.rest.client import Client
from tests.integration.rest.conftest import World

pytestmark = pytest.mark.xdist_group("rest")


@dataclass
class Hanging:
    """A server whose drivers have a second for a call; that of the profile `measured` hangs while `mark` is there."""

    world: World
    mark: Path

    def as_(self, role: str) -> Client:
        return self.world.as_(role)


@pytest.fixture
def hanging(second: World) -> Iterator[Hanging]:
    properties = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}}}
    second.admin.post("/v1/profiles", {"name": "measured", "properties": properties})
    mark = second.folder / "marks" / "hang-measuring"
    yield Hanging(second, mark)
    mark.unlink(missing_ok=True)


def test_what_a_host_does_shows_in_the_metrics_of_its_volume(world: World) -> None:
    member = world.as_("member")
    volume = member.volume("measured")
    host = world.as_("manager").post("/v1/hosts", {"name": "measuring"})["id"]
    attachment = member.done("POST", "/v1/attachments", {"volume": volume, "host": host})["resource"]
    before = member.get(f"/v1/volumes/{volume}/metrics")
    given = member.get(f"/v1/attachments/{attachment}/connection")
    client = MemoryClient(Connection("memory", given["public"], given["secrets"]))
    client.write(0, b"x" * 8192)
    client.close()
    after = world.as_("reader").get(f"/v1/volumes/{volume}/metrics")
    assert (before["allocated_bytes"], after["allocated_bytes"]) == (0, 8192)
    assert (before["written_bytes"], after["written_bytes"]) == (0, 8192)
    assert after["series"] == before["series"] and after["since"] < before["at"] < after["at"]
    assert world.as_("member", "red").ask("GET", f"/v1/volumes/{volume}/metrics").status_code == 404
    assert member.get(f"/v1/volumes/{volume}/metrics/history") == {"items": []}


def test_a_pool_is_measured_for_everybody(world: World) -> None:
    pool = next(p for p in world.admin.get("/v1/pools")["items"] if p["name"] == "pool0")
    found = world.as_("reader", "red").get(f"/v1/pools/{pool['id']}/metrics")
    assert (found["resource"], found["total_bytes"]) == (pool["id"], 1 << 40)
    assert world.admin.get(f"/v1/pools/{pool['id']}/metrics/history") == {"items": []}
    assert world.admin.ask("GET", f"/v1/pools/{pool['id']}/metrics?since=now").status_code == 400


def test_a_driver_that_hangs_is_told_in_seconds_and_nobody_else_waits(hanging: Hanging) -> None:
    member = hanging.as_("member")
    odd, other = member.volume("odd", profile="measured"), member.volume("beside it")
    hanging.mark.touch()
    for _ in range(2):
        told = member.ask("GET", f"/v1/volumes/{odd}/metrics")
        assert told.status_code == 502, told.text
        assert "did not end within" in told.json()["detail"], told.text
        assert "Look at the back end" in told.json()["next_step"]
    assert member.get(f"/v1/volumes/{other}/metrics")["allocated_bytes"] == 0
    assert member.get(f"/v1/volumes/{odd}")["state"] == "available"
    hanging.mark.unlink()
    until(lambda: member.ask("GET", f"/v1/volumes/{odd}/metrics").status_code == 200, 30)
