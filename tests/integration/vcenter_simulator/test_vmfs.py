"""File systems of simulated hosts are on the array's volumes, and what is there decides."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.environment.iscsi import Initiator
from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.registry import vim, vmodl
from tests.simulators.vcenter.storage.lookup import storage_of

from .array import GIB, Array
from .esx import Esx, waited

MIB = 1 << 20
LARGER = 3 * GIB


def disk_of(array: Array, esx: Esx, name: str, **more: Any) -> tuple[str, str]:
    """A new volume that the host sees: its id, and the name of the disk."""
    volume = array.volume(name, **more)
    return volume, seen(array, esx, volume)


def seen(array: Array, esx: Esx, volume: str) -> str:
    before = set(esx.disks)
    esx.reach(array.attach(volume, esx.iqn))
    esx.rescan()
    (name,) = set(esx.disks) - before
    return name


@contextmanager
def _withdrawn(array: Array, esx: Esx, volume: str) -> Iterator[None]:
    """Within, the volume is attached to no host; afterwards it is back."""
    for each in array.engine.attachments.list(array.root).items:
        if each.volume == volume:
            array.withdraw(each.id)
    esx.storage.RescanAllHba()
    yield
    esx.reach(array.attach(volume, esx.iqn))
    esx.rescan()


def clone_of(array: Array, esx: Esx, volume: str, name: str, **more: Any) -> str:
    """A volume from a snapshot of now."""
    with _withdrawn(array, esx, volume):
        snapshot = array.snapshot(volume, f"for {name}")
    return array.volume(name, snapshot=snapshot, **more)


def test_a_new_datastore_is_really_written_on_the_volume(array: Array, esx: Esx) -> None:
    volume = array.volume("written")
    access = array.attach(volume, esx.iqn)
    esx.reach(access)
    esx.rescan()
    (disk,) = esx.datastores.QueryAvailableDisksForVmfs()
    datastore = esx.create("written-1", disk.canonicalName)
    uuid = datastore.info.vmfs.uuid
    assert uuid.encode() in array.raw(volume) and b"written-1" in array.raw(volume)
    with closing(Initiator(access.connection, esx.iqn)) as another:
        assert uuid.encode() in another.read(MIB, 4096)
        assert another.read(512, 512).startswith(b"EFI PART")
    assert esx.mounted(datastore).accessible and datastore.summary.capacity > 2 * GIB - 4 * MIB
    assert esx.datastores.QueryAvailableDisksForVmfs() == []
    (partitions,) = esx.storage.RetrieveDiskPartitionInfo([disk.devicePath])
    assert [each.type for each in partitions.spec.partition] == ["vmfs"]


def test_a_second_host_sees_the_datastore_after_a_scan_without_formatting(array: Array, hosts: list[Esx]) -> None:
    first, second = hosts
    volume = array.volume("both", shared=True)
    name = seen(array, first, volume)
    datastore = first.create("both", name)
    second.reach(array.attach(volume, second.iqn))
    second.storage.RescanAllHba()
    assert second.mounted(datastore) is None
    assert second.datastores.QueryAvailableDisksForVmfs() == []
    second.storage.RescanVmfs()
    assert second.mounted(datastore).accessible and datastore.summary.multipleHostAccess
    assert len([each for each in second.host.datastore if each.name == "both"]) == 1


def test_a_disk_that_another_host_has_formatted_is_not_formatted_again(array: Array, hosts: list[Esx]) -> None:
    first, second = hosts
    volume = array.volume("formatted", shared=True)
    for each in hosts:
        seen(array, each, volume)
    (name,) = first.disks
    (option,) = second.datastores.QueryVmfsDatastoreCreateOptions(name)
    option.spec.vmfs.volumeName = "late"
    datastore = first.create("first", name)
    before = array.raw(volume)
    with pytest.raises(vim.fault.PlatformConfigFault) as told:
        second.datastores.CreateVmfsDatastore(option.spec)
    assert "first" in told.value.msg
    assert array.raw(volume) == before and datastore.summary.accessible


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(array: Array, esx: Esx) -> None:
    volume, name = disk_of(array, esx, "taken name")
    with pytest.raises(vim.fault.DuplicateName) as told:
        esx.create("datastore-001", name)
    assert told.value.name == "datastore-001"
    assert not any(array.raw(volume))


def test_a_volume_that_grew_can_be_expanded_to_what_its_target_tells(array: Array, esx: Esx) -> None:
    volume, name = disk_of(array, esx, "grows")
    datastore = esx.create("grows", name)
    assert esx.datastores.QueryVmfsDatastoreExpandOptions(datastore) == []
    array.extend(volume, LARGER)
    esx.storage.RescanAllHba()
    (option,) = esx.datastores.QueryVmfsDatastoreExpandOptions(datastore)
    esx.datastores.ExpandVmfsDatastore(datastore, option.spec)
    assert LARGER - 4 * MIB < datastore.summary.capacity <= LARGER
    assert esx.datastores.QueryVmfsDatastoreExpandOptions(datastore) == []


def test_a_datastore_cannot_be_expanded_beyond_its_disk(array: Array, esx: Esx) -> None:
    volume, name = disk_of(array, esx, "beyond")
    datastore = esx.create("beyond", name)
    array.extend(volume, LARGER)
    esx.storage.RescanAllHba()
    (option,) = esx.datastores.QueryVmfsDatastoreExpandOptions(datastore)
    option.spec.partition.partition[0].endSector += GIB // 512
    before = datastore.summary.capacity
    with pytest.raises(vim.fault.PlatformConfigFault):
        esx.datastores.ExpandVmfsDatastore(datastore, option.spec)
    assert datastore.summary.capacity == before


def test_a_further_disk_extends_a_datastore(array: Array, esx: Esx) -> None:
    _, name = disk_of(array, esx, "head")
    datastore = esx.create("extended", name)
    volume, further = disk_of(array, esx, "further")
    (option,) = esx.datastores.QueryVmfsDatastoreExtendOptions(datastore, further)
    esx.datastores.ExtendVmfsDatastore(datastore, option.spec)
    assert [each.diskName for each in datastore.info.vmfs.extent] == [name, further]
    assert datastore.summary.capacity > 4 * GIB - 8 * MIB
    assert datastore.info.vmfs.uuid.encode() in array.raw(volume)


def test_a_clone_of_the_volume_is_an_unresolved_copy_and_becomes_a_datastore_of_its_own(array: Array, esx: Esx) -> None:
    volume, name = disk_of(array, esx, "original")
    datastore = esx.create("original", name)
    clone = clone_of(array, esx, volume, "clone")
    copy = seen(array, esx, clone)
    assert [each.name for each in esx.host.datastore if each.name == "original"] == ["original"]
    (unresolved,) = esx.datastores.QueryUnresolvedVmfsVolumes()
    assert unresolved.vmfsUuid == datastore.info.vmfs.uuid and unresolved.vmfsLabel == "original"
    assert [each.device.diskName for each in unresolved.extent] == [copy]
    assert unresolved.resolveStatus.resolvable is False, "the original is there"
    made = esx.resignature(unresolved)
    assert made.name.startswith("snap-") and made.name.endswith("-original")
    assert made.info.vmfs.uuid != datastore.info.vmfs.uuid and esx.mounted(made).accessible
    assert made.info.vmfs.uuid.encode() in array.raw(clone)
    assert made.info.vmfs.uuid.encode() not in array.raw(volume)
    assert esx.datastores.QueryUnresolvedVmfsVolumes() == []


def test_a_copy_is_mounted_under_its_own_identity_only_where_the_original_is_not(
    array: Array, hosts: list[Esx]
) -> None:
    first = hosts[0]
    volume, name = disk_of(array, first, "source")
    first.create("source", name)
    clone = clone_of(array, first, volume, "forced", shared=True)
    for each in hosts:
        seen(array, each, clone)
    results = []
    for each in hosts:
        (unresolved,) = each.storage.QueryUnresolvedVmfsVolume()
        spec = vim.host.UnresolvedVmfsResolutionSpec(
            extentDevicePath=[unresolved.extent[0].devicePath], uuidResolution="forceMount"
        )
        results += each.storage.ResolveMultipleUnresolvedVmfsVolumes([spec])
    assert isinstance(results[0].fault, vim.fault.VmfsAlreadyMounted)
    assert results[1].fault is None and results[1].vmfs.forceMountedInfo.mounted


def test_a_volume_put_back_to_a_snapshot_shows_what_was_there_then(array: Array, esx: Esx) -> None:
    volume, name = disk_of(array, esx, "rolled back")
    datastore = esx.create("before", name)
    with _withdrawn(array, esx, volume):
        point = array.snapshot(volume, "point")
    datastore.RenameDatastore("after")
    assert b"after" in array.raw(volume)
    esx.storage.UnmountVmfsVolume(datastore.info.vmfs.uuid)
    with _withdrawn(array, esx, volume):
        array.revert(volume, point)
    assert datastore.name == "after", "what is not mounted is not read"
    esx.storage.MountVmfsVolume(datastore.info.vmfs.uuid)
    assert datastore.name == "before" and datastore.summary.accessible


def test_a_destroyed_datastore_is_gone_from_the_volume_and_from_all_hosts(array: Array, hosts: list[Esx]) -> None:
    first, second = hosts
    volume = array.volume("destroyed", shared=True)
    name = seen(array, first, volume)
    datastore = first.create("destroyed", name)
    seen(array, second, volume)
    waited(datastore.Destroy_Task())
    assert b"destroyed" not in array.raw(volume) and b"EFI PART" not in array.raw(volume)
    for each in hosts:
        assert "destroyed" not in [store.name for store in each.host.datastore]
        each.rescan()
        assert name in [disk.canonicalName for disk in each.datastores.QueryAvailableDisksForVmfs()]


def test_a_volume_is_unmounted_and_mounted_on_one_host_alone(array: Array, hosts: list[Esx]) -> None:
    first, second = hosts
    volume = array.volume("unmounted", shared=True)
    datastore = first.create("unmounted", seen(array, first, volume))
    seen(array, second, volume)
    uuid = datastore.info.vmfs.uuid
    with pytest.raises(vim.fault.VmfsAlreadyMounted):
        second.storage.MountVmfsVolume(uuid)
    second.storage.UnmountVmfsVolume(uuid)
    assert (second.mounted(datastore).mounted, first.mounted(datastore).mounted) == (False, True)
    with pytest.raises(vim.fault.InvalidState):
        second.storage.UnmountVmfsVolume(uuid)
    second.storage.RescanVmfs()
    assert second.mounted(datastore).mounted is False, "a scan does not undo what was asked for"
    second.storage.MountVmfsVolume(uuid)
    assert second.mounted(datastore).accessible
    with pytest.raises(vim.fault.NotFound):
        second.storage.MountVmfsVolume("no-such-volume")


def test_a_disk_in_use_is_not_detached(array: Array, esx: Esx) -> None:
    _, name = disk_of(array, esx, "in use")
    datastore = esx.create("in-use", name)
    uuid = esx.disks[name].uuid
    with pytest.raises(vim.fault.ResourceInUse) as told:
        esx.storage.DetachScsiLun(uuid)
    assert "in-use" in told.value.msg
    esx.storage.UnmountVmfsVolume(datastore.info.vmfs.uuid)
    esx.storage.DetachScsiLun(uuid)


def test_too_small_a_disk_is_offered_to_nobody(array: Array, esx: Esx) -> None:
    _, name = disk_of(array, esx, "small", size=GIB)
    assert esx.datastores.QueryAvailableDisksForVmfs() == []
    assert esx.datastores.QueryVmfsDatastoreCreateOptions(name) == []


def test_a_host_that_cannot_reach_the_disk_refuses_to_enlarge(array: Array, esx: Esx) -> None:
    volume = array.volume("unreachable")
    access = array.attach(volume, esx.iqn)
    esx.reach(access)
    esx.rescan()
    (name,) = esx.disks
    datastore = esx.create("unreachable", name)
    array.detach(access)
    esx.storage.RescanAllHba()
    with pytest.raises(vim.fault.DatastoreNotWritableOnHost) as told:
        esx.datastores.QueryVmfsDatastoreExpandOptions(datastore)
    assert told.value.host == esx.host
    with pytest.raises(vim.fault.HostConfigFault):
        datastore.DestroyDatastore()


def test_another_vcenter_recognises_the_datastore_by_what_is_on_the_volume(array: Array, esx: Esx) -> None:
    volume, name = disk_of(array, esx, "elsewhere", shared=True)
    datastore = esx.create("elsewhere", name)
    with VCenter() as other:
        content = client.connect(other).RetrieveContent()
        foreign = Esx(content.rootFolder.childEntity[0].hostFolder.childEntity[0].host[0])
        assert seen(array, foreign, volume) == name
        (found,) = [each for each in foreign.host.datastore if each.name == "elsewhere"]
        assert found.info.vmfs.uuid == datastore.info.vmfs.uuid


def test_a_format_that_fails_halfway_leaves_a_disk_that_can_be_formatted(array: Array, esx: Esx, vc: VCenter) -> None:
    _, name = disk_of(array, esx, "halfway")
    storage = storage_of(vc.host(esx.host))
    for writes in range(4):
        storage.hinder(name, writes)
        with pytest.raises(vim.fault.PlatformConfigFault):
            esx.create("halfway", name)
        assert "halfway" not in [each.name for each in esx.host.datastore]
        storage.hinder(name, None)
        if writes < 3:
            esx.rescan()
            assert [each.canonicalName for each in esx.datastores.QueryAvailableDisksForVmfs()] == [name]
    esx.rescan()
    assert [each.name for each in esx.host.datastore if each.name == "halfway"] == ["halfway"], "all but the reply"


def test_blocks_that_nothing_is_in_are_given_back_to_the_array(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("reclaimed"), esx.iqn)
    esx.reach(access)
    esx.rescan()
    (name,) = esx.disks
    datastore = esx.create("reclaimed", name)
    with closing(Initiator(access.connection, esx.iqn)) as guest:
        guest.write(GIB, b"x" * MIB)
        (result,) = waited(esx.storage.UnmapVmfsVolumeEx_Task([datastore.info.vmfs.uuid]))
        assert result.fault is None
        assert guest.read(GIB, MIB) == bytes(MIB)
    esx.rescan()
    assert datastore.summary.accessible


def test_how_free_blocks_are_given_back_is_set_on_each_host(array: Array, esx: Esx) -> None:
    datastore = esx.create("giving", disk_of(array, esx, "giving")[1])
    uuid = datastore.info.vmfs.uuid

    def volume() -> Any:
        mounts = esx.storage.fileSystemVolumeInfo.mountInfo
        return next(each.volume for each in mounts if getattr(each.volume, "uuid", "") == uuid)

    assert (volume().unmapPriority, volume().unmapBandwidthSpec) == ("low", None)
    esx.storage.UpdateVmfsUnmapPriority(uuid, "none")
    assert volume().unmapPriority == "none"
    spec = vim.host.VmfsVolume.UnmapBandwidthSpec(policy="fixed", fixedValue=500, dynamicMin=0, dynamicMax=0)
    esx.storage.UpdateVmfsUnmapBandwidth(uuid, spec)
    assert volume().unmapBandwidthSpec.fixedValue == 500
    esx.storage.UpdateVmfsUnmapPriority(uuid, "low")
    assert (volume().unmapPriority, volume().unmapBandwidthSpec) == ("low", None)
    with pytest.raises(vmodl.fault.InvalidArgument):
        esx.storage.UpdateVmfsUnmapPriority(uuid, "high")


def test_of_two_hosts_that_format_one_disk_at_once_one_does(array: Array, vc: VCenter) -> None:
    services = [client.connect(vc) for _ in range(2)]
    hosts = [
        Esx(service.content.rootFolder.childEntity[0].hostFolder.childEntity[0].host[number])
        for number, service in enumerate(services)
    ]
    volume = array.volume("contended", shared=True)
    for each in hosts:
        seen(array, each, volume)
    (name,) = hosts[0].disks

    def attempt(number: int) -> str:
        try:
            return str(hosts[number].create(f"contended-{number}", name).name)
        except (vim.fault.PlatformConfigFault, ValueError):
            return ""

    with ThreadPoolExecutor(2) as pool:
        made = [each for each in pool.map(attempt, range(2)) if each]
    assert len(made) == 1
    for each in hosts:
        each.storage.RescanVmfs()
        assert [store.name for store in each.host.datastore if store.name.startswith("contended")] == made
