"""A datastore grows with its volume, and only then says so."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from isthmus.core.errors import Conflict
from isthmus.core.model.page import Query
from isthmus.plugins.vsphere.actions.expand import Expand
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.hosts import vmfs
from tests.environment import iscsi
from tests.environment.server import until
from tests.integration.vsphere.actions_site import GIB, ActionSite, cure, message

CLUSTER = "cluster-1"
SLACK = 64 << 20


@pytest.fixture
def volume(site: ActionSite) -> str:
    """The volume of 2 GiB behind the datastore `gold`, which both hosts have."""
    return str(site.done("provision", CLUSTER, name="gold", size=2 * GIB, profile="shared")["volume"])


def sizes(site: ActionSite, volume: str) -> tuple[int, int]:
    """Of the volume and of the file system."""
    return site.array.engine.volumes.get(site.root, volume).size, int(site.vc.named("gold").get("summary.capacity"))


def test_volume_and_file_system_grow_together(site: ActionSite, volume: str) -> None:
    operation = site.begin("expand", "gold", size=3 * GIB)
    found = site.ended(operation)
    assert found.state == "done", found.error
    size, capacity = sizes(site, volume)
    assert size == 3 * GIB and 3 * GIB - SLACK < capacity == found.result["capacity"]
    assert site.task(operation).state == "success"


def test_the_new_room_can_be_written_and_the_old_is_untouched(site: ActionSite, volume: str) -> None:
    engine = site.array.engine
    attachment = engine.attachments.list(site.root, Query(filters={"volume": volume})).items[0]
    (host,) = [each for each in engine.hosts.list(site.root).items if each.id == attachment.host]
    connection = engine.attachments.connection(site.root, attachment.id)
    with closing(iscsi.Initiator(connection, host.initiators[0].name)) as initiator:
        initiator.write(GIB, b"kept" * 128)
    site.done("expand", "gold", size=3 * GIB)
    with closing(iscsi.Initiator(connection, host.initiators[0].name)) as initiator:
        initiator.write(3 * GIB - (1 << 20), b"room" * 128)
        assert initiator.read(3 * GIB - (1 << 20), 512) == b"room" * 128
        assert initiator.read(GIB, 512) == b"kept" * 128


@pytest.mark.parametrize("size", [1500 << 20, 2 * GIB])
def test_it_is_never_made_smaller(site: ActionSite, volume: str, size: int) -> None:
    before = sizes(site, volume)
    with pytest.raises(Conflict, match="has 2 GiB already, and is never made smaller") as caught:
        site.begin("expand", "gold", size=size)
    assert caught.value.details["field"] == "size"
    assert sizes(site, volume) == before


def test_a_new_size_begins_with_the_one_that_it_has(site: ActionSite, volume: str) -> None:
    bounds = site.catalogue.bounds("vsphere", "expand", site.call("gold"))
    assert bounds == {"size": {"minimum": 2 * GIB, "default": 2 * GIB}}


@pytest.mark.parametrize(("step", "after"), [("examine", True), ("extend", False)])
def test_a_failure_before_anything_grew_leaves_all_as_it_was(
    site: ActionSite, volume: str, step: str, after: bool
) -> None:
    before = sizes(site, volume)
    with site.failing("vsphere.expand", step, after=after):
        found = site.act("expand", "gold", size=3 * GIB)
    assert found.state == "failed" and "Everything is as it was before." in site.task(found).error.msg
    assert sizes(site, volume) == before


def test_a_size_that_the_pool_lacks_is_refused_before_anything_is_done(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sizes(site, volume)
    monkeypatch.setattr(Expand, "extend", lambda deed, run: pytest.fail("It was tried."))
    found = site.act("expand", "gold", size=1 << 50)
    assert found.state == "failed" and "has no room" in message(found) and cure(found)
    assert sizes(site, volume) == before


def test_a_volume_that_the_system_does_not_let_grow_ends_it(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sizes(site, volume)
    monkeypatch.setattr("isthmus.plugins.vsphere.actions.expand._growth", lambda backing, wanted: {})
    found = site.act("expand", "gold", size=1 << 50)
    assert found.state == "failed" and "has no room" in message(found)
    assert sizes(site, volume) == before


def test_a_volume_that_grew_before_it_was_stopped_is_told_and_finished_by_asking_again(
    site: ActionSite, volume: str
) -> None:
    before = sizes(site, volume)
    with site.failing("vsphere.expand", "extend", after=True):
        found = site.act("expand", "gold", size=3 * GIB)
    assert found.state == "failed" and sizes(site, volume) == (3 * GIB, before[1])
    told = site.task(found).error.msg
    assert "has 3 GiB now" in told and "as it was before" not in told
    assert found.result["left"]["message"] in told
    site.done("expand", "gold", size=3 * GIB)
    assert sizes(site, volume)[1] > 3 * GIB - SLACK


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", ["scan", "grow", "read_back"])
def test_a_failure_past_that_point_is_overcome(site: ActionSite, volume: str, step: str, after: bool) -> None:
    with site.failing("vsphere.expand", step, after=after):
        found = site.act("expand", "gold", size=3 * GIB)
    assert found.state == "done", found.error
    size, capacity = sizes(site, volume)
    assert size == 3 * GIB and capacity > 3 * GIB - SLACK


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_host_that_does_not_let_it_grow_is_asked_again(site: ActionSite, volume: str, after: bool) -> None:
    fault = vim.fault.PlatformConfigFault(text="no", msg="It is broken")
    site.vc.trouble("ExpandVmfsDatastore", fault=fault, after=after)
    site.done("expand", "gold", size=3 * GIB)
    assert sizes(site, volume)[1] > 3 * GIB - SLACK


def test_success_is_not_said_of_a_file_system_that_did_not_grow(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmfs, "expand", lambda host, store: None)
    operation = site.begin("expand", "gold", size=3 * GIB)

    def told() -> Any:
        found = site.operation(operation)
        return found.state != "done" and "were asked for" in found.note

    until(told, 30)
    assert sizes(site, volume)[0] == 3 * GIB
    monkeypatch.undo()
    assert site.ended(operation).state == "done"


def test_what_stopped_half_way_is_finished_by_asking_again(site: ActionSite, volume: str) -> None:
    site.array.extend(volume, 3 * GIB)
    site.done("expand", "gold", size=3 * GIB)
    assert sizes(site, volume)[1] > 3 * GIB - SLACK


def test_the_plan_says_from_where_to_where_and_changes_nothing(site: ActionSite, volume: str) -> None:
    before = sizes(site, volume)
    plan: Any = site.catalogue.plan("vsphere", "expand", site.call("gold", {"size": 3 * GIB}))
    assert (plan["volume"]["size"], plan["volume"]["new_size"], plan["pivot"]) == (2 * GIB, 3 * GIB, "scan")
    assert sizes(site, volume) == before
