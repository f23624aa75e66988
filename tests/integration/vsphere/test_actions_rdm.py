"""A machine gets a volume as a raw device and loses it again, wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden, Invalid, NotFound
from isthmus.core.model.page import Query
from isthmus.plugins.vsphere.actions.declared.rdm_add import RDM_ADD
from isthmus.plugins.vsphere.actions.declared.rdm_remove import RDM_REMOVE
from isthmus.plugins.vsphere.actions.rdm_add import RdmAdd
from isthmus.plugins.vsphere.connection.vmodl import vim
from isthmus.plugins.vsphere.reasons import said
from tests.environment import iscsi
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FULL, GIB, ActionSite, action_site, cure, message
from tests.integration.vsphere.conftest import ANNA
from tests.integration.vsphere.machines_site import hidden
from tests.simulators.vcenter import Role
from tests.simulators.vcenter.objects.virtual_machine import VirtualMachine
from tests.simulators.vcenter.rights import READ_ONLY, Permission, principal
from tests.simulators.vcenter.storage.lookup import storage_of

CLUSTER = "cluster-1"
FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"
MIB = 1 << 20
BACK = ("examine", "unmap", "let_go")
"""The steps of `rdm-remove` that there is a way back from."""
NEW: dict[str, Any] = {"name": "oracle", "size": 64 * MIB, "profile": "shared"}
_Disk: Any = vim.vm.device.VirtualDisk


@pytest.fixture
def site(array: Array) -> Iterator[ActionSite]:
    with action_site(array) as made:
        furnish(made)
        yield made


def furnish(site: ActionSite) -> None:
    """The machine `payroll`, with one disk, on a datastore that both hosts have; it runs on the first."""
    made = site.act("provision", CLUSTER, site.root, name="home", size=2 * GIB, profile="shared")
    assert made.state == "done", made.error
    machine = VirtualMachine(site.vc, "payroll", site.hosts()[0], site.vc.named("home"), (MIB,))
    for store in machine.written():
        store.save()


def machine(site: ActionSite) -> Any:
    return site.vc.named("payroll")


def raw(site: ActionSite) -> list[Any]:
    """The machine's raw disks, as pyVmomi has them."""
    return [each for each in machine(site).disks() if isinstance(each.backing, _Disk.RawDiskMappingVer1BackingInfo)]


def standing(site: ActionSite) -> Mapping[str, Any]:
    """All that may change: storage, hosts, the machine's devices and the files beside it."""
    devices = [(each.key, each.controllerKey, each.unitNumber) for each in machine(site).get("config.hardware.device")]
    raws = [(each.backing.fileName, each.backing.lunUuid, each.backing.compatibilityMode) for each in raw(site)]
    files = sorted(site.vc.named("home").files.all)
    footprint = {name: value for name, value in site.footprint().items() if name != "hosts"}
    return {**footprint, "devices": devices, "raw": raws, "files": files}


def add(site: ActionSite, **given: Any) -> Mapping[str, Any]:
    return site.done("rdm-add", "payroll", **{**NEW, **given})


@pytest.mark.parametrize("mode", ["physical", "virtual"])
def test_a_machine_gets_a_new_volume_which_all_hosts_of_its_cluster_reach(site: ActionSite, mode: str) -> None:
    operation = site.begin("rdm-add", "payroll", **NEW, mode=mode)
    found = site.ended(operation)
    assert found.state == "done" and site.task(operation).state == "success", found.error
    volume = site.array.engine.volumes.get(site.root, found.result["volume"])
    (disk,) = raw(site)
    assert (disk.key, disk.deviceInfo.label) == (found.result["disk"], found.result["label"])
    assert disk.capacityInBytes == found.result["size"] == volume.size == 64 * MIB
    assert disk.backing.compatibilityMode == f"{mode}Mode"
    for host in site.hosts():
        assert storage_of(host).disks[str(volume.identifier)].uuid == disk.backing.lunUuid
    assert disk.backing.fileName.startswith("[home] payroll/")


