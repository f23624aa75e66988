"""A clone is a datastore of its own with the content of another, or nothing is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden, Invalid
from isthmus.core.model.page import Query
from isthmus.core.model.request import SnapshotRequest
from isthmus.plugins.vsphere.actions.declared.clone import CLONE
from isthmus.plugins.vsphere.connection.vmodl import vim
from tests.environment.engine import done
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import (
    FULL,
    ActionSite,
    cure,
    datastores,
    message,
    refused,
)
from tests.integration.vsphere.machines_site import CLUSTER, MIB, datastore, hidden, live_array, machine, points, state
from tests.simulators.vcenter.objects.machine_registration import register
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.rights import READ
from tests.simulators.vcenter.rights import Role as Granted

FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    with live_array() as running:
        yield running


@pytest.fixture
def volume(site: ActionSite) -> str:
    return datastore(site)


def kept(site: ActionSite, volume: str) -> list[str]:
    found = site.array.engine.snapshots.list(site.root, Query(filters={"volume": volume})).items
    return [each.name for each in found]


def accessible(site: ActionSite, name: str) -> list[tuple[str, bool]]:
    mounts = site.vc.named(name).get("host")
    return sorted((site.vc.host(each.key).name, bool(each.mountInfo.accessible)) for each in mounts)


def registered(site: ActionSite, store: str, machine: str) -> VirtualMachine:
    """A machine of the copy, under another name."""
    folder = site.vc.named("vm-001").parent
    return register(folder, site.hosts()[0], f"[{store}] {machine}/{machine}.vmx", f"{machine} of {store}")


def test_what_is_on_it_now_is_on_the_copy_with_machines_at_rest(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    running.guest_writes("monday")
    running.written()
    site.vc.named("gold").save()
    original = site.vc.named("gold").uuid
    operation = site.begin("clone", "gold", name="copy")
    ended = site.ended(operation)
    assert ended.state == "done", ended.error
    copy, made = site.vc.named("copy"), site.array.engine.volumes.get(site.root, ended.result["volume"])
    assert accessible(site, "copy") == [(FIRST, True), (SECOND, True)] == accessible(site, "gold")
    assert copy.uuid != original == site.vc.named("gold").uuid and copy.moid == ended.result["datastore"]
    assert [each.diskName for each in copy.get("info.vmfs.extent")] == [made.identifier]
    assert not [each.name for each in datastores(site.vc) if each.name.startswith("snap-")]
    assert points(running) == [] and kept(site, volume) == [], "what was made for the copy goes again"
    running.guest_writes("tuesday")
    found = registered(site, "copy", "payroll")
    assert points(found) == [f"isthmus-{operation.id}"]
    assert (found.guest_reads(), running.guest_reads()) == ("monday", "tuesday")


def test_a_snapshot_is_copied_as_it_was(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    running.guest_writes("monday")
    site.vc.named("gold").save()
    snapshot = site.done("snapshot", "gold", name="monday", consistency="crash")["snapshot"]
    running.guest_writes("tuesday")
    site.vc.named("gold").save()
    result = site.done("clone", "gold", name="copy", snapshot="monday")
    assert registered(site, "copy", "payroll").guest_reads() == "monday"
    assert result["snapshot"] == snapshot and kept(site, volume) == ["monday"]
    assert site.array.engine.volumes.get(site.root, result["volume"]).source_snapshot == snapshot


def test_a_copy_of_a_snapshot_touches_no_machine(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    site.done("snapshot", "gold", name="monday")
    running.set("runtime.consolidationNeeded", True)
    site.done("clone", "gold", name="copy", snapshot="monday")
    assert running.get("runtime.consolidationNeeded")


def test_two_copies_of_one_snapshot_are_two_datastores(site: ActionSite, volume: str) -> None:
    site.done("snapshot", "gold", name="monday")
    first = site.done("clone", "gold", name="one", snapshot="monday")
    second = site.done("clone", "gold", name="two", snapshot="monday")
    assert first["datastore"] != second["datastore"] and site.vc.named("one").uuid != site.vc.named("two").uuid


@pytest.mark.parametrize(("chosen", "expected"), [(SECOND, [SECOND]), (CLUSTER, [FIRST, SECOND])])
def test_the_hosts_or_clusters_that_are_named_get_it(
    site: ActionSite, volume: str, chosen: str, expected: list[str]
) -> None:
    site.done("clone", "gold", name="copy", hosts=[chosen])
    assert accessible(site, "copy") == [(name, True) for name in expected]


def test_a_host_that_there_is_not_is_refused(site: ActionSite, volume: str) -> None:
    with refused(Invalid, "no host esx-09"):
        site.begin("clone", "gold", name="copy", hosts=["esx-09"])


def test_a_profile_for_one_host_is_refused_for_two(site: ActionSite, volume: str) -> None:
    with refused(Conflict, "plain are for one host, and these are 2"):
        site.begin("clone", "gold", name="copy", profile="plain")


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", CLONE.steps)
def test_a_failure_in_any_step_leaves_everything_as_before(
    site: ActionSite, volume: str, step: str, after: bool
) -> None:
    machine(site, "payroll")
    before = state(site)
    with site.failing("vsphere.clone", step, after=after):
        ended = site.act("clone", "gold", name="copy")
    assert (ended.state, message(ended)) == ("failed", "The step was told to fail.")
    assert state(site) == before


@pytest.mark.parametrize(
    "method",
    [
        "AddInternetScsiStaticTargets",
        "QueryUnresolvedVmfsVolumes",
        "ResignatureUnresolvedVmfsVolume_Task",
        "RenameDatastore",
        "RescanVmfs",
    ],
)
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_lost_answer_neither_doubles_nor_leaves_anything(
    site: ActionSite, volume: str, method: str, after: bool
) -> None:
    site.vc.trouble(method, drop=True, after=after)
    ended = site.act("clone", "gold", name="copy", consistency="crash")
    assert ended.state == "done", ended.error
    assert sorted(each.name for each in datastores(site.vc)) == ["copy", "datastore-001", "gold"]


def test_a_name_that_is_taken_is_refused_and_meanwhile_taken_undone(site: ActionSite, volume: str) -> None:
    with refused(Conflict, "name gold is taken"):
        site.begin("clone", "gold", name="gold")
    before = state(site)
    fault = vim.fault.DuplicateName(name="copy", object=site.vc.named("gold").ref, msg="taken")
    site.vc.trouble("RenameDatastore", fault=fault)
    ended = site.act("clone", "gold", name="copy")
    assert message(ended) == "The name copy is taken by another datastore." and state(site) == before


def test_a_host_that_goes_offline_is_named_and_is_cleaned_up_when_it_is_back(site: ActionSite, volume: str) -> None:
    before = state(site)
    second = site.hosts()[1]

    def offline(receiver: Any, arguments: Any) -> bool:
        second.set("runtime.connectionState", "disconnected")
        return False

    site.vc.trouble("RenameDatastore", fault=vim.fault.PlatformConfigFault(), when=offline)
    operation = site.begin("clone", "gold", name="copy", consistency="crash")
    until(lambda: site.operation(operation).undoing, 30)
    second.set("runtime.connectionState", "connected")
    ended = site.ended(operation)
    assert ended.state == "failed" and second.name in message(ended) and "Connect the host again" in cure(ended)
    assert state(site) == before


def test_a_snapshot_of_before_the_file_system_holds_nothing_to_clone(site: ActionSite) -> None:
    engine = site.array.engine

    def blank(receiver: Any, arguments: Any) -> bool:
        made = engine.volumes.list(site.root, Query(filters={"name": "gold"}, limit=1000)).items
        newest = max(made, key=lambda volume: volume.created_at)
        done(engine, engine.snapshots.create(site.root, SnapshotRequest(newest.id, "blank")))
        return False

    site.vc.trouble("CreateVmfsDatastore", fault=vim.fault.PlatformConfigFault(), when=blank)
    datastore(site)
    before = state(site)
    ended = site.act("clone", "gold", name="copy", snapshot="blank")
    assert "sees no copy of a file system" in message(ended) and "choose a later one" in cure(ended)
    assert state(site) == before


@pytest.mark.parametrize(("privilege", "on"), [("Datastore.Rename", "datastore"), ("Datastore.Browse", "gold")])
def test_who_lacks_a_right_is_told_which(site: ActionSite, volume: str, privilege: str, on: str) -> None:
    site.done("snapshot", "gold", name="monday")
    (number,) = [each.id for each in site.vc.rights.roles.values() if each.name == FULL.name]
    without = frozenset(FULL.privileges) - {privilege}
    site.vc.rights.roles[number] = Granted(number, FULL.name, without | READ)
    site.vc.rights.changed()
    with refused(Forbidden, f"You lack {privilege} on {on}"):
        site.begin("clone", "gold", name="copy", snapshot="monday")


def test_a_machine_that_the_person_may_not_see_and_that_runs_stops_it(site: ActionSite, volume: str) -> None:
    hidden(site, machine(site, "payroll"))
    with refused(Forbidden, "you may not see: 1"):
        site.begin("clone", "gold", name="copy")
    plan = site.catalogue.plan("vsphere", "clone", site.call("gold", {"name": "copy", "consistency": "crash"}))
    assert plan["machines"] == []


def test_plan_and_choices_say_what_can_be(site: ActionSite, volume: str) -> None:
    machine(site, "payroll")
    site.done("snapshot", "gold", name="monday")
    before = state(site)
    plan = site.catalogue.plan("vsphere", "clone", site.call("gold", {"name": "copy", "snapshot": "monday"}))
    assert (plan["snapshot"], plan["machines"], plan["datastore"]["of"]) == ("monday", [], "gold")
    assert plan["volume"]["pool"] and [each["name"] for each in plan["hosts"]] == [FIRST, SECOND]
    plan = site.catalogue.plan("vsphere", "clone", site.call("gold", {"name": "copy"}))
    assert [each["name"] for each in plan["machines"]] == ["payroll"] and plan["volume"]["size"] >= 2048 * MIB
    call = site.call("gold")
    titles = {
        name: [each.title for each in site.catalogue.choices("vsphere", "clone", name, call)] for name in CLONE.choices
    }
    assert titles == {"snapshot": ["monday"], "profile": ["default", "plain", "shared"], "hosts": [FIRST, SECOND]}
    assert state(site) == before
