"""A new datastore is on a new volume that all its hosts reach, or nothing is left of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from isthmus.core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from isthmus.core.model.operation import Operation
from isthmus.core.model.page import Query
from isthmus.core.store import schema
from isthmus.plugins.vsphere.connection.vmodl import vim
from tests.environment import iscsi
from tests.environment.server import until
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FEW, GIB, ActionSite, action_site, cure, datastores, message, refused
from tests.simulators.vcenter.storage import formatting, layout, partitions, vmfs
from tests.simulators.vcenter.storage.lookup import storage_of

SIZE = 2 * GIB
HOST = "esx-01.example.test"
CLUSTER = "cluster-1"
STEPS = ("announce", "volume", "attach", "targets", "scan", "format", "mount", "read_back")


def wanted(**more: Any) -> dict[str, Any]:
    return {"name": "gold", "size": SIZE, "profile": "plain", **more}


def test_a_datastore_on_a_host_lies_on_its_volume_and_is_read_back(site: ActionSite) -> None:
    operation = site.begin("provision", HOST, **wanted())
    found = site.ended(operation)
    assert found.state == "done", found.error
    store = site.vc.named("gold")
    volume = site.array.engine.volumes.get(site.root, found.result["volume"])
    assert [each.diskName for each in store.get("info.vmfs.extent")] == [volume.identifier]
    assert found.result["capacity"] == store.get("summary.capacity") > SIZE - (64 << 20)
    assert store.uuid.encode() in site.array.raw(volume.id)
    info = site.task(operation)
    assert (info.state, info.reason.userName) == ("success", site.person.user)


def test_what_is_written_through_the_datastores_volume_is_there(site: ActionSite) -> None:
    result = site.done("provision", HOST, **wanted())
    engine = site.array.engine
    (attachment,) = engine.attachments.list(site.root, Query(filters={"volume": result["volume"]})).items
    (host,) = [each for each in engine.hosts.list(site.root).items if each.id == attachment.host]
    connection = engine.attachments.connection(site.root, attachment.id)
    with closing(iscsi.Initiator(connection, host.initiators[0].name)) as initiator:
        initiator.write(GIB, b"data" * 128)
        assert initiator.read(GIB, 512) == b"data" * 128


def test_all_hosts_of_a_cluster_reach_the_datastore(site: ActionSite) -> None:
    site.done("provision", CLUSTER, **wanted(profile="shared"))
    store = site.vc.named("gold")
    assert [each.mountInfo.accessible for each in store.get("host")] == [True, True]
    assert store.get("summary.multipleHostAccess")


def test_a_profile_for_one_host_is_refused_for_several_with_the_reason(site: ActionSite) -> None:
    with refused(Conflict, r"plain are for one host, and these are 2.*multiAttach"):
        site.begin("provision", CLUSTER, **wanted())


def test_of_a_cluster_only_the_chosen_hosts_get_it(site: ActionSite) -> None:
    site.done("provision", CLUSTER, **wanted(hosts=[HOST]))
    assert [each.key._moId for each in site.vc.named("gold").get("host")] == [site.vc.named(HOST).moid]


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", [each for each in STEPS if each != "announce"])
def test_a_failure_in_any_step_leaves_everything_as_before(site: ActionSite, step: str, after: bool) -> None:
    before = site.footprint()
    with site.failing("vsphere.provision", step, after=after):
        operation = site.begin("provision", CLUSTER, **wanted(profile="shared"))
        found = site.ended(operation)
    assert (found.state, message(found)) == ("failed", "The step was told to fail.")
    assert site.footprint() == before
    task = site.task(operation)
    assert task.state == "error" and "Everything is as it was before." in task.error.msg


@pytest.mark.parametrize(
    "method",
    [
        "AddInternetScsiStaticTargets",
        "UpdateInternetScsiAuthenticationProperties",
        "RescanHba",
        "RescanVmfs",
        "QueryVmfsDatastoreCreateOptions",
        "CreateVmfsDatastore",
    ],
)
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_host_that_refuses_a_call_leaves_everything_as_before(site: ActionSite, method: str, after: bool) -> None:
    before = site.footprint()
    site.vc.trouble(method, fault=vim.fault.PlatformConfigFault(text="no", msg="It is broken"), after=after)
    found = site.act("provision", CLUSTER, **wanted(profile="shared"))
    assert found.state == "failed"
    assert "refused: It is broken" in message(found) and cure(found)
    assert site.footprint() == before


def test_an_answer_that_is_lost_is_no_failure(site: ActionSite) -> None:
    site.vc.trouble("CreateVmfsDatastore", drop=True, after=True)
    site.vc.trouble("AddInternetScsiStaticTargets", drop=True, after=True)
    site.done("provision", HOST, **wanted())
    assert [each.name for each in datastores(site.vc)].count("gold") == 1


def test_a_name_that_is_taken_is_refused_before_anything_is_made(site: ActionSite) -> None:
    before = site.footprint()
    with refused(Conflict, r"datastore-001 is taken.*Choose another"):
        site.begin("provision", HOST, **wanted(name="datastore-001"))
    assert site.footprint() == before


def test_a_name_that_is_taken_meanwhile_leaves_everything_as_before(site: ActionSite) -> None:
    before = site.footprint()
    fault = vim.fault.DuplicateName(name="gold", object=site.vc.named("datastore-001").ref, msg="taken")
    site.vc.trouble("CreateVmfsDatastore", fault=fault)
    found = site.act("provision", HOST, **wanted())
    assert message(found) == "The name gold is taken by another datastore."
    assert site.footprint() == before


def formatted(site: ActionSite, run: Any, name: str) -> Any:
    """Somebody else makes a datastore on the operation's volume, through the first host."""
    storage = storage_of(site.hosts()[0])
    storage.rescan()
    (option,) = formatting.create_options(storage, run.data["identifier"])
    option.spec.vmfs.volumeName = name
    return formatting.create(storage, option.spec)


