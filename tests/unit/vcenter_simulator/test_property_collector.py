"""The property collector: what it reads, and what it tells when something changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pyVim import connect as pyvim

from tests.contract.patience import eventually
from tests.simulators.vcenter import Specification, VCenter, client, sized
from tests.simulators.vcenter.objects import property_collector
from tests.simulators.vcenter.objects.datastore import Datastore
from tests.simulators.vcenter.registry import vim, vmodl
from tests.simulators.vcenter.rights import READ_ONLY, Permission

from .people import OPERATOR
from .plugins import extension

Collector = vmodl.query.PropertyCollector
NAMES = {vim.Datastore: ["name", "summary.freeSpace"], vim.VirtualMachine: ["name"]}


def wait(collector: Any, version: str, seconds: int = 0, most: int | None = None) -> Any:
    return collector.WaitForUpdatesEx(version, Collector.WaitOptions(maxWaitSeconds=seconds, maxObjectUpdates=most))


def told(update: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, object and changes (path and operation to value) of every object update."""
    return [
        (str(each.kind), each.obj._moId, {f"{change.op} {change.name}": change.val for change in each.changeSet})
        for filtered in update.filterSet
        for each in filtered.objectSet
    ]


def store_of(vc: VCenter) -> Datastore:
    return vc.model.every(Datastore)[0]


def test_one_call_reads_the_whole_inventory(vc: VCenter, service: Any) -> None:
    spec = client.view_spec(
        client.view(service, vim.VirtualMachine, vim.HostSystem, vim.Datastore),
        {
            vim.VirtualMachine: ["name", "runtime.host", "config.hardware.device[2000].capacityInBytes"],
            vim.HostSystem: ["name", "runtime.connectionState"],
            vim.Datastore: ["name", "summary.capacity", "info.vmfs.uuid", "vm"],
        },
    )
    found = client.read(service, spec)
    assert sorted(each["name"] for each in found.values()) == [
        "datastore-001",
        "esx-01.example.test",
        "esx-02.example.test",
        "vm-001",
    ]
    store = store_of(vc)
    assert found[store.moid]["summary.capacity"] == store.get("summary.capacity")
    assert found[store.moid]["info.vmfs.uuid"] == store.get("info.vmfs.uuid")
    machine = next(each for moid, each in found.items() if moid.startswith("vm-"))
    assert machine["config.hardware.device[2000].capacityInBytes"] == 16 << 30
    assert machine["runtime.host"].name.startswith("esx-")


def test_traversal_by_name_walks_folders(service: Any) -> None:
    again = Collector.SelectionSpec(name="children")
    spec = Collector.FilterSpec(
        objectSet=[
            Collector.ObjectSpec(
                obj=service.content.rootFolder,
                selectSet=[
                    Collector.TraversalSpec(name="children", type=vim.Folder, path="childEntity", selectSet=[
                        again,
                        Collector.TraversalSpec(
                            name="stores", type=vim.Datacenter, path="datastoreFolder", skip=True, selectSet=[again]
                        ),
                    ])
                ],
            )
        ],
        propSet=[Collector.PropertySpec(type=vim.ManagedEntity, pathSet=["name"])],
    )  # fmt: skip
    assert sorted(each["name"] for each in client.read(service, spec).values()) == [
        "Datacenter",
        "Datacenters",
        "datastore-001",
    ]


def test_a_long_answer_comes_in_pages() -> None:
    with VCenter(Specification(datacenters=(sized(2, 5, 20),))) as vc:
        service = client.connect(vc)
        spec = client.view_spec(client.view(service, vim.VirtualMachine), {vim.VirtualMachine: ["name"]})
        collector = service.content.propertyCollector
        page = collector.RetrievePropertiesEx([spec], Collector.RetrieveOptions(maxObjects=8))
        sizes, names = [], []
        while page is not None:
            sizes.append(len(page.objects))
            names += [each.propSet[0].val for each in page.objects]
            page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None
        assert sizes == [8, 8, 4]
        assert len(set(names)) == 20
        with pytest.raises(vmodl.fault.InvalidArgument):
            collector.ContinueRetrievePropertiesEx("used")


@pytest.mark.parametrize("path", ["nonsense", "summary.nonsense", "info.vmfs.nonsense", "name["])
def test_a_path_that_no_object_has_is_an_invalid_property(service: Any, path: str) -> None:
    spec = client.view_spec(client.view(service, vim.Datastore), {vim.Datastore: [path]})
    with pytest.raises(vmodl.query.InvalidProperty) as caught:
        client.read(service, spec)
    assert caught.value.name == path


