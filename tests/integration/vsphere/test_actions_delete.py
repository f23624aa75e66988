"""A datastore is deleted with its volume, or refused with the names of what is in the way."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden, NotFound
from isthmus.core.journal.tenure import StepRun
from isthmus.plugins.vsphere.actions.backing import Backing
from isthmus.plugins.vsphere.actions.delete import Delete
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.hosts import esx
from isthmus.plugins.vsphere.hosts.reading import read_all
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FEW, GIB, ActionSite, action_site, message, refused
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine

CLUSTER = "cluster-1"
KEPT = ("examine", "unmount")
PAST = ("destroy", "detach", "targets", "withdraw", "volume", "read_back")


@pytest.fixture
def empty(site: ActionSite) -> Any:
    """What there was before there was a datastore."""
    return site.footprint()


@pytest.fixture
def volume(site: ActionSite, empty: Any) -> str:
    """The volume behind the datastore `gold`, which both hosts have."""
    return str(site.done("provision", CLUSTER, name="gold", size=2 * GIB, profile="shared")["volume"])


def without_hosts(footprint: Any) -> Any:
    """The storage knows the vCenter's hosts from the first datastore on."""
    return {name: value for name, value in footprint.items() if name != "hosts"}


def test_nothing_is_left_of_it(site: ActionSite, empty: Any, volume: str) -> None:
    operation = site.begin("delete", "gold")
    found = site.ended(operation)
    assert found.state == "done", found.error
    assert without_hosts(site.footprint()) == without_hosts(empty)
    assert not any(volume in path.name for path in site.array.folder.rglob("*"))
    assert site.task(operation).state == "success"


def test_a_machine_on_it_is_named_and_nothing_is_touched(site: ActionSite, volume: str) -> None:
    before = site.footprint()
    VirtualMachine(site.vc, "payroll", site.hosts()[0], site.vc.named("gold"), (1 << 20,))
    with refused(Conflict, "gold cannot be deleted: virtual machine payroll"):
        site.begin("delete", "gold")
    assert site.footprint() == before