def test_a_volume_with_an_old_file_system_on_it_is_not_formatted(site: ActionSite) -> None:
    before = site.footprint()

    def left(run: Any) -> None:
        storage = storage_of(site.hosts()[0])
        storage.rescan()
        disk = storage.disk(run.data["identifier"])
        partition = layout.whole(disk.size)
        partitions.write_table(disk, (partition,))
        extent = vmfs.Extent("naa.of-another-volume", partition.number, partition.size)
        vmfs.write_header(disk, partition, vmfs.Header(vmfs.new_uuid(), "old", (extent,)))

    with site.meanwhile("vsphere.provision", "scan", left):
        found = site.act("provision", HOST, **wanted())
    assert found.state == "failed" and "holds a file system or other data already" in message(found)
    assert "Nothing was written on it" in cure(found)
    assert "CreateVmfsDatastore" not in site.vc.interference.calls
    assert site.footprint() == before


@pytest.mark.parametrize("step", ["scan", "format"])
def test_a_datastore_that_somebody_made_on_the_volume_is_left_to_him(site: ActionSite, step: str) -> None:
    before, made = site.footprint(), []
    with site.meanwhile("vsphere.provision", step, lambda run: made.append(formatted(site, run, "theirs"))):
        operation = site.begin("provision", HOST, **wanted())
        until(lambda: "made the datastore theirs" in site.operation(operation).note, 30)
    said = site.operation(operation)
    assert said.undoing and "holds a file system or other data already" in message(said)
    store = site.vc.named("theirs")
    assert [each.mountInfo.accessible for each in store.get("host")] == [True]
    (volume,) = set(site.footprint()["volumes"]) - set(before["volumes"])
    assert made[0].uuid.encode() in site.array.raw(volume)
    store.destroy()
    assert site.ended(operation).state == "failed"
    assert site.footprint() == before


def test_a_host_that_goes_offline_is_named_and_is_cleaned_up_when_it_is_back(site: ActionSite) -> None:
    before = site.footprint()
    second = site.hosts()[1]

    def offline(receiver: Any, arguments: Any) -> bool:
        second.set("runtime.connectionState", "disconnected")
        return False

    site.vc.trouble("CreateVmfsDatastore", fault=vim.fault.PlatformConfigFault(), when=offline)
    operation = site.begin("provision", CLUSTER, **wanted(profile="shared"))
    until(lambda: site.operation(operation).undoing, 30)
    second.set("runtime.connectionState", "connected")
    found = site.ended(operation)
    assert found.state == "failed" and second.name in message(found)
    assert "Connect the host again" in cure(found)
    assert site.footprint() == before


def test_who_lacks_a_right_on_the_host_is_told_which(array: Array) -> None:
    with action_site(array, role=FEW) as site:
        before = site.footprint()
        with refused(Forbidden, r"You lack Host.Config.Storage on esx-01"):
            site.begin("provision", HOST, **wanted())
        assert "Host.Config.Storage" in str(site.catalogue.check("vsphere", "provision", site.call(HOST)))
        assert site.footprint() == before


def test_somebody_of_another_tenant_learns_nothing_of_the_vcenter(site: ActionSite) -> None:
    stranger = replace(site.root, tenant="another", user="stranger", roles=frozenset({"manager"}))
    with refused(NotFound, "no vCenter"):
        site.begin("provision", HOST, stranger, **wanted())


