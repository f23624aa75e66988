"""A snapshot of a datastore is of machines at rest, and leaves nothing on them; or there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden, Invalid
from isthmus.core.model.page import Query
from isthmus.core.model.request import SnapshotRequest
from isthmus.plugins.vsphere.actions.declared.snapshot import SNAPSHOT
from isthmus.plugins.vsphere.connection.vmodl import vim
from tests.environment.engine import done
from tests.environment.server import until
from tests.integration.vcenter_simulator import array as arrays
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FULL, ActionSite, action_site, cure, message, refused
from tests.integration.vsphere.machines_site import datastore, hidden, live_array, machine, points, state
from tests.simulators.vcenter.rights import READ
from tests.simulators.vcenter.rights import Role as Granted

KEPT = ("examine", "quiesce", "take")
PAST = ("release", "read_back")


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    with live_array() as running:
        yield running


@pytest.fixture
def volume(site: ActionSite) -> str:
    return datastore(site)


def kept(site: ActionSite, volume: str) -> list[Any]:
    return list(site.array.engine.snapshots.list(site.root, Query(filters={"volume": volume})).items)


def calls(site: ActionSite) -> list[str]:
    wanted = ("CreateSnapshot_Task", "RemoveSnapshot_Task")
    return [each for each in site.vc.interference.calls if each in wanted]


def test_each_machine_that_runs_rests_while_the_volume_is_copied(site: ActionSite, volume: str) -> None:
    running, off = machine(site, "payroll"), machine(site, "archive", on=False)
    seen: list[list[str]] = []
    flows = site.array.engine.parts.flows._flows
    flow = flows["snapshot.create", 1]
    step = flow.steps[0]

    def take(run: Any) -> Any:
        seen.append([*points(running), *points(off)])
        assert running.snapshots[0].quiesced
        return step.do(run)

    flows["snapshot.create", 1] = replace(flow, steps=(replace(step, do=take), *flow.steps[1:]))
    try:
        operation = site.begin("snapshot", "gold", name="monday", description="before the change")
        ended = site.ended(operation)
    finally:
        flows["snapshot.create", 1] = flow
    assert ended.state == "done", ended.error
    assert seen == [[f"isthmus-{operation.id}"]]
    (snapshot,) = kept(site, volume)
    assert (snapshot.id, snapshot.name, snapshot.state) == (ended.result["snapshot"], "monday", "available")
    assert snapshot.metadata["vsphere-operation"] == operation.id and snapshot.description == "before the change"
    assert points(running) == points(off) == [] and not running.get("runtime.consolidationNeeded")
    assert (ended.result["machines"], ended.result["unquiesced"]) == (1, [])


def test_snapshots_of_others_stay(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    running.snapshot("mine", "", False)
    site.done("snapshot", "gold", name="monday")
    assert points(running) == ["mine"] and len(kept(site, volume)) == 1


def test_without_rest_no_machine_is_touched(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    running.set("guest.toolsRunningStatus", "guestToolsNotRunning")
    site.done("snapshot", "gold", name="monday", consistency="crash")
    assert calls(site) == [] and len(kept(site, volume)) == 1


def test_a_machine_that_the_person_may_not_see_rests_for_nobody(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    hidden(site, running)
    with refused(Forbidden, "you may not see: 1"):
        site.begin("snapshot", "gold", name="monday")
    site.done("snapshot", "gold", name="monday", consistency="crash")
    running.power("poweredOff")
    site.done("snapshot", "gold", name="tuesday")
    assert [each for each in calls(site) if each == "CreateSnapshot_Task"] == []


def test_a_machine_without_tools_is_named_and_taken_as_it_is_when_that_is_allowed(
    site: ActionSite, volume: str
) -> None:
    machine(site, "payroll").set("guest.toolsRunningStatus", "guestToolsNotRunning")
    with refused(Conflict, r"VMware Tools do not run in these virtual machines.*payroll.*without_quiesce"):
        site.begin("snapshot", "gold", name="monday")
    result = site.done("snapshot", "gold", name="monday", without_quiesce=True)
    assert result["unquiesced"] == ["payroll"]


def test_a_machine_that_cannot_rest_is_named_and_everything_is_as_before(site: ActionSite, volume: str) -> None:
    running, other = machine(site, "payroll"), machine(site, "shop")
    running.quiescing = vim.fault.FilesystemQuiesceFault(msg="VSS says no")
    before = state(site)
    ended = site.act("snapshot", "gold", name="monday")
    assert ended.state == "failed" and "could not be put to rest: payroll: VSS says no" in message(ended)
    assert "guest's log" in cure(ended) and state(site) == before and points(other) == []
    running.quiescing = vim.fault.FilesystemQuiesceFault(msg="VSS says no")
    result = site.done("snapshot", "gold", name="monday", without_quiesce=True)
    assert (result["machines"], result["unquiesced"]) == (2, ["payroll"]) and points(running) == []


def test_a_machine_that_can_have_no_snapshot_is_named(site: ActionSite, volume: str) -> None:
    machine(site, "payroll")
    before = state(site)
    raw = vim.fault.RawDiskNotSupported(device="disk")
    site.vc.trouble(
        "CreateSnapshot_Task", fault=vim.fault.SnapshotIncompatibleDeviceInVm(fault=raw, msg="A raw device")
    )
    ended = site.act("snapshot", "gold", name="monday")
    assert "could not be given a snapshot: payroll: A raw device" in message(ended) and state(site) == before


def test_a_machine_that_something_else_is_at_work_with_is_waited_for(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    busy = vim.fault.TaskInProgress(task=vim.Task("task-1"), msg="It is being moved.")
    site.vc.trouble("CreateSnapshot_Task", fault=busy, times=2)
    assert site.act("snapshot", "gold", name="monday").state == "done"
    assert calls(site).count("CreateSnapshot_Task") == 3 and points(running) == []


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", KEPT)
def test_a_failure_before_the_copy_is_kept_leaves_everything_as_before(
    site: ActionSite, volume: str, step: str, after: bool
) -> None:
    machine(site, "payroll")
    machine(site, "shop", host=1)
    before = state(site)
    with site.failing("vsphere.snapshot", step, after=after):
        ended = site.act("snapshot", "gold", name="monday")
    assert (ended.state, message(ended)) == ("failed", "The step was told to fail.")
    assert state(site) == before


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", PAST)
def test_a_failure_after_it_is_finished(site: ActionSite, volume: str, step: str, after: bool) -> None:
    running = machine(site, "payroll")
    with site.failing("vsphere.snapshot", step, after=after, times=2):
        ended = site.act("snapshot", "gold", name="monday")
    assert ended.state == "done" and points(running) == [] and len(kept(site, volume)) == 1


@pytest.mark.parametrize("method", ["CreateSnapshot_Task", "RemoveSnapshot_Task"])
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_lost_answer_neither_doubles_nor_leaves_anything(
    site: ActionSite, volume: str, method: str, after: bool
) -> None:
    running = machine(site, "payroll")
    site.vc.trouble(method, drop=True, after=after)
    ended = site.act("snapshot", "gold", name="monday")
    assert ended.state == "done", ended.error
    assert points(running) == [] and len(kept(site, volume)) == 1


def test_disks_that_need_it_are_consolidated(site: ActionSite, volume: str, monkeypatch: pytest.MonkeyPatch) -> None:
    running = machine(site, "payroll")
    remove = running.remove
    monkeypatch.setattr(running, "remove", lambda gone, consolidate: remove(gone, False))
    site.done("snapshot", "gold", name="monday")
    assert not running.get("runtime.consolidationNeeded") and points(running) == []


@pytest.mark.parametrize("given", [{"consistency": "crash"}, {}], ids=["crash", "before any rests"])
def test_disks_of_machines_that_it_did_not_put_to_rest_are_let_be(
    site: ActionSite, volume: str, given: dict[str, Any]
) -> None:
    machine(site, "payroll").set("runtime.consolidationNeeded", True)
    with site.failing("vsphere.snapshot", "quiesce", after=False, times=0 if given else 1):
        ended = site.act("snapshot", "gold", name="monday", **given)
    assert ended.state == ("done" if given else "failed"), ended.error
    assert "ConsolidateVMDisks_Task" not in site.vc.interference.calls


def test_a_cancel_while_machines_rest_takes_all_back(site: ActionSite, volume: str) -> None:
    machine(site, "payroll")
    machine(site, "shop")
    before = state(site)
    site.vc.trouble("CreateSnapshot_Task", seconds=60, after=True)
    operation = site.begin("snapshot", "gold", name="monday")
    until(lambda: calls(site), 20)
    site.array.engine.operations.cancel(site.root, operation.id)
    site.vc.interference.clear()
    assert site.ended(operation).state == "cancelled" and state(site) == before


def test_a_name_that_is_taken_is_refused(site: ActionSite, volume: str) -> None:
    site.done("snapshot", "gold", name="monday")
    with refused(Conflict, "has a snapshot monday already"):
        site.begin("snapshot", "gold", name="monday")


def test_storage_that_copies_only_what_nobody_writes_says_so() -> None:
    with arrays.array() as plain, action_site(plain) as site:
        datastore(site)
        with refused(Conflict, r"takes no snapshot of the datastore gold now: .*detached volumes only"):
            site.begin("snapshot", "gold", name="monday")
        assert site.catalogue.check("vsphere", "snapshot", site.call("gold")) is not None


def test_who_lacks_a_right_on_a_machine_is_told_which(site: ActionSite, volume: str) -> None:
    machine(site, "payroll")
    without = frozenset(FULL.privileges) - {"VirtualMachine.State.RemoveSnapshot"}
    (number,) = [each.id for each in site.vc.rights.roles.values() if each.name == FULL.name]
    site.vc.rights.roles[number] = Granted(number, FULL.name, without | READ)
    site.vc.rights.changed()
    with refused(Forbidden, r"You lack VirtualMachine\.State\.RemoveSnapshot on payroll"):
        site.begin("snapshot", "gold", name="monday")
    site.done("snapshot", "gold", name="monday", consistency="crash")


def test_the_plan_names_the_machines_and_changes_nothing(site: ActionSite, volume: str) -> None:
    running = machine(site, "payroll")
    before = state(site)
    plan = site.catalogue.plan("vsphere", "snapshot", site.call("gold", {"name": "monday"}))
    assert plan["machines"] == [{"id": running.moid, "name": "payroll", "tools": True}]
    assert plan["snapshot"]["room_after"] < plan["snapshot"]["room_before"] and plan["pivot"] == "release"
    assert state(site) == before


def test_all_steps_are_tried() -> None:
    assert {*KEPT, *PAST} == set(SNAPSHOT.steps)


class TestDelete:
    def test_it_is_gone_from_the_storage(self, site: ActionSite, volume: str) -> None:
        first = site.done("snapshot", "gold", name="monday")["snapshot"]
        site.done("snapshot", "gold", name="tuesday")
        chosen = site.catalogue.choices("vsphere", "snapshot-delete", "snapshot", site.call("gold"))
        assert [each.title for each in chosen] == ["tuesday", "monday"] and chosen[1].value == first
        assert chosen[0].details["consistent"] is True
        site.done("snapshot-delete", "gold", snapshot=first)
        assert [each.name for each in kept(site, volume)] == ["tuesday"]
        site.done("snapshot-delete", "gold", snapshot="tuesday")
        assert kept(site, volume) == []

    def test_without_snapshots_there_is_nothing_to_delete(self, site: ActionSite, volume: str) -> None:
        wrong = site.catalogue.check("vsphere", "snapshot-delete", site.call("gold"))
        assert wrong is not None and "has no snapshots" in wrong.message
        site.done("snapshot", "gold", name="monday")
        with refused(Conflict, "has no snapshot sunday"):
            site.begin("snapshot-delete", "gold", snapshot="sunday")

    def test_two_of_one_name_are_told_apart(self, site: ActionSite, volume: str) -> None:
        engine = site.array.engine
        for _ in range(2):
            done(engine, engine.snapshots.create(site.root, SnapshotRequest(volume, "twice")))
        with refused(Invalid, "Several snapshots are called twice"):
            site.begin("snapshot-delete", "gold", snapshot="twice")

    @pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
    @pytest.mark.parametrize("step", ["delete", "read_back"])
    def test_a_failure_is_followed_by_the_end(self, site: ActionSite, volume: str, step: str, after: bool) -> None:
        first = site.done("snapshot", "gold", name="monday")["snapshot"]
        with site.failing("vsphere.snapshot-delete", step, after=after, times=2):
            assert site.act("snapshot-delete", "gold", snapshot=first).state == "done"
        assert kept(site, volume) == []