def test_what_the_user_may_not_read_is_missing_with_the_privilege(vc: VCenter) -> None:
    service = client.connect(vc, OPERATOR)
    entity = service.content.rootFolder
    spec = client.object_spec([entity], vim.Folder, ["name", "overallStatus"])
    (found,) = service.content.propertyCollector.RetrieveProperties([spec])
    assert [each.name for each in found.propSet] == ["name"]
    assert [(each.path, each.fault.privilegeId) for each in found.missingSet] == [("overallStatus", "System.Read")]


def test_objects_the_user_may_not_see_are_not_there(vc: VCenter) -> None:
    service = client.connect(vc, OPERATOR)
    shown = client.view(service, vim.Datastore, vim.VirtualMachine, vim.HostSystem).view
    assert [each._moId for each in shown] == [store_of(vc).moid]


def test_the_first_wait_tells_everything_and_the_next_only_what_changed(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    first = wait(collector, "")
    assert sorted(kind for kind, _, _ in told(first)) == ["enter", "enter"]
    assert wait(collector, first.version) is None
    store = store_of(vc)
    store.resize(store.get("summary.capacity"), 123)
    second = wait(collector, first.version)
    assert told(second) == [("modify", store.moid, {"assign summary.freeSpace": 123})]
    assert wait(collector, second.version) is None


def test_a_change_nobody_asked_for_tells_nothing(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    first = wait(collector, "")
    store_of(vc).set("summary.maintenanceMode", "inMaintenance")
    assert wait(collector, first.version) is None


def test_objects_enter_and_leave(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, vim.Folder), {vim.Folder: ["name"]}), True)
    first = wait(collector, "")
    folder = service.content.rootFolder.CreateFolder("Archive")
    second = wait(collector, first.version)
    assert told(second) == [("enter", folder._moId, {"assign name": "Archive"})]
    assert client.finished(service, folder.Destroy_Task()).state == "success"
    third = wait(collector, second.version)
    assert told(third) == [("leave", folder._moId, {})]


@pytest.mark.parametrize(
    ("partial", "expected"), [(True, "assign summary.runtime.connectionState"), (False, "assign summary")]
)
def test_partial_updates_name_the_part_that_changed(vc: VCenter, service: Any, partial: bool, expected: str) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(
        client.view_spec(client.view(service, vim.HostSystem), {vim.HostSystem: ["summary"]}), partial
    )
    first = wait(collector, "")
    host = vc.named("esx-01.example.test")
    host.set("summary.runtime.connectionState", "notResponding")
    ((kind, moid, changes),) = told(wait(collector, first.version))
    assert (kind, moid, list(changes)) == ("modify", host.moid, [expected])


