"""A restored datastore is as it was at the snapshot, with the machines that it had then; or nothing has happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden
from isthmus.core.model.host import Initiator
from isthmus.core.model.request import AttachmentRequest, HostRequest, SnapshotRequest
from isthmus.plugins.vsphere.actions.backing import Backing
from isthmus.plugins.vsphere.actions.declared.restore import RESTORE
from isthmus.plugins.vsphere.connection.vmodl import vim
from tests.environment.engine import done
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FULL, ActionSite, cure, message, refused
from tests.integration.vsphere.machines_site import MIB, datastore, found, hidden, live_array, machine, points, state
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.rights import READ
from tests.simulators.vcenter.rights import Role as Granted
from tests.simulators.vcenter.storage.lookup import storage_of

PIVOT = list(RESTORE.steps).index("revert")
KEPT, PAST = list(RESTORE.steps)[:PIVOT], list(RESTORE.steps)[PIVOT:]


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    with live_array() as running:
        yield running


@pytest.fixture
def volume(site: ActionSite) -> str:
    return datastore(site)


def writes(site: ActionSite, made: VirtualMachine, text: str) -> None:
    """Through the datastore, to the volume."""
    made.guest_writes(text)
    site.vc.named("gold").save()


def taken(site: ActionSite, **more: Any) -> str:
    return str(site.done("snapshot", "gold", name="monday", **more)["snapshot"])


@contextmanager
def meanwhile(site: ActionSite, step: str, before: Callable[[Any], None]) -> Iterator[None]:
    """Something happens each time that a step of a restore is about to be done."""

    def around(work: Any) -> Any:
        def both(run: Any) -> Any:
            before(run)
            return work(run)

        return both

    with site.changed("vsphere.restore", step, around):
        yield


def test_what_was_written_since_is_gone_and_the_machine_is_as_it_rested(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll", host=1)
    place = (running.parent, running.get("resourcePool")._moId)
    writes(site, running, "monday")
    snapshot = taken(site)
    writes(site, running, "tuesday")
    running.power("poweredOff")
    store = site.vc.named("gold")
    uuid, identifier = store.uuid, site.array.engine.volumes.get(site.root, volume).identifier
    result = site.done("restore", "gold", snapshot=snapshot)
    back = found(site, "payroll")
    assert back.guest_reads() == "monday" and points(back) == []
    assert back.get("runtime.powerState") == "poweredOff" and not back.get("runtime.consolidationNeeded")
    assert (back.parent, back.get("resourcePool")._moId, back.host) == (*place, site.hosts()[1])
    assert result["machines"] == ["payroll"] and result["lacking"] == result["unregistered"] == []
    assert site.vc.named("gold").moid == store.moid and store.uuid == uuid
    assert site.array.engine.volumes.get(site.root, volume).identifier == identifier
    assert [each.mountInfo.accessible for each in store.get("host")] == [True, True]
    back.power("poweredOn")


def test_a_label_of_then_and_machines_that_came_or_went_since_are_told(site: ActionSite, volume: str) -> None:
    old = machine(site, "old", on=False)
    machine(site, "stays", on=False)
    taken(site)
    old.destroy()
    machine(site, "new", on=False)
    site.vc.named("gold").rename("silver")
    result = site.done("restore", "silver", snapshot="monday")
    assert result["name"] == "gold" and result["machines"] == ["stays"] and result["lacking"] == ["new"]
    assert result["unregistered"] == ["[gold] old/old.vmx"]
    assert found(site, "stays").get("config.files.vmPathName") == "[gold] stays/stays.vmx"


def test_it_can_be_put_back_again_and_to_another_moment(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    for day in ("monday", "tuesday", "wednesday"):
        made = found(site, "payroll")
        writes(site, made, day)
        site.done("snapshot", "gold", name=day)
    for day in ("monday", "wednesday", "tuesday"):
        site.done("restore", "gold", snapshot=day)
        assert found(site, "payroll").guest_reads() == day


def test_machines_that_the_person_may_not_see_are_not_put_back(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    machine(site, "shop", on=False)
    writes(site, made, "monday")
    taken(site)
    writes(site, made, "tuesday")
    hidden(site, made)
    before = state(site)
    with refused(Forbidden, r"on the datastore gold that you may not see: 1\. Ask somebody"):
        site.begin("restore", "gold", snapshot="monday")
    with refused(Forbidden, "you may not see: 1"):
        site.catalogue.plan("vsphere", "restore", site.call("gold", {"snapshot": "monday"}))
    assert state(site) == before
    ended = site.act("restore", "gold", site.root, snapshot="monday")
    assert (ended.state, found(site, "payroll").guest_reads()) == ("done", "monday"), ended.error


def test_a_machine_that_is_hidden_after_the_person_asked_stops_it(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    taken(site)
    writes(site, made, "tuesday")
    before = state(site)
    with meanwhile(site, "examine", lambda run: hidden(site, made)):
        ended = site.act("restore", "gold", snapshot="monday")
    assert ended.state == "failed" and "you may not see: 1" in message(ended) and state(site) == before


def test_templates_and_machines_of_one_host_come_back_where_they_were(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False, host=1)
    made.snapshot("mine", "", False)
    taken(site)
    before = state(site)
    site.done("restore", "gold", snapshot="monday")
    after = state(site)
    assert after["machines"] == before["machines"] and points(found(site, "payroll")) == ["mine"]


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", KEPT)
def test_a_failure_before_the_revert_leaves_everything_as_before(
    site: ActionSite, volume: str, step: str, after: bool
) -> None:
    made = machine(site, "payroll", on=False)
    taken(site)
    writes(site, made, "tuesday")
    before = state(site)
    with site.failing("vsphere.restore", step, after=after):
        ended = site.act("restore", "gold", snapshot="monday")
    assert (ended.state, message(ended)) == ("failed", "The step was told to fail.")
    assert state(site) == before


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", PAST)
def test_a_failure_from_the_revert_on_is_followed_by_the_end(
    site: ActionSite, volume: str, step: str, after: bool
) -> None:
    made = machine(site, "payroll")
    writes(site, made, "monday")
    taken(site)
    writes(site, made, "tuesday")
    made.power("poweredOff")
    with site.failing("vsphere.restore", step, after=after, times=2):
        ended = site.act("restore", "gold", snapshot="monday")
    assert ended.state == "done", ended.error
    back = found(site, "payroll")
    assert back.guest_reads() == "monday" and points(back) == [] and ended.result["lacking"] == []
    assert [each.mountInfo.accessible for each in site.vc.named("gold").get("host")] == [True, True]


@pytest.mark.parametrize(
    "method",
    [
        "UnregisterVM",
        "UnmountVmfsVolume",
        "RemoveInternetScsiStaticTargets",
        "AddInternetScsiStaticTargets",
        "MountVmfsVolume",
        "RegisterVM_Task",
        "RevertToSnapshot_Task",
        "RemoveSnapshot_Task",
    ],
)
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_lost_answer_changes_nothing(site: ActionSite, volume: str, method: str, after: bool) -> None:
    made = machine(site, "payroll")
    writes(site, made, "monday")
    taken(site)
    writes(site, made, "tuesday")
    made.power("poweredOff")
    site.vc.trouble(method, drop=True, after=after)
    result = site.done("restore", "gold", snapshot="monday")
    assert found(site, "payroll").guest_reads() == "monday" and result["machines"] == ["payroll"]


def test_a_machine_that_is_powered_on_before_it_is_rewound_keeps_what_it_writes(site: ActionSite, volume: str) -> None:
    for name in ("payroll", "shop"):
        machine(site, name)
    taken(site)
    for name in ("payroll", "shop"):
        found(site, name).power("poweredOff")

    def started(run: Any) -> None:
        found(site, "payroll").power("poweredOn")
        found(site, "payroll").guest_writes("wednesday")

    with meanwhile(site, "rewind", before=started):
        result = site.done("restore", "gold", snapshot="monday")
    awake, other = found(site, "payroll"), found(site, "shop")
    assert (result["not_rewound"], awake.guest_reads(), awake.powered_on) == (["payroll"], "wednesday", True)
    assert points(awake) == points(other) == [] and not other.powered_on


def test_what_the_storage_refuses_twice_is_asked_for_again(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    writes(site, made, "monday")
    taken(site)
    writes(site, made, "tuesday")
    with site.failing("volume.revert", "check", times=2), site.failing("attachment.create", "grant", times=2):
        ended = site.act("restore", "gold", snapshot="monday")
    assert ended.state == "done", ended.error
    assert found(site, "payroll").guest_reads() == "monday"


def test_a_vcenter_that_forgets_the_datastore_meanwhile_gets_it_as_a_new_object(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    writes(site, made, "monday")
    taken(site)
    writes(site, made, "tuesday")
    old, flows = site.vc.named("gold"), site.array.engine.parts.flows._flows
    flow = flows["vsphere.restore", 1]

    def forgotten(run: Any) -> None:
        for host in site.hosts():
            storage_of(host).volumes.forget(old.uuid)

    steps = tuple(replace(each, do=forgotten) if each.name == "rehearse" else each for each in flow.steps)
    flows["vsphere.restore", 1] = replace(flow, steps=steps)
    try:
        result = site.done("restore", "gold", snapshot="monday")
    finally:
        flows["vsphere.restore", 1] = flow
    assert result["datastore"] == site.vc.named("gold").moid != old.moid
    assert found(site, "payroll").guest_reads() == "monday" and result["machines"] == ["payroll"]


def test_machines_that_run_are_named_and_nothing_is_touched(site: ActionSite, volume: str) -> None:
    machine(site, "payroll")
    taken(site)
    before = state(site)
    with refused(Conflict, r"not powered off: payroll\. Power them off"):
        site.begin("restore", "gold", snapshot="monday")
    assert state(site) == before


def test_a_machine_that_is_powered_on_in_between_stops_it(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    machine(site, "archive", on=False)
    taken(site)

    def wakes(receiver: Any, arguments: Any) -> bool:
        if made.get("runtime.powerState") == "poweredOff":
            made.power("poweredOn")
        return False

    site.vc.trouble("UnregisterVM", fault=vim.fault.InvalidState(), when=wakes)
    ended = site.act("restore", "gold", snapshot="monday")
    assert ended.state == "failed"
    assert sorted(each.name for each in site.vc.model.every(VirtualMachine)) == ["archive", "payroll", "vm-001"]
    assert [each.mountInfo.accessible for each in site.vc.named("gold").get("host")] == [True, True]


def test_a_machine_that_is_moved_away_in_between_stays_what_it_is(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    machine(site, "archive", on=False)
    taken(site)

    def moved(run: Any) -> None:
        made.set("config.files.vmPathName", "[silver] payroll/payroll.vmx")

    with meanwhile(site, "unregister", moved):
        ended = site.act("restore", "gold", snapshot="monday")
    assert ended.state == "failed" and "payroll does not lie on the datastore gold any more" in message(ended)
    assert sorted(each.name for each in site.vc.model.every(VirtualMachine)) == ["archive", "payroll", "vm-001"]
    assert found(site, "payroll") is made


def test_a_revert_that_goes_on_being_refused_puts_everything_back_as_it_was(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(site, "payroll")
    snapshot = taken(site)
    writes(site, made, "tuesday")
    made.power("poweredOff")
    engine, before, gone = site.array.engine, state(site), list[Any]()

    def deleted(run: Any) -> None:
        if not gone:
            gone.append(done(engine, engine.snapshots.delete(site.root, snapshot)))

    station = engine.parts.journal._station
    monkeypatch.setattr(station, "retries", replace(station.retries, patience=0.01))
    with meanwhile(site, "revert", deleted):
        ended = site.act("restore", "gold", snapshot="monday")
    assert (ended.state, ended.step) == ("needs_attention", "read_back")
    assert "everything is as it was before" in str(ended.error)
    left = [each for each in before["snapshots"] if each != snapshot]
    assert state(site) == {**before, "snapshots": left} and found(site, "payroll").guest_reads() == "tuesday"


@pytest.mark.parametrize("step", ["connect", "read_back"])
def test_a_host_that_left_the_inventory_past_the_revert_keeps_nobody_from_the_end(
    site: ActionSite, volume: str, step: str
) -> None:
    made, gone = machine(site, "payroll"), list[Any]()
    writes(site, made, "monday")
    taken(site)
    writes(site, made, "tuesday")
    made.power("poweredOff")

    def left(run: Any) -> None:
        if not gone:
            gone.append(site.hosts()[1])
            gone[0].destroy()

    with meanwhile(site, step, left):
        site.done("restore", "gold", snapshot="monday")
    assert found(site, "payroll").guest_reads() == "monday"


def test_a_host_that_goes_offline_before_the_revert_is_named_and_cleaned_up(site: ActionSite, volume: str) -> None:
    machine(site, "payroll", on=False)
    taken(site)
    before, second = state(site), site.hosts()[1]

    def offline(receiver: Any, arguments: Any) -> bool:
        second.set("runtime.connectionState", "disconnected")
        return False

    site.vc.trouble("UnmountVmfsVolume", fault=vim.fault.InvalidState(), when=offline)
    operation = site.begin("restore", "gold", snapshot="monday")
    until(lambda: site.operation(operation).undoing, 30)
    second.set("runtime.connectionState", "connected")
    ended = site.ended(operation)
    assert ended.state == "failed" and second.name in message(ended) and "Connect the host again" in cure(ended)
    assert state(site) == before


def test_a_host_that_goes_offline_after_it_is_waited_for(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    writes(site, made, "monday")
    taken(site)
    writes(site, made, "tuesday")
    second = site.hosts()[1]

    def offline(receiver: Any, arguments: Any) -> bool:
        second.set("runtime.connectionState", "disconnected")
        return True

    site.vc.trouble("AddInternetScsiStaticTargets", fault=vim.fault.HostConfigFault(msg="gone"), when=offline)
    operation = site.begin("restore", "gold", snapshot="monday")
    until(lambda: "no connection to host esx-02" in site.operation(operation).note, 30)
    second.set("runtime.connectionState", "connected")
    assert site.ended(operation).state == "done" and found(site, "payroll").guest_reads() == "monday"


def test_a_machine_that_is_only_in_part_on_it_is_named(site: ActionSite, volume: str) -> None:
    datastore(site, "silver")
    made = machine(site, "payroll", on=False)
    other = made.disk(1, MIB, site.vc.named("silver"))
    made.take_devices([*made.get("config.hardware.device"), other])
    taken(site)
    for name in ("gold", "silver"):
        site.done("snapshot", name, name="tuesday")
        with refused(Conflict, f"payroll is only in part on the datastore {name}"):
            site.begin("restore", name, snapshot="tuesday")


def test_what_else_needs_it_is_named(site: ActionSite, volume: str) -> None:
    taken(site)
    site.vc.named("gold").set("iormConfiguration.enabled", True)
    with refused(Conflict, "cannot be restored: Storage I/O Control is on"):
        site.begin("restore", "gold", snapshot="monday")
    site.vc.named("gold").set("iormConfiguration.enabled", False)
    site.vc.named("cluster-1").heartbeat_to(site.vc.named("gold"))
    with refused(Conflict, "vSphere HA heartbeats of cluster cluster-1"):
        site.begin("restore", "gold", snapshot="monday")


def test_a_host_of_others_that_has_the_volume_stops_it(site: ActionSite, volume: str) -> None:
    taken(site)
    engine = site.array.engine
    iqn = "iqn.1998-01.com.example:stranger"
    stranger = engine.hosts.ensure(site.root, HostRequest("stranger", (Initiator("iscsi", iqn),)))
    done(engine, engine.attachments.create(site.root, AttachmentRequest(volume, stranger.id)))
    with refused(Conflict, "this vCenter does not have: stranger.*isthmus attachment delete"):
        site.begin("restore", "gold", snapshot="monday")


def test_a_host_that_gets_the_volume_meanwhile_keeps_it_and_stops_it(site: ActionSite, volume: str) -> None:
    taken(site)
    engine, before, given = site.array.engine, state(site), list[str]()

    def attached(run: Any) -> None:
        if not given:
            iqn = "iqn.1998-01.com.example:latecomer"
            late = engine.hosts.ensure(site.root, HostRequest("latecomer", (Initiator("iscsi", iqn),)))
            ended = done(engine, engine.attachments.create(site.root, AttachmentRequest(volume, late.id)))
            given.append(str(ended.result["attachment"]))

    with meanwhile(site, "withdraw", attached):
        ended = site.act("restore", "gold", snapshot="monday")
    assert ended.state == "failed" and "attached to another host meanwhile" in message(ended)
    assert engine.attachments.get(site.root, given[0]).state == "attached"
    assert state(site)["mounts"] == before["mounts"]


def test_an_attachment_that_has_no_connection_is_no_target(
    site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(site, "payroll", on=False)
    taken(site)
    attachments = Backing.attachments

    def listed(backing: Backing) -> list[Any]:
        first, *others = attachments(backing)
        return [first, *(replace(each, connection={}) for each in others)]

    monkeypatch.setattr(Backing, "attachments", listed)
    assert site.done("restore", "gold", snapshot="monday")["machines"] == ["payroll"]


def test_a_snapshot_of_another_file_system_is_refused(site: ActionSite, volume: str) -> None:
    engine = site.array.engine
    notes = {"vsphere-vmfs": "5f000000-00000000-0000-000000000000"}
    done(engine, engine.snapshots.create(site.root, SnapshotRequest(volume, "older", metadata=notes)))
    with refused(Conflict, "older is of another file system"):
        site.begin("restore", "gold", snapshot="older")


@pytest.mark.parametrize(
    ("privilege", "on"),
    [
        ("VirtualMachine.Inventory.Unregister", "payroll"),
        ("VirtualMachine.Inventory.Register", "vm"),
        ("Resource.AssignVMToPool", "Resources"),
        ("Host.Config.Storage", "esx-01"),
        ("Datastore.Browse", "gold"),
    ],
)
def test_who_lacks_a_right_is_told_which(site: ActionSite, volume: str, privilege: str, on: str) -> None:
    machine(site, "payroll", on=False)
    taken(site)
    (number,) = [each.id for each in site.vc.rights.roles.values() if each.name == FULL.name]
    without = frozenset(FULL.privileges) - {privilege}
    site.vc.rights.roles[number] = Granted(number, FULL.name, without | READ)
    site.vc.rights.changed()
    with refused(Forbidden, rf"You lack {privilege} on {on}"):
        site.begin("restore", "gold", snapshot="monday")


def test_the_plan_says_what_becomes_of_whom_and_changes_nothing(site: ActionSite, volume: str) -> None:
    made = machine(site, "payroll", on=False)
    taken(site)
    before = state(site)
    plan = site.catalogue.plan("vsphere", "restore", site.call("gold", {"snapshot": "monday"}))
    assert plan["machines"] == [{"id": made.moid, "name": "payroll"}] and plan["pivot"] == "revert"
    assert plan["snapshot"]["name"] == "monday" and state(site) == before


def test_without_snapshots_there_is_nothing_to_go_back_to(site: ActionSite, volume: str) -> None:
    wrong = site.catalogue.check("vsphere", "restore", site.call("gold"))
    assert wrong is not None and "has no snapshots" in wrong.message