def test_what_is_written_to_the_volume_is_what_the_machine_has(site: ActionSite) -> None:
    result, engine = add(site), site.array.engine
    attachment = engine.attachments.list(site.root, Query(filters={"volume": result["volume"]})).items[0]
    host = engine.hosts.get(site.root, attachment.host)
    connection = engine.attachments.connection(site.root, attachment.id)
    with closing(iscsi.Initiator(connection, host.initiators[0].name)) as initiator:
        initiator.write(MIB, b"data" * 128)
    (disk,) = raw(site)
    found = storage_of(machine(site).host).disk_by_uuid(disk.backing.lunUuid)
    assert found.read(MIB, 512) == b"data" * 128


def test_a_volume_that_nobody_uses_is_offered_and_taken(site: ActionSite) -> None:
    spare = site.array.volume("spare", 64 * MIB, shared=True)
    site.array.volume("single", 64 * MIB)
    choices = site.catalogue.choices("vsphere", "rdm-add", "volume", site.call("payroll"))
    assert {each.title: each.details["shared"] for each in choices} == {"spare": True, "single": False}
    result = site.done("rdm-add", "payroll", volume=spare)
    assert result["volume"] == spare and len(raw(site)) == 1
    with pytest.raises(Conflict, match=r"The volume spare is in use on: esx-0[12]\.example\.test, esx-0"):
        site.begin("rdm-add", "payroll", volume=spare)