def leaving(site: ActionSite, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the second host leave the inventory before a step."""
    work, second = getattr(Delete, step), site.hosts()[1]

    def then(deed: Delete, run: Any) -> Any:
        monkeypatch.setattr(esx, "read_all", lambda connection, refs, *paths: {
            moid: values for moid, values in read_all(connection, refs, *paths).items() if moid != second.moid
        })  # fmt: skip
        return work(deed, run)

    monkeypatch.setattr(Delete, step, then)


def test_a_host_that_left_the_inventory_meanwhile_is_in_nobodys_way(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving(site, "detach", monkeypatch)
    found = site.act("delete", "gold")
    assert found.state == "done", found.error
    with pytest.raises(NotFound):
        site.array.engine.volumes.get(site.root, volume)


def test_nor_is_it_on_the_way_back(site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leaving(site, "remount", monkeypatch)
    with site.failing("vsphere.delete", "unmount"):
        found = site.act("delete", "gold")
    assert (found.state, message(found)) == ("failed", "The step was told to fail.")


def test_each_host_gives_a_step_its_time_again(site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tell, told = StepRun.progress, []

    def listened(run: StepRun, fraction: float, note: str = "") -> None:
        if run.key.endswith("/targets"):
            told.append(note)
        tell(run, fraction, note)

    monkeypatch.setattr(StepRun, "progress", listened)
    site.done("delete", "gold")
    assert sorted(told) == [each.name for each in site.hosts()]


def test_storage_io_control_is_named(site: ActionSite, volume: str) -> None:
    site.vc.named("gold").set("iormConfiguration.enabled", True)
    with refused(Conflict, "Storage I/O Control is on"):
        site.begin("delete", "gold")


def test_heartbeats_of_a_cluster_are_named(site: ActionSite, volume: str) -> None:
    site.vc.named(CLUSTER).heartbeat_to(site.vc.named("gold"))
    with refused(Conflict, "vSphere HA heartbeats of cluster cluster-1"):
        site.begin("delete", "gold")


def test_snapshots_go_only_when_asked(
    site: ActionSite, empty: Any, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backing, "snapshots", lambda backing: 1)
    with refused(Conflict, r"has 1 snapshots.*with_snapshots"):
        site.begin("delete", "gold")
    site.done("delete", "gold", with_snapshots=True)
    assert without_hosts(site.footprint()) == without_hosts(empty)


def test_a_datastore_that_is_not_ours_is_refused_before_anybody_moves_machines(site: ActionSite) -> None:
    assert site.vc.named("datastore-001").get("vm"), "there is something in the way as well"
    with refused(Conflict, "No storage system here has the volume behind"):
        site.begin("delete", "datastore-001")


def test_a_host_that_left_the_vcenter_for_good_is_named_with_what_detaches_it(site: ActionSite, volume: str) -> None:
    access = site.array.attach(volume, "iqn.1998-01.com.vmware:esx-03-left")
    way = rf"list --where volume={volume} .*isthmus attachment delete ID"
    with refused(Conflict, rf"this vCenter does not have: esx-03-left\..*{way}"):
        site.begin("delete", "gold")
    site.array.detach(access)
    site.done("delete", "gold")


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", KEPT)
def test_a_failure_before_anything_is_destroyed_leaves_all_as_it_was(
    site: ActionSite, volume: str, step: str, after: bool
) -> None:
    before = site.footprint()
    with site.failing("vsphere.delete", step, after=after):
        found = site.act("delete", "gold")
    assert found.state == "failed" and site.footprint() == before
    assert [each.mountInfo.mounted for each in site.vc.named("gold").get("host")] == [True, True]


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", PAST)
def test_a_failure_past_that_point_is_overcome(
    site: ActionSite, empty: Any, volume: str, step: str, after: bool
) -> None:
    with site.failing("vsphere.delete", step, after=after):
        found = site.act("delete", "gold")
    assert found.state == "done", found.error
    assert without_hosts(site.footprint()) == without_hosts(empty)


@pytest.mark.parametrize("method", ["DestroyDatastore", "DetachScsiLun", "RemoveInternetScsiStaticTargets"])
def test_an_answer_that_is_lost_is_no_failure(site: ActionSite, empty: Any, volume: str, method: str) -> None:
    site.vc.trouble(method, drop=True, after=True)
    site.done("delete", "gold")
    assert without_hosts(site.footprint()) == without_hosts(empty)


def test_a_machine_that_comes_in_between_stops_it(site: ActionSite, volume: str) -> None:
    before = site.footprint()
    made: list[VirtualMachine] = []

    def comes(receiver: Any, arguments: Any) -> bool:
        if not made:
            made.append(VirtualMachine(site.vc, "late", site.hosts()[0], site.vc.named("gold"), (1 << 20,)))
        return False

    site.vc.trouble("UnmountVmfsVolume", fault=vim.fault.NotFound(), when=comes)
    found = site.act("delete", "gold")
    assert found.state == "failed" and "late" in message(found), found.error
    assert site.footprint() == before
    assert [each.mountInfo.mounted for each in site.vc.named("gold").get("host")] == [True, True]


def test_a_host_that_is_offline_is_named_before_anything_is_done(site: ActionSite, volume: str) -> None:
    site.hosts()[1].set("runtime.connectionState", "disconnected")
    with refused(Conflict, "no connection to host esx-02"):
        site.begin("delete", "gold")
    site.hosts()[1].set("runtime.connectionState", "connected")


def test_who_may_not_delete_is_told_which_right_is_missing(array: Array) -> None:
    with action_site(array, role=FEW) as site:
        administrator = site.root
        found = site.act("provision", CLUSTER, administrator, name="gold", size=2 * GIB, profile="shared")
        assert found.state == "done", found.error
        with refused(Forbidden, r"You lack Datastore\.Delete on gold"):
            site.begin("delete", "gold")


def test_the_plan_names_what_would_go(site: ActionSite, volume: str) -> None:
    before = site.footprint()
    plan = site.catalogue.plan("vsphere", "delete", site.call("gold"))
    assert plan["volume"]["id"] == volume and len(plan["hosts"]) == 2 and plan["pivot"] == "destroy"
    assert site.footprint() == before