def test_elements_with_keys_come_and_go_by_key(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    path = "config.hardware.device"
    collector.CreateFilter(
        client.view_spec(client.view(service, vim.VirtualMachine), {vim.VirtualMachine: [path]}), True
    )
    version = wait(collector, "").version
    machine = vc.named("vm-001")
    machine.extend(path, machine.disk(1, 1 << 30, store_of(vc)))
    update = wait(collector, version)
    assert list(told(update)[0][2]) == [f"add {path}[2001]"]
    machine.set(f"{path}[2001].capacityInBytes", 2 << 30)
    update = wait(collector, update.version)
    assert told(update)[0][2] == {f"assign {path}[2001].capacityInBytes": 2 << 30}
    machine.discard(path, machine.get(f"{path}[2001]"))
    assert told(wait(collector, update.version))[0][2] == {f"remove {path}[2001]": None}


def test_a_waiter_is_woken_by_a_change(vc: VCenter, service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(property_collector, "_LOOK_AGAIN", 60.0)
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    first = wait(collector, "")
    answers: list[Any] = []
    waiter = threading.Thread(target=lambda: answers.append(wait(collector, first.version, seconds=60)))
    waiter.start()
    eventually(lambda: vc.sessions.all()[0].busy == 1, "the wait has begun")
    store_of(vc).set("summary.freeSpace", 7)
    waiter.join(20)
    assert [changes for _, _, changes in told(answers[0])] == [{"assign summary.freeSpace": 7}]


def test_several_changes_made_as_one_are_told_as_one(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    first = wait(collector, "")
    store = store_of(vc)
    with vc.model.change():
        store.set("summary.freeSpace", 1)
        store.set("name", "other")
        store.set("summary.freeSpace", 2)
    update = wait(collector, first.version)
    assert told(update) == [("modify", store.moid, {"assign name": "other", "assign summary.freeSpace": 2})]


def test_a_long_update_comes_in_pieces_and_nothing_is_lost() -> None:
    with VCenter(Specification(datacenters=(sized(2, 5, 20),))) as vc:
        service = client.connect(vc)
        collector = service.content.propertyCollector
        collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
        names, version, pieces = set(), "", []
        while True:
            update = wait(collector, version, most=7)
            version = update.version
            pieces.append((len(told(update)), update.truncated))
            names |= {changes["assign name"] for _, _, changes in told(update)}
            if not update.truncated:
                break
        assert pieces == [(7, True), (7, True), (7, True), (4, False)]
        assert len(names) == 25
        assert wait(collector, version) is None


def test_a_reply_that_was_lost_can_be_asked_for_again(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    first = wait(collector, "")
    store_of(vc).set("summary.freeSpace", 7)
    lost = wait(collector, first.version)
    again = wait(collector, first.version)
    assert told(again) == told(lost)


def test_a_version_nobody_issued_is_refused(service: Any) -> None:
    with pytest.raises(vmodl.query.InvalidCollectorVersion):
        wait(service.content.propertyCollector, "77")


def _waiting(vc: VCenter, service: Any, end: Callable[[Any], None]) -> Any:
    """What a waiter is told when something ends its wait."""
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    first = wait(collector, "")
    faults: list[Any] = []

    def run() -> None:
        try:
            wait(collector, first.version, seconds=20)
        except vmodl.MethodFault as fault:
            faults.append(fault)

    waiter = threading.Thread(target=run)
    waiter.start()
    session = vc.sessions.all()[0]
    eventually(lambda: session.busy == 1, "the wait has begun")
    end(collector)
    waiter.join(20)
    return type(faults[0])


def test_a_wait_can_be_cancelled(vc: VCenter, service: Any) -> None:
    assert _waiting(vc, service, lambda collector: collector.CancelWaitForUpdates()) is vmodl.fault.RequestCanceled


def test_a_wait_ends_with_its_session(vc: VCenter, service: Any) -> None:
    fault = _waiting(vc, service, lambda collector: service.content.sessionManager.Logout())
    assert fault is vim.fault.NotAuthenticated


def test_a_filter_that_is_destroyed_tells_nothing_more(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    made = collector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    first = wait(collector, "")
    made.DestroyPropertyFilter()
    store_of(vc).set("summary.freeSpace", 7)
    assert wait(collector, first.version) is None
    assert collector.filter == []


def test_each_session_has_filters_of_its_own(vc: VCenter, service: Any) -> None:
    service.content.propertyCollector.CreateFilter(client.view_spec(client.view(service, *NAMES), NAMES), True)
    other = client.connect(vc)
    assert other.content.propertyCollector.filter == []
    assert wait(other.content.propertyCollector, "") is None


def test_rights_that_are_taken_away_are_told(vc: VCenter) -> None:
    vc.rights.permit(vc.named("vm-001"), Permission("VSPHERE.LOCAL\\operator", False, READ_ONLY, True))
    service = client.connect(vc, OPERATOR)
    collector = service.content.propertyCollector
    collector.CreateFilter(client.view_spec(client.view(service, vim.Datastore), {vim.Datastore: ["name"]}), True)
    first = wait(collector, "")
    store = store_of(vc)
    vc.rights.permissions.pop(store.moid)
    vc.rights.changed()
    assert told(wait(collector, first.version)) == [("leave", store.moid, {})]


def test_a_view_that_is_destroyed_lets_its_objects_leave(vc: VCenter, service: Any) -> None:
    collector = service.content.propertyCollector
    shown = client.view(service, vim.Datastore)
    collector.CreateFilter(client.view_spec(shown, {vim.Datastore: ["name"]}), True)
    first = wait(collector, "")
    shown.DestroyView()
    vc.root.set("name", "moved")
    service.content.rootFolder.CreateFolder("a")
    assert told(wait(collector, first.version)) == [("leave", store_of(vc).moid, {})]
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        collector.CreateFilter(client.view_spec(shown, {vim.Datastore: ["name"]}), True)


def test_clients_of_two_api_versions_are_told_what_each_understands(vc: VCenter, service: Any) -> None:
    pem = vc.certificate.pem
    service.content.extensionManager.RegisterExtension(extension(pem=pem))
    spec = client.object_spec([service.content.extensionManager], vim.ExtensionManager, ["extensionList"])
    library: Any = pyvim
    older = library.SoapStubAdapter(
        host="127.0.0.1", port=vc.port, version="vim.version.v8_0_1_0", sslContext=vc.client_context()
    )
    older.SetSessionId(service._stub.GetSessionId())
    for _ in range(2):
        for stub, expected in ((service._stub, pem), (older, None)):
            found = client.read(vim.ServiceInstance("ServiceInstance", stub), spec)
            assert found["ExtensionManager"]["extensionList"][0].server[0].serverCertificate == expected
