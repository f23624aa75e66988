"""Space that nothing is in goes back to the array, and hosts do by themselves what they were told."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden, Invalid
from isthmus.core.model.page import Query
from isthmus.plugins.vsphere.actions.declared.reclaim import RECLAIM
from isthmus.plugins.vsphere.connection.vmodl import vim, vmodl
from tests.environment import iscsi
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FEW, GIB, ActionSite, action_site, cure, message
from tests.simulators.vcenter.storage.lookup import storage_of

CLUSTER = "cluster-1"
FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"
WRITTEN = 16 << 20


@pytest.fixture
def volume(site: ActionSite) -> str:
    """The volume of the datastore `gold`, which both hosts have."""
    return str(site.done("provision", CLUSTER, name="gold", size=2 * GIB, profile="shared")["volume"])


def settings(site: ActionSite) -> dict[str, tuple[str, int | None]]:
    """What each host does by itself: priority and bandwidth."""
    uuid = site.vc.named("gold").uuid
    known = {host.name: storage_of(host).volumes.known[uuid] for host in site.hosts()}
    return {name: (each.unmap_priority, each.unmap_bandwidth) for name, each in known.items()}


def fill(site: ActionSite, volume: str) -> None:
    """Blocks that the file system knows nothing of, as deleted files leave them."""
    engine = site.array.engine
    attachment = engine.attachments.list(site.root, Query(filters={"volume": volume})).items[0]
    (host,) = [each for each in engine.hosts.list(site.root).items if each.id == attachment.host]
    connection = engine.attachments.connection(site.root, attachment.id)
    with closing(iscsi.Initiator(connection, host.initiators[0].name)) as initiator:
        for offset in range(GIB, GIB + WRITTEN, 1 << 20):
            initiator.write(offset, b"gone" * (1 << 18))


def allocated(site: ActionSite, volume: str) -> int:
    return int(site.array.engine.metrics.volume(site.root, volume).allocated_bytes or 0)


def test_free_blocks_go_back_to_the_array_and_how_many_is_told(site: ActionSite, volume: str) -> None:
    fill(site, volume)
    before = until(lambda: allocated(site, volume) if allocated(site, volume) >= WRITTEN else 0, 10)
    plan = site.catalogue.plan("vsphere", "reclaim", site.call("gold", {"automatic": "keep", "now": True}))
    assert plan["allocated_bytes"] == before and plan["reclaimable_bytes"] == max(0, before - plan["used_bytes"])
    operation = site.begin("reclaim", "gold")
    found = site.ended(operation)
    assert found.state == "done" and site.task(operation).state == "success"
    assert found.result["reclaimed_bytes"] >= WRITTEN and allocated(site, volume) <= before - WRITTEN
    assert found.result["after"]["allocated_bytes"] == allocated(site, volume)
    assert settings(site) == {FIRST: ("low", None), SECOND: ("low", None)}
    assert site.vc.named("gold").get("summary.accessible")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"automatic": "none"}, ("none", None)),
        ({"automatic": "low"}, ("low", None)),
        ({"automatic": "fixed", "bandwidth": 500}, ("low", 500)),
        ({"automatic": "fixed"}, ("low", 100)),
    ],
    ids=["none", "low", "fixed", "least"],
)
def test_every_host_does_by_itself_what_it_was_told(
    site: ActionSite, volume: str, given: dict[str, Any], expected: tuple[str, int | None]
) -> None:
    site.done("reclaim", "gold", now=False, automatic="fixed", bandwidth=900)
    result = site.done("reclaim", "gold", now=False, **given)
    assert settings(site) == {FIRST: expected, SECOND: expected}
    assert {(each["priority"], each["bandwidth"]) for each in result["hosts"].values()} == {expected}


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", list(RECLAIM.steps))
def test_a_failure_in_any_step_leaves_the_hosts_as_they_were(
    site: ActionSite, volume: str, step: str, after: bool
) -> None:
    site.done("reclaim", "gold", now=False, automatic="fixed", bandwidth=900)
    before, settled = site.footprint(), settings(site)
    with site.failing("vsphere.reclaim", step, after=after):
        assert site.act("reclaim", "gold", automatic="none").state == "failed"
    assert site.footprint() == before and settings(site) == settled


@pytest.mark.parametrize("method", ["UpdateVmfsUnmapPriority", "UnmapVmfsVolumeEx_Task"])
def test_a_host_that_refuses_leaves_all_as_they_were(site: ActionSite, volume: str, method: str) -> None:
    second = site.hosts()[1].system("storageSystem").moid
    site.vc.trouble(
        method,
        fault=vim.fault.PlatformConfigFault(text="no", msg="It is broken"),
        when=lambda receiver, arguments: method != "UpdateVmfsUnmapPriority" or receiver._moId == second,
    )
    found = site.act("reclaim", "gold", automatic="none")
    assert found.state == "failed" and "refused: It is broken" in message(found) and cure(found)
    assert settings(site) == {FIRST: ("low", None), SECOND: ("low", None)}


def test_a_host_that_does_not_what_it_said_is_found_out(site: ActionSite, volume: str) -> None:
    uuid = site.vc.named("gold").uuid

    def forget(receiver: Any, arguments: Any) -> bool:
        for host in site.hosts():
            storage_of(host).volumes.known[uuid].unmap_priority = "low"
            storage_of(host).publish()
        return False

    site.vc.trouble("UnmapVmfsVolumeEx_Task", when=forget)
    found = site.act("reclaim", "gold", automatic="none")
    assert found.state == "failed" and "does not do with the datastore gold what it was told" in message(found)


def test_a_volume_that_takes_nothing_back_is_told_of(site: ActionSite, volume: str) -> None:
    site.vc.trouble("UnmapVmfsVolumeEx_Task", fault=vmodl.fault.NotSupported())
    found = site.act("reclaim", "gold")
    assert found.state == "failed" and "does not take them" in message(found) and "thin" in cure(found)


def test_what_is_not_to_be_done_is_refused(site: ActionSite, volume: str) -> None:
    with pytest.raises(Invalid, match="Nothing is to be done"):
        site.begin("reclaim", "gold", now=False)
    site.hosts()[1].set("runtime.connectionState", "disconnected")
    with pytest.raises(Conflict, match=f"no connection to host {SECOND}"):
        site.begin("reclaim", "gold")


def test_an_old_file_system_gives_nothing_back_by_itself(site: ActionSite, volume: str) -> None:
    uuid = site.vc.named("gold").uuid
    for host in site.hosts():
        known = storage_of(host).volumes.known[uuid]
        known.header = replace(known.header, version=5)
        storage_of(host).publish()
    with pytest.raises(Conflict, match="older than VMFS 6"):
        site.begin("reclaim", "gold", automatic="low")
    assert site.begin("reclaim", "gold") is not None


def test_who_lacks_the_right_on_a_host_is_told_which(array: Array) -> None:
    with action_site(array, role=FEW) as site:
        made = site.act("provision", FIRST, site.root, name="gold", size=2 * GIB, profile="plain")
        assert made.state == "done", made.error
        with pytest.raises(Forbidden, match=f"You lack Host.Config.Storage on {FIRST}"):
            site.begin("reclaim", "gold")
