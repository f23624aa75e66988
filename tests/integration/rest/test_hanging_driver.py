"""A driver that does not come back holds up its own operation, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment.server import until
from tests.integration.rest.conftest import World

pytestmark = pytest.mark.xdist_group("rest")


@pytest.fixture(scope="module")
def hanging(second: World) -> World:
    """A server whose drivers have a second for a call, and a profile whose driver hangs while a file is there."""
    properties = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "iscsi"}}}
    second.admin.post("/v1/profiles", {"name": "odd", "properties": properties})
    return second


@pytest.fixture(autouse=True)
def _no_mark(hanging: World) -> Iterator[None]:
    yield
    (hanging.folder / "marks" / "hang").unlink(missing_ok=True)


def test_a_call_that_hangs_ends_as_an_error_and_its_operation_goes_on_when_it_can(hanging: World) -> None:
    member, mark = hanging.as_("member"), hanging.folder / "marks" / "hang"
    mark.touch()
    body = {"name": "hung", "size": 1 << 20, "profile": "odd"}
    # More of them than there are threads for operations.
    accepted = [member.post("/v1/volumes", body, status=202)["id"] for _ in range(6)]
    told = until(lambda: _note(hanging, accepted[0]), 30)
    assert "create did not end within" in told or "still works on" in told
    # The control plane serves meanwhile: other back ends, reads, health.
    assert member.volume("beside it")
    assert hanging.admin.get("/readyz")["ready"]
    metrics = hanging.admin.ask("GET", "/metrics").text
    assert 'isthmus_operations_live{kind="volume.create"' in metrics
    mark.unlink()
    for operation in accepted:
        found = member.ended(operation)
        assert found["state"] == "done", found
        assert member.get(f"/v1/volumes/{found['resource']}")["state"] == "available"
    # Nothing was made twice, and nothing is left over.
    findings = [f for f in hanging.admin.get("/v1/doctor")["items"] if f["level"] == "error"]
    assert [f for f in findings if "target" not in f["check"]] == []


def test_what_hangs_can_be_taken_back(hanging: World) -> None:
    member, mark = hanging.as_("member"), hanging.folder / "marks" / "hang"
    mark.touch()
    try:
        body = {"name": "regretted", "size": 1 << 20, "profile": "odd"}
        accepted = member.post("/v1/volumes", body, status=202)
        until(lambda: _note(hanging, accepted["id"]), 30)
        member.post(f"/v1/operations/{accepted['id']}/cancel", status=202)
    finally:
        mark.unlink()
    assert member.ended(accepted["id"])["state"] == "cancelled"
    assert member.ask("GET", f"/v1/volumes/{accepted['resource']}").status_code == 404


def _note(world: World, operation: str) -> str:
    """What the operation says of its last failed try."""
    return str(world.as_("member").get(f"/v1/operations/{operation}")["note"])


def test_marks_are_where_the_driver_looks(hanging: World) -> None:
    settings = hanging.admin.get("/v1/backends/odd")["settings"]
    assert Path(settings["marks"]) == hanging.folder / "marks"
    assert "password" not in settings