def test_a_person_whose_session_has_ended_is_not_served_by_the_service_account(site: ActionSite) -> None:
    site.sessions.close()
    with refused(Unauthenticated, r"session at vCenter .* has ended"):
        site.begin("provision", HOST, **wanted())


def test_the_plan_says_where_and_how_and_changes_nothing(site: ActionSite) -> None:
    before = site.footprint()
    plan = site.catalogue.plan("vsphere", "provision", site.call(HOST, wanted(profile="thick")))
    assert plan["provisioning"] == "thick" and plan["hosts"] == [{"id": site.vc.named(HOST).moid, "name": HOST}]
    assert plan["volume"]["pool"] and "format" in plan["steps"]
    assert site.footprint() == before


def test_the_pool_and_thick_provisioning_that_were_asked_for_are_what_there_is(site: ActionSite) -> None:
    (pool,) = [each for each in site.array.engine.pools.list(site.root).items if each.name == "files"]
    result = site.done("provision", HOST, **wanted(profile="thick", pool=pool.name))
    volume = site.array.engine.volumes.get(site.root, result["volume"])
    family = site.array.folder / "images" / "families" / str(volume.placement)
    (file,) = family.glob("*.raw")
    assert volume.pool == pool.id and file.stat().st_blocks * 512 >= SIZE


def test_a_pool_that_there_is_not_is_refused(site: ActionSite) -> None:
    with refused(Conflict, "no pool gold-pool"):
        site.begin("provision", HOST, **wanted(pool="gold-pool"))


def test_the_same_key_is_the_same_operation(site: ActionSite) -> None:
    call = site.call(HOST, wanted(), key="once")
    first = site.catalogue.invoke("vsphere", "provision", call)
    assert isinstance(first, Operation) and site.ended(first).state == "done"
    site.vc.named("gold").rename("other")
    assert not site.records.list("session")
    again = site.catalogue.invoke("vsphere", "provision", call)
    assert isinstance(again, Operation) and again.id == first.id
    assert not site.records.list("session"), "a session that nobody uses is kept"


def test_two_operations_of_one_request_have_a_task_each(site: ActionSite) -> None:
    # The second makes its task while the first's is made and not remembered yet.
    site.vc.trouble("CreateTask", seconds=0.5, after=True)
    first = site.begin("provision", HOST, **wanted())
    second = site.begin("provision", HOST, **wanted(name="silver"))
    assert (site.ended(first).state, site.ended(second).state) == ("done", "done")
    assert [each.state for each in site.tasks(first)] == ["success", "success"]


def test_cancelling_the_task_in_the_vcenter_takes_the_operation_back(site: ActionSite) -> None:
    before = site.footprint()
    site.vc.trouble("RescanHba", seconds=3.0)
    operation = site.begin("provision", HOST, **wanted())
    site.vc.model.of(until(lambda: site.tasks(operation), 20)[0].task).set("info.cancelled", True)
    found = site.ended(operation)
    assert found.state == "cancelled" and site.footprint() == before
    assert site.task(operation).error.msg == "Cancelled. Everything is as it was before."


def test_a_session_that_ends_in_the_middle_is_followed_by_the_service_account(site: ActionSite) -> None:
    site.vc.trouble("RescanHba", seconds=1.0)
    operation = site.begin("provision", HOST, **wanted())
    until(lambda: "RescanHba" in site.vc.interference.calls, 20)
    for session in site.vc.sessions.all():
        if session.user.lower().endswith("anna"):
            site.vc.sessions.close(session)
    assert site.ended(operation).state == "done"


def test_no_record_of_an_operation_holds_a_secret_and_none_outlives_it(site: ActionSite) -> None:
    operation = site.begin("provision", HOST, **wanted())
    assert site.ended(operation).state == "done"
    engine = site.array.engine
    (attachment,) = engine.attachments.list(site.root, Query(filters={"volume": site.volume(operation)})).items
    secret = engine.attachments.connection(site.root, attachment.id).secrets["chap_secret"]
    with engine.parts.database.read() as tx:
        rows = [str(row) for row in tx.execute(select(schema.operations))]
    assert rows and not any(secret in row for row in rows)
    assert not site.records.list("session") and not site.records.list("task")


def test_a_task_names_a_user_of_isthmus_as_people_know_him(site: ActionSite) -> None:
    operation = site.begin("provision", HOST, site.root, **wanted())
    assert site.ended(operation).state == "done"
    known = {each.id: each.name for each in site.array.engine.users.list(replace(site.root, tenant=None)).items}
    assert site.task(operation).reason.userName == known[site.root.user]
