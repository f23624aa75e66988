"""Machines on datastores that are really on the array's volumes: their files go where the volume goes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.vcenter import VCenter
from tests.simulators.vcenter.registry import vim

from .array import GIB, Array
from .esx import Esx, waited
from .test_vmfs import clone_of, disk_of, seen

MIB = 1 << 20
_Disk: Any = vim.vm.device.VirtualDisk


def _add(size: int, store: Any = None, *, thin: bool = True) -> Any:
    backing = _Disk.FlatVer2BackingInfo(
        fileName="" if store is None else f"[{store.name}]", diskMode="persistent", thinProvisioned=thin
    )
    return _change("add", _Disk(key=-1, capacityInKB=size // 1024, backing=backing), "create")


def _raw(disk: str, mode: str) -> Any:
    backing = _Disk.RawDiskMappingVer1BackingInfo(
        fileName="", deviceName=f"/vmfs/devices/disks/{disk}", compatibilityMode=mode, diskMode="independent_persistent"
    )
    return _change("add", _Disk(key=-1, capacityInKB=0, backing=backing), "create")


def _change(operation: str, device: Any, file: str | None = None) -> Any:
    return vim.vm.device.VirtualDeviceSpec(operation=operation, fileOperation=file, device=device)


def _change_machine(machine: Any, *changes: Any) -> None:
    waited(machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=list(changes))))


def _machine(service: Any, esx: Esx, store: Any, name: str, *disks: int) -> Any:
    config = vim.vm.ConfigSpec(
        name=name,
        files=vim.vm.FileInfo(vmPathName=f"[{store.name}]"),
        deviceChange=[_add(size) for size in disks],
    )
    folder = service.content.rootFolder.childEntity[0].vmFolder
    return waited(folder.CreateVM_Task(config, esx.host.parent.resourcePool, esx.host))


def _disks(machine: Any) -> list[Any]:
    return [each for each in machine.config.hardware.device if isinstance(each, _Disk)]


def _files(store: Any) -> list[str]:
    results = waited(store.browser.SearchDatastoreSubFolders_Task(f"[{store.name}]", None))
    return sorted(each.folderPath.partition("] ")[2] + file.path for each in results for file in each.file)


@pytest.fixture
def store(array: Array, esx: Esx) -> Any:
    return esx.create("machines", disk_of(array, esx, "machines", size=4 * GIB)[1])


def test_disks_are_added_enlarged_and_removed_with_their_files(service: Any, esx: Esx, store: Any) -> None:
    machine = _machine(service, esx, store, "one", GIB)
    assert _files(store) == ["one/one.vmx", "one/one_0.vmdk"]
    free = store.summary.freeSpace
    _change_machine(machine, _add(GIB, thin=False))
    assert store.summary.freeSpace == free - GIB and store.vm == [machine]
    first, second = _disks(machine)
    first.capacityInKB, first.capacityInBytes = 2 * MIB, 2 * GIB
    _change_machine(machine, _change("edit", first))
    assert [each.capacityInBytes for each in _disks(machine)] == [2 * GIB, GIB]
    _change_machine(machine, _change("remove", second, "destroy"))
    assert _files(store) == ["one/one.vmx", "one/one_0.vmdk"] and store.summary.freeSpace == free
    waited(machine.Destroy_Task())
    assert _files(store) == []


def test_a_change_that_cannot_be_made_as_a_whole_leaves_everything_as_it_was(
    service: Any, esx: Esx, store: Any
) -> None:
    machine = _machine(service, esx, store, "whole", GIB)
    before = _files(store)
    with pytest.raises(vim.fault.NoDiskSpace) as told:
        _change_machine(machine, _add(GIB), _add(64 * GIB, thin=False))
    assert told.value.datastore == store.name
    assert _files(store) == before and len(_disks(machine)) == 1


def test_machines_keep_a_datastore_from_being_destroyed_and_unmounted(service: Any, esx: Esx, store: Any) -> None:
    machine = _machine(service, esx, store, "keeper", GIB)
    for attempt in (
        store.DestroyDatastore,
        lambda: esx.storage.UnmountVmfsVolume(store.info.vmfs.uuid),
        lambda: esx.datastores.RemoveDatastore(store),
    ):
        with pytest.raises(vim.fault.ResourceInUse) as told:
            attempt()
        assert "keeper" in told.value.msg
    machine.UnregisterVM()
    esx.storage.UnmountVmfsVolume(store.info.vmfs.uuid)


def test_a_machine_goes_with_a_clone_of_its_volume(array: Array, service: Any, esx: Esx, vc: VCenter) -> None:
    volume, name = disk_of(array, esx, "moving")
    store = esx.create("moving", name)
    machine = _machine(service, esx, store, "traveller", GIB)
    vc.machine(machine).guest_writes("before")
    waited(machine.CreateSnapshot_Task("consistent", "before the array's", False, True))
    vc.machine(machine).guest_writes("after")
    clone = clone_of(array, esx, volume, "moved")
    waited(machine.RemoveAllSnapshots_Task(True))
    seen(array, esx, clone)
    (unresolved,) = esx.datastores.QueryUnresolvedVmfsVolumes()
    copy = esx.resignature(unresolved)
    assert "traveller/traveller.vmx" in _files(copy)
    folder = service.content.rootFolder.childEntity[0].vmFolder
    path = f"[{copy.name}] traveller/traveller.vmx"
    pool = esx.host.parent.resourcePool
    with pytest.raises(vim.fault.DuplicateName):
        waited(folder.RegisterVM_Task(path, None, False, pool, esx.host))
    registered = waited(folder.RegisterVM_Task(path, "restored", False, pool, esx.host))
    assert [each.backing.datastore for each in _disks(registered)] == [copy]
    assert [each.name for each in registered.snapshot.rootSnapshotList] == ["consistent"]
    assert machine.snapshot is None
    assert vc.machine(registered).guest_reads() == "after"
    waited(registered.RevertToCurrentSnapshot_Task())
    assert vc.machine(registered).guest_reads() == "before"
    assert vc.machine(machine).guest_reads() == "after"
    waited(registered.PowerOnVM_Task())
    assert registered.config.uuid == machine.config.uuid
    with pytest.raises(vim.fault.AlreadyExists):
        waited(folder.RegisterVM_Task(path, "again", False, pool, esx.host))


def test_a_quiesced_snapshot_may_fail_in_the_guest(service: Any, esx: Esx, store: Any, vc: VCenter) -> None:
    machine = _machine(service, esx, store, "restless", GIB)
    waited(machine.PowerOnVM_Task())
    vc.machine(machine).quiescing = vim.fault.FilesystemQuiesceFault()
    with pytest.raises(vim.fault.FilesystemQuiesceFault):
        waited(machine.CreateSnapshot_Task("first", None, False, True))
    assert machine.snapshot is None
    waited(machine.CreateSnapshot_Task("second", None, False, True))
    vc.machine(machine).set("guest.toolsRunningStatus", "guestToolsNotRunning")
    waited(machine.CreateSnapshot_Task("third", None, False, True))
    (second,) = machine.rootSnapshot[0].vm.snapshot.rootSnapshotList
    assert (second.name, second.quiesced) == ("second", True)
    assert [(each.name, each.quiesced) for each in second.childSnapshotList] == [("third", False)]


def test_snapshots_make_files_that_consolidation_merges(service: Any, esx: Esx, store: Any) -> None:
    machine = _machine(service, esx, store, "layers", GIB)
    before = _files(store)
    waited(machine.CreateSnapshot_Task("one", None, False, False))
    waited(machine.CreateSnapshot_Task("two", None, False, False))
    (disk,) = _disks(machine)
    assert disk.backing.fileName.endswith("-000002.vmdk") and disk.backing.parent.parent is not None
    disk.capacityInKB, disk.capacityInBytes = 2 * MIB, 2 * GIB
    with pytest.raises(vim.fault.InvalidDeviceSpec):
        _change_machine(machine, _change("edit", disk))
    waited(machine.RemoveAllSnapshots_Task(False))
    assert machine.runtime.consolidationNeeded
    waited(machine.ConsolidateVMDisks_Task())
    assert not machine.runtime.consolidationNeeded and _files(store) == before
    assert _disks(machine)[0].backing.parent is None


def test_disks_go_to_the_controller_that_they_are_added_with(service: Any, esx: Esx, store: Any) -> None:
    machine = _machine(service, esx, store, "buses", GIB)
    second = vim.vm.device.ParaVirtualSCSIController(key=-7, busNumber=1, sharedBus="noSharing")
    disk = _add(GIB)
    disk.device.controllerKey, disk.device.unitNumber = -7, 3
    _change_machine(machine, _change("add", second), disk)
    assert [(each.controllerKey, each.unitNumber) for each in _disks(machine)] == [(1000, 0), (1001, 3)]
    with pytest.raises(vim.fault.InvalidDeviceSpec):
        _change_machine(machine, _change("add", second))
    (made,) = [each for each in machine.config.hardware.device if each.key == 1001]
    with pytest.raises(vim.fault.InvalidDeviceSpec):
        _change_machine(machine, _change("remove", made))
    _change_machine(machine, _change("remove", _disks(machine)[1], "destroy"), _change("remove", made))
    assert [each.key for each in machine.config.hardware.device] == [1000, 2000]


@pytest.mark.parametrize("mode", ["physicalMode", "virtualMode"])
def test_a_raw_device_is_a_disk_of_the_host_and_keeps_it(
    array: Array, service: Any, esx: Esx, store: Any, mode: str
) -> None:
    machine = _machine(service, esx, store, "raw")
    _, name = disk_of(array, esx, f"raw {mode}", size=GIB)
    _change_machine(machine, _raw(name, mode))
    (disk,) = _disks(machine)
    assert disk.backing.lunUuid == esx.disks[name].uuid and disk.capacityInBytes == GIB
    with pytest.raises(vim.fault.ResourceInUse) as told:
        esx.storage.DetachScsiLun(esx.disks[name].uuid)
    assert "raw" in told.value.msg
    if mode == "physicalMode":
        with pytest.raises(vim.fault.SnapshotFault):
            waited(machine.CreateSnapshot_Task("none", None, False, False))
    _change_machine(machine, _change("remove", disk, "destroy"))
    esx.storage.DetachScsiLun(esx.disks[name].uuid)


def test_a_disk_with_a_datastore_is_no_raw_device(service: Any, esx: Esx, store: Any) -> None:
    machine = _machine(service, esx, store, "greedy")
    (name,) = esx.disks
    with pytest.raises(vim.fault.ResourceInUse):
        _change_machine(machine, _raw(name, "virtualMode"))


def test_a_machine_does_not_start_from_a_datastore_that_is_lost(array: Array, service: Any, esx: Esx) -> None:
    volume = array.volume("lost")
    access = array.attach(volume, esx.iqn)
    esx.reach(access)
    esx.rescan()
    (name,) = esx.disks
    machine = _machine(service, esx, esx.create("lost", name), "stranded", GIB)
    array.detach(access)
    esx.rescan()
    with pytest.raises(vim.fault.InaccessibleDatastore):
        waited(machine.PowerOnVM_Task())


def test_a_disk_is_not_added_when_the_volume_is_gone_and_nobody_has_noticed(
    array: Array, service: Any, esx: Esx
) -> None:
    access = array.attach(array.volume("unnoticed"), esx.iqn)
    esx.reach(access)
    esx.rescan()
    (name,) = esx.disks
    store = esx.create("unnoticed", name)
    machine = _machine(service, esx, store, "unlucky", GIB)
    array.detach(access)
    assert store.summary.accessible
    with pytest.raises(vim.fault.InaccessibleDatastore):
        _change_machine(machine, _add(GIB))
    assert len(_disks(machine)) == 1 and not store.summary.accessible
    assert _files(store) == ["unlucky/unlucky.vmx", "unlucky/unlucky_0.vmdk"]


def test_another_name_of_the_datastore_is_in_the_paths_of_its_machines(service: Any, esx: Esx, store: Any) -> None:
    machine = _machine(service, esx, store, "named", GIB)
    store.RenameDatastore("other-name")
    assert machine.config.files.vmPathName == "[other-name] named/named.vmx"
    assert _disks(machine)[0].backing.fileName == "[other-name] named/named_0.vmdk"
