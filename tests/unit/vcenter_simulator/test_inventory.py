"""The inventory: folders, names, searching, and that everything in it can be read in every release."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.vcenter import (
    Cluster,
    Datacenter,
    Datastore,
    Host,
    Specification,
    VCenter,
    VirtualMachine,
    client,
)
from tests.simulators.vcenter.registry import vim, vmodl
from tests.simulators.vcenter.releases import RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_every_property_of_every_object_can_be_read(release: str) -> None:
    place = Datacenter(
        clusters=(Cluster("one", (Host("esx-1"),)),),
        hosts=(Host("esx-2", version="7.0.3"),),
        datastores=(Datastore("fast"), Datastore("shared", kind="NFS", hosts=("esx-2",))),
        machines=(VirtualMachine("web", "esx-1", "fast", powered_on=True),),
    )
    with VCenter(Specification(release=release, datacenters=(place,))) as vc:
        service = client.connect(vc)
        objects = [type(each.ref)(moid, service._stub) for moid, each in vc.model.objects.items()]
        for each in objects:
            found = client.read(service, client.object_spec([each], type(each), []))
            assert each._moId in found
        (machine,) = client.view(service, vim.VirtualMachine).view
        assert machine.runtime.host.name == "esx-1"
        assert [each.name for each in machine.datastore] == ["fast"]
        stores = {each.name: each for each in client.view(service, vim.Datastore).view}
        assert (stores["fast"].summary.multipleHostAccess, len(stores["shared"].host)) == (True, 1)
        assert stores["shared"].info.nas.remotePath == "/shared"


def test_what_is_searched_is_found(vc: VCenter, service: Any) -> None:
    index = service.content.searchIndex
    (machine,) = client.view(service, vim.VirtualMachine).view
    path = "/Datacenter/vm/vm-001"
    assert index.FindByInventoryPath(path)._moId == machine._moId
    assert index.FindByInventoryPath("/Datacenter/vm/none") is None
    assert index.FindByUuid(None, machine.config.uuid, True, None)._moId == machine._moId
    assert index.FindByUuid(None, machine.config.instanceUuid, True, True)._moId == machine._moId
    (host, *_) = client.view(service, vim.HostSystem).view
    assert index.FindByUuid(None, host.summary.hardware.uuid, False, None)._moId == host._moId
    assert index.FindByDnsName(None, host.name, False)._moId == host._moId
    assert index.FindChild(service.content.rootFolder, "Datacenter").name == "Datacenter"


def test_names_are_unique_in_their_folder(service: Any) -> None:
    root = service.content.rootFolder
    root.CreateFolder("a")
    with pytest.raises(vim.fault.DuplicateName):
        root.CreateFolder("a")
    with pytest.raises(vim.fault.InvalidName):
        root.CreateFolder("")
    other = root.CreateFolder("b")
    assert isinstance(client.finished(service, other.Rename_Task("a")).error, vim.fault.DuplicateName)
    datacenter = root.CreateDatacenter("c")
    assert [each.name for each in datacenter.datastoreFolder.childEntity] == []


def test_an_entity_moves_between_folders(service: Any) -> None:
    root = service.content.rootFolder
    a, b = root.CreateFolder("a"), root.CreateFolder("b")
    assert client.finished(service, a.MoveIntoFolder_Task([b])).state == "success"
    assert b.parent._moId == a._moId
    assert isinstance(client.finished(service, b.MoveIntoFolder_Task([a])).error, vim.fault.InvalidFolder)


def test_a_machine_in_use_keeps_its_datastore(service: Any) -> None:
    (store,) = client.view(service, vim.Datastore).view
    (machine,) = client.view(service, vim.VirtualMachine).view
    with pytest.raises(vim.fault.ResourceInUse, match="vm-001"):
        store.DestroyDatastore()
    assert client.finished(service, machine.PowerOnVM_Task(None)).state == "success"
    again = client.finished(service, machine.PowerOnVM_Task(None))
    assert isinstance(again.error, vim.fault.InvalidPowerState)
    assert isinstance(client.finished(service, machine.Destroy_Task()).error, vim.fault.InvalidPowerState)
    assert client.finished(service, machine.PowerOffVM_Task()).state == "success"
    assert client.finished(service, machine.Destroy_Task()).state == "success"
    store.DestroyDatastore()
    assert list(client.view(service, vim.Datastore).view) == []
    assert [list(each.datastore) for each in client.view(service, vim.HostSystem).view] == [[], []]


def test_a_host_that_is_lost_says_so(vc: VCenter, service: Any) -> None:
    host = vc.named("esx-01.example.test")
    host.set_connection("notResponding")
    shown = vim.HostSystem(host.moid, service._stub)
    assert (shown.runtime.connectionState, shown.overallStatus) == ("notResponding", "red")
    failed = client.finished(service, shown.EnterMaintenanceMode_Task(0, None, None))
    assert isinstance(failed.error, vmodl.fault.HostNotConnected)