def after(step: str, then: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen once a step of `rdm-add` is done."""
    work, left = getattr(RdmAdd, step), [then]

    def both(deed: Any, run: Any) -> Any:
        outcome = work(deed, run)
        if outcome is None and left:
            left.pop()(run)
        return outcome

    monkeypatch.setattr(RdmAdd, step, both)


@pytest.mark.parametrize("step", ["volume", "scan"])
@pytest.mark.parametrize("host", [0, None], ids=["own-host", "other-host"])
def test_a_volume_that_somebody_takes_meanwhile_is_left_to_him(
    site: ActionSite, step: str, host: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = site.array.volume("spare", 64 * MIB, shared=True)
    before, taken = standing(site), []
    hosts = None if host is None or step == "volume" else [FIRST]
    iqn = "iqn.2026-01.test:elsewhere"
    if host is not None:
        iqn = storage_of(site.hosts()[1 if hosts else host]).adapter.name
    after(step, lambda run: taken.append(site.array.attach(spare, iqn)), monkeypatch)
    given: dict[str, Any] = {"hosts": hosts} if hosts else {}
    found = site.act("rdm-add", "payroll", volume=spare, **given)
    assert found.state == "failed" and "The volume spare is in use on" in message(found)
    left = site.array.engine.attachments.list(site.root, Query(filters={"volume": spare})).items
    assert [each.id for each in left] == [taken[0].attachment]
    site.array.detach(taken[0])
    assert standing(site) == before


@pytest.fixture
def standby(site: ActionSite) -> VirtualMachine:
    """Another machine, on the other host, without a disk."""
    return VirtualMachine(site.vc, "standby", site.hosts()[1], site.vc.named("home"), ())


def gets(site: ActionSite, other: VirtualMachine, lun: str) -> None:
    """Another machine is given a disk that its host calls so."""
    mapping = _Disk.RawDiskMappingVer1BackingInfo(
        fileName="[home] standby/standby.vmdk",
        datastore=site.vc.named("home").ref,
        lunUuid=lun,
        compatibilityMode="virtualMode",
    )
    disk = _Disk(key=2000, controllerKey=1000, unitNumber=0, capacityInKB=64 << 10, backing=mapping)
    other.take_devices([*other.get("config.hardware.device"), disk])


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "hidden"])
def test_a_disk_that_another_machine_got_meanwhile_is_left_to_it(
    site: ActionSite, standby: VirtualMachine, seen: bool
) -> None:
    before = standing(site)
    if not seen:
        hidden(site, standby)
    with site.meanwhile("vsphere.rdm-add", "map", lambda run: gets(site, standby, run.data["luns"][0])):
        found = site.act("rdm-add", "payroll", **NEW)
    words = (
        "is in use on: standby" if seen else "that you may not see have this disk of the virtual machine payroll too: 1"
    )
    assert found.state == "failed" and words in message(found)
    assert {**standing(site), "files": None} == {**before, "files": None}


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({}, Invalid, "Either an existing volume"),
        ({"name": "alone"}, Invalid, "Either an existing volume"),
        ({"volume": "none", "name": "both", "size": MIB}, Invalid, "Either an existing volume"),
        ({"volume": "none"}, Conflict, "no volume none"),
        ({**NEW, "profile": "plain"}, Conflict, "plain are for one host, and these are 2"),
        ({**NEW, "hosts": [SECOND]}, Conflict, "payroll runs on is not among"),
        ({**NEW, "hosts": ["esx-99"]}, Invalid, "no host esx-99"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(
    site: ActionSite, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    before = standing(site)
    with pytest.raises(error, match=words):
        site.begin("rdm-add", "payroll", **{"mode": "physical", **given})
    assert standing(site) == before


def test_on_its_own_host_alone_a_profile_for_one_host_is_enough(site: ActionSite) -> None:
    result = add(site, profile="plain", hosts=[FIRST])
    identifier = site.array.engine.volumes.get(site.root, result["volume"]).identifier
    assert [identifier in storage_of(host).disks for host in site.hosts()] == [True, False]


def test_a_volume_with_a_datastore_on_it_is_no_raw_device(site: ActionSite) -> None:
    made = site.done("provision", FIRST, name="old", size=2 * GIB, profile="plain")
    store, storage = site.vc.named("old"), storage_of(site.hosts()[0])
    storage.volumes.unmount(store.uuid)
    storage.volumes.forget(store.uuid)
    storage.adapter.statics.clear()
    (attachment,) = site.array.engine.attachments.list(site.root, Query(filters={"volume": made["volume"]})).items
    site.array.withdraw(attachment.id)
    storage.rescan()
    before = standing(site)
    found = site.act("rdm-add", "payroll", volume=made["volume"], hosts=[FIRST])
    assert found.state == "failed" and "holds a datastore" in message(found) and "Nothing was written" in cure(found)
    assert standing(site) == before


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", list(RDM_ADD.steps))
@pytest.mark.parametrize("existing", [True, False], ids=["existing", "new"])
def test_a_failure_in_adding_leaves_everything_as_before(
    site: ActionSite, existing: bool, step: str, after: bool
) -> None:
    given = {"volume": site.array.volume("spare", 64 * MIB, shared=True)} if existing else NEW
    before = standing(site)
    with site.failing("vsphere.rdm-add", step, after=after):
        operation = site.begin("rdm-add", "payroll", **given)
        found = site.ended(operation)
    assert (found.state, message(found)) == ("failed", "The step was told to fail.")
    assert standing(site) == before
    assert "Everything is as it was before." in site.task(operation).error.msg


def test_a_machine_without_a_free_place_gets_a_controller_and_loses_it_on_the_way_back(site: ActionSite) -> None:
    VirtualMachine(site.vc, "full", site.hosts()[0], site.vc.named("home"), (MIB,) * 15)
    full = site.vc.named("full")
    for store in full.written():
        store.save()
    plan = site.catalogue.plan("vsphere", "rdm-add", site.call("full", {**NEW, "system": "local", "mode": "physical"}))
    assert plan["new_controller"] is True
    with site.failing("vsphere.rdm-add", "read_back"):
        assert site.act("rdm-add", "full", **NEW).state == "failed"
    assert [each.key for each in full.get("config.hardware.device") if each.key < 2000] == [1000]
    site.done("rdm-add", "full", **NEW)
    assert full.disks()[-1].controllerKey == 1001 and full.disks()[-1].unitNumber == 0


@pytest.mark.parametrize("method", ["AddInternetScsiStaticTargets", "RescanHba", "ReconfigVM_Task"])
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_call_that_is_refused_leaves_everything_as_before(site: ActionSite, method: str, after: bool) -> None:
    before = standing(site)
    kind = vim.fault.InvalidDeviceSpec if method == "ReconfigVM_Task" else vim.fault.PlatformConfigFault
    site.vc.trouble(method, fault=kind(msg="It is broken"), after=after)
    found = site.act("rdm-add", "payroll", **NEW)
    assert found.state == "failed" and "It is broken" in message(found) and cure(found)
    assert standing(site) == before


def test_an_answer_that_is_lost_is_no_failure(site: ActionSite) -> None:
    site.vc.trouble("ReconfigVM_Task", drop=True, after=True)
    add(site)
    assert len(raw(site)) == 1


def test_a_machine_that_moved_meanwhile_gets_it_on_its_new_host(site: ActionSite) -> None:
    def move(receiver: Any, arguments: Any) -> bool:
        if str(machine(site).get("runtime.host")._moId) != site.hosts()[1].moid:
            site.hosts()[0].discard("vm", machine(site).ref)
            site.hosts()[1].extend("vm", machine(site).ref)
            machine(site).set("runtime.host", site.hosts()[1].ref)
        return False

    site.vc.trouble("RescanHba", when=move)
    add(site)
    assert len(raw(site)) == 1


def test_a_host_that_goes_offline_is_named_and_is_cleaned_up_when_it_is_back(site: ActionSite) -> None:
    before, second = standing(site), site.hosts()[1]

    def offline(receiver: Any, arguments: Any) -> bool:
        second.set("runtime.connectionState", "disconnected")
        return False

    site.vc.trouble("AddInternetScsiStaticTargets", when=offline)
    operation = site.begin("rdm-add", "payroll", **NEW)
    until(lambda: site.operation(operation).undoing, 30)
    site.vc.interference.clear()
    second.set("runtime.connectionState", "connected")
    found = site.ended(operation)
    assert found.state == "failed" and f"no connection to host {SECOND}" in message(found)
    assert standing(site) == before


def without(privilege: str) -> Role:
    return Role("Nearly all", tuple(each for each in FULL.privileges if each != privilege))


@pytest.mark.parametrize(
    ("privilege", "entity"),
    [
        ("VirtualMachine.Config.RawDevice", "payroll"),
        ("VirtualMachine.Config.AddNewDisk", "payroll"),
        ("Host.Config.Storage", FIRST),
        ("Datastore.AllocateSpace", "home"),
    ],
)
def test_who_lacks_a_right_is_told_which_and_where(array: Array, privilege: str, entity: str) -> None:
    with action_site(array, role=without(privilege)) as site:
        furnish(site)
        with pytest.raises(Forbidden, match=f"You lack {privilege} on {entity}"):
            site.begin("rdm-add", "payroll", **NEW)


def test_with_a_right_on_machines_alone_only_a_new_volume_can_be_had(site: ActionSite) -> None:
    spare, rights = site.array.volume("spare", 64 * MIB, shared=True), site.vc.rights
    role = next(each.id for each in rights.roles.values() if each.name == FULL.name)
    who = principal(ANNA.name)
    assert [each.value for each in site.catalogue.choices("vsphere", "rdm-add", "volume", site.call("payroll"))]
    rights.permit(site.vc.named("Datacenter"), Permission(who, False, role, True))
    rights.permit(site.vc.root, Permission(who, False, READ_ONLY, False))
    assert not site.catalogue.choices("vsphere", "rdm-add", "volume", site.call("payroll"))
    with pytest.raises(Forbidden, match=r"is chosen by who has Isthmus\.Provision on the whole vCenter") as told:
        site.begin("rdm-add", "payroll", volume=spare)
    assert "auf dem ganzen vCenter" in said(told.value.to_json(), "de")
    by_root = site.call("payroll", {"volume": spare, "system": "local", "mode": "physical"}, site.root)
    assert site.catalogue.check("vsphere", "rdm-add", by_root) is None
    new = site.call("payroll", {**NEW, "system": "local", "mode": "physical"})
    assert site.catalogue.check("vsphere", "rdm-add", new) is None


@pytest.fixture
def added(site: ActionSite) -> Mapping[str, Any]:
    """A raw disk that the machine has: its key (`disk`) and its volume."""
    return add(site, mode="virtual")


@pytest.mark.parametrize("delete", [True, False], ids=["deleted", "kept"])
def test_a_raw_device_goes_and_its_volume_only_when_that_is_asked_for(site: ActionSite, delete: bool) -> None:
    before = standing(site)
    made = add(site)
    (choice,) = site.catalogue.choices("vsphere", "rdm-remove", "disk", site.call("payroll"))
    assert choice.value == made["disk"] and choice.details["volume"] == "oracle"
    operation = site.begin("rdm-remove", "payroll", disk=made["disk"], delete_volume=delete)
    found = site.ended(operation)
    assert found.state == "done" and site.task(operation).state == "success", found.error
    after = standing(site)
    assert after["volumes"] == sorted([*before["volumes"], *([] if delete else [made["volume"]])])
    assert {**after, "volumes": None} == {**before, "volumes": None}


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", BACK)
def test_a_failure_before_anything_is_withdrawn_leaves_everything_as_before(
    site: ActionSite, added: Mapping[str, Any], step: str, after: bool
) -> None:
    before = standing(site)
    with site.failing("vsphere.rdm-remove", step, after=after):
        assert site.act("rdm-remove", "payroll", disk=added["disk"], delete_volume=True).state == "failed"
    assert standing(site) == before


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", [each for each in RDM_REMOVE.steps if each not in BACK])
def test_a_failure_past_that_point_is_overcome(
    site: ActionSite, added: Mapping[str, Any], step: str, after: bool
) -> None:
    with site.failing("vsphere.rdm-remove", step, after=after):
        assert site.act("rdm-remove", "payroll", disk=added["disk"], delete_volume=True).state == "done"
    with pytest.raises(NotFound):
        site.array.engine.volumes.get(site.root, added["volume"])
    assert not raw(site)


def test_a_snapshot_of_the_machine_keeps_its_raw_device(site: ActionSite, added: Mapping[str, Any]) -> None:
    machine(site).snapshot("before the upgrade", "", False)
    before = standing(site)
    with pytest.raises(Conflict, match="is needed by: snapshot before the upgrade") as told:
        site.begin("rdm-remove", "payroll", disk=added["disk"])
    assert "Snapshot before the upgrade" in said(told.value.to_json(), "de")
    assert standing(site) == before


def test_another_machine_that_shares_it_keeps_it(
    site: ActionSite, standby: VirtualMachine, added: Mapping[str, Any]
) -> None:
    gets(site, standby, raw(site)[0].backing.lunUuid)
    with pytest.raises(Conflict, match="is needed by: virtual machine standby"):
        site.begin("rdm-remove", "payroll", disk=added["disk"])


def test_a_machine_that_the_person_may_not_see_and_that_shares_it_keeps_it(
    site: ActionSite, standby: VirtualMachine, added: Mapping[str, Any]
) -> None:
    gets(site, standby, raw(site)[0].backing.lunUuid)
    hidden(site, standby)
    before = standing(site)
    given = {"disk": added["disk"], "delete_volume": True}
    with pytest.raises(Forbidden, match="may not see have this disk of the virtual machine payroll too: 1") as told:
        site.begin("rdm-remove", "payroll", **given)
    assert "die Sie nicht sehen dürfen" in said(told.value.to_json(), "de")
    with pytest.raises(Forbidden, match="may not see"):
        site.catalogue.plan("vsphere", "rdm-remove", site.call("payroll", given))
    assert standing(site) == before
    with pytest.raises(Conflict, match="is needed by: virtual machine standby"):
        site.begin("rdm-remove", "payroll", site.root, **given)


def test_a_hidden_machine_that_gets_it_after_the_person_asked_stops_it(
    site: ActionSite, standby: VirtualMachine, added: Mapping[str, Any]
) -> None:
    before, lun = standing(site), raw(site)[0].backing.lunUuid
    hidden(site, standby)
    with site.meanwhile("vsphere.rdm-remove", "examine", lambda run: gets(site, standby, lun)):
        found = site.act("rdm-remove", "payroll", disk=added["disk"], delete_volume=True)
    assert found.state == "failed" and "may not see" in message(found)
    assert standing(site) == before


def test_a_host_that_does_not_let_go_of_the_disk_gives_the_machine_its_disk_back(
    site: ActionSite, standby: VirtualMachine, added: Mapping[str, Any]
) -> None:
    before, lun = standing(site), raw(site)[0].backing.lunUuid
    with site.meanwhile("vsphere.rdm-remove", "unmap", lambda run: gets(site, standby, lun)):
        found = site.act("rdm-remove", "payroll", disk=added["disk"], delete_volume=True)
    assert found.state == "failed" and "in use by standby" in message(found), found.error
    assert standing(site) == before
    assert all(storage_of(host).disk_by_uuid(lun).usable for host in site.hosts())


def test_a_volume_with_snapshots_or_elsewhere_is_not_deleted_with_it(
    site: ActionSite, added: Mapping[str, Any]
) -> None:
    volume = added["volume"]
    access = site.array.attach(volume, "iqn.2026-01.test:elsewhere")
    with pytest.raises(Conflict, match="oracle is attached to hosts outside"):
        site.begin("rdm-remove", "payroll", disk=added["disk"], delete_volume=True)
    site.done("rdm-remove", "payroll", disk=added["disk"])
    left = site.array.engine.attachments.list(site.root, Query(filters={"volume": volume})).items
    assert [each.id for each in left] == [access.attachment]
    site.array.detach(access)
    site.array.snapshot(volume, "kept")
    again = site.done("rdm-add", "payroll", volume=volume)
    with pytest.raises(Conflict, match="oracle has 1 snapshots"):
        site.begin("rdm-remove", "payroll", disk=again["disk"], delete_volume=True)


def test_while_a_host_that_has_it_is_offline_nothing_is_removed(site: ActionSite, added: Mapping[str, Any]) -> None:
    before = standing(site)
    site.hosts()[1].set("runtime.connectionState", "disconnected")
    with pytest.raises(Conflict, match=f"no connection to host {SECOND}"):
        site.begin("rdm-remove", "payroll", disk=added["disk"])
    assert standing(site) == before


def test_what_there_is_not_is_not_removed(site: ActionSite) -> None:
    found = site.catalogue.check("vsphere", "rdm-remove", site.call("payroll"))
    assert found is not None and "has no raw device of ours" in found.message
    add(site)
    assert site.catalogue.check("vsphere", "rdm-remove", site.call("payroll")) is None
    with pytest.raises(Conflict, match="has no raw device 2000"):
        site.begin("rdm-remove", "payroll", disk=2000)


def test_who_may_not_remove_disks_is_told_so(array: Array) -> None:
    with action_site(array, role=without("VirtualMachine.Config.RemoveDisk")) as site:
        furnish(site)
        added = site.act("rdm-add", "payroll", site.root, **NEW)
        with pytest.raises(Forbidden, match=r"You lack VirtualMachine\.Config\.RemoveDisk on payroll"):
            site.begin("rdm-remove", "payroll", disk=added.result["disk"])


def test_the_plans_say_what_would_be_and_change_nothing(site: ActionSite, added: Mapping[str, Any]) -> None:
    before = standing(site)
    given = {**NEW, "system": "local", "mode": "physical"}
    plan = site.catalogue.plan("vsphere", "rdm-add", site.call("payroll", given))
    assert plan["machine"]["name"] == "payroll" and plan["volume"]["pool"] and plan["new_controller"] is False
    assert [each["name"] for each in plan["hosts"]] == [FIRST, SECOND]
    plan = site.catalogue.plan(
        "vsphere", "rdm-remove", site.call("payroll", {"disk": added["disk"], "delete_volume": True})
    )
    assert plan["volume"]["name"] == "oracle" and plan["delete_volume"] is True and plan["pivot"] == "withdraw"
    assert standing(site) == before
