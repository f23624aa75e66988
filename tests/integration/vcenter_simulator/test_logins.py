"""A simulated host sees a disk only if it really logs in to the target that has it."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from typing import Any

import pytest

from tests.environment.iscsi import Initiator
from tests.simulators.vcenter import VCenter, client
from tests.simulators.vcenter.registry import vim, vmodl
from tests.simulators.vcenter.storage.lookup import storage_of

from .array import GIB, Array
from .esx import HBA, Esx, Hba, chap


def test_a_volume_appears_after_a_rescan_under_the_identity_and_size_its_target_tells(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("appears", 3 * GIB), esx.iqn)
    assert esx.disks == {}
    esx.reach(access)
    assert esx.disks == {}
    esx.storage.RescanAllHba()
    (disk,) = esx.disks.values()
    with closing(Initiator(access.connection, esx.iqn)) as login:
        assert disk.canonicalName == login.identifier
        assert disk.capacity.block * disk.capacity.blockSize == login.size == 3 * GIB
    assert disk.operationalState == ["ok"] and esx.paths == {disk.canonicalName: ["active"]}


def test_a_volume_does_not_appear_with_a_wrong_secret_and_does_with_the_right_one(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("secret"), esx.iqn)
    esx.reach(access, secret="wrong-secret-1")
    esx.storage.RescanAllHba()
    assert esx.disks == {}
    esx.reach(access)
    esx.storage.RescanAllHba()
    assert len(esx.disks) == 1


def test_a_volume_of_another_host_does_not_appear(array: Array, hosts: list[Esx]) -> None:
    access = array.attach(array.volume("other"), hosts[0].iqn)
    hosts[1].reach(access)
    hosts[1].storage.RescanAllHba()
    assert hosts[1].disks == {}


def test_a_portal_that_is_asked_shows_what_this_host_may_use_and_hands_its_secret_down(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("discovered"), esx.iqn)
    address, _, port = access.portal.rpartition(":")
    portal = Hba.SendTarget(address=address, port=int(port))
    esx.storage.AddInternetScsiSendTargets(HBA, [portal])
    esx.storage.UpdateInternetScsiAuthenticationProperties(
        HBA, chap(access.user, access.secret), Hba.TargetSet(sendTargets=[portal])
    )
    esx.storage.RescanHba(HBA)
    (target,) = esx.adapter.configuredStaticTarget
    assert target.iScsiName == access.target and target.discoveryMethod == "sendTargetMethod"
    assert target.authenticationProperties.chapInherited
    assert len(esx.disks) == 1


def test_the_secret_of_the_adapter_counts_for_targets_that_have_none(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("inherited"), esx.iqn)
    esx.storage.UpdateInternetScsiAuthenticationProperties(HBA, chap(access.user, access.secret), None)
    address, _, port = access.portal.rpartition(":")
    target = Hba.StaticTarget(address=address, port=int(port), iScsiName=access.target)
    esx.storage.AddInternetScsiStaticTargets(HBA, [target])
    esx.storage.RescanAllHba()
    assert len(esx.disks) == 1


def test_a_target_that_cannot_show_who_it_is_is_not_used_where_that_is_wanted(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("mutual"), esx.iqn)
    esx.reach(access)
    address, _, port = access.portal.rpartition(":")
    target = Hba.StaticTarget(address=address, port=int(port), iScsiName=access.target)
    both = chap(access.user, access.secret)
    both.mutualChapName, both.mutualChapSecret = "target", "a-secret-of-its-own"
    esx.storage.UpdateInternetScsiAuthenticationProperties(HBA, both, Hba.TargetSet(staticTargets=[target]))
    esx.storage.RescanAllHba()
    assert esx.disks == {}
    both.mutualChapSecret = both.chapSecret
    with pytest.raises(vmodl.fault.InvalidArgument):
        esx.storage.UpdateInternetScsiAuthenticationProperties(HBA, both, Hba.TargetSet(staticTargets=[target]))


def test_a_target_that_is_removed_takes_its_disk_along(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("removed"), esx.iqn)
    esx.reach(access)
    esx.storage.RescanAllHba()
    assert len(esx.disks) == 1
    esx.leave(access)
    esx.storage.RescanAllHba()
    assert esx.disks == {}
    with pytest.raises(vim.fault.NotFound):
        esx.leave(access)


def test_another_name_of_the_host_is_the_one_it_logs_in_with(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("renamed"), "iqn.1998-01.com.vmware:chosen")
    esx.reach(access)
    esx.storage.RescanAllHba()
    assert esx.disks == {}
    esx.storage.UpdateInternetScsiName(HBA, "iqn.1998-01.com.vmware:chosen")
    esx.storage.RescanAllHba()
    assert len(esx.disks) == 1


def test_secrets_are_never_told(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("told"), esx.iqn)
    esx.reach(access)
    assert access.secret not in str(esx.storage.storageDeviceInfo)
    (target,) = esx.adapter.configuredStaticTarget
    assert target.authenticationProperties.chapName == access.user


def test_a_volume_that_is_taken_away_is_a_lost_disk_until_it_is_forgotten(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("taken"), esx.iqn)
    esx.reach(access)
    esx.storage.RescanAllHba()
    (name,) = esx.disks
    datastore = esx.create("taken", name)
    array.detach(access)
    esx.storage.RescanAllHba()
    assert esx.disks[name].operationalState == ["lostCommunication"] and esx.paths[name] == ["dead"]
    mount = esx.mounted(datastore)
    assert (mount.accessible, mount.inaccessibleReason) == (False, "PermanentDeviceLoss")
    assert datastore.summary.accessible is False


def test_an_array_that_does_not_answer_is_all_paths_down_until_it_does(array: Array, esx: Esx) -> None:
    esx.reach(array.attach(array.volume("silent"), esx.iqn))
    esx.storage.RescanAllHba()
    (name,) = esx.disks
    datastore = esx.create("silent", name)
    os.kill(array.tgtd(), signal.SIGKILL)
    esx.storage.RescanAllHba()
    assert esx.disks[name].operationalState == ["error"] and esx.paths[name] == ["dead"]
    assert esx.mounted(datastore).inaccessibleReason == "AllPathsDown_Start"
    array.engine.watch.look()
    esx.storage.RescanAllHba()
    assert esx.disks[name].operationalState == ["ok"] and esx.mounted(datastore).accessible


def test_a_blank_disk_that_is_taken_away_leaves_the_list(array: Array, esx: Esx) -> None:
    access = array.attach(array.volume("blank"), esx.iqn)
    esx.reach(access)
    esx.storage.RescanAllHba()
    assert len(esx.disks) == 1
    array.detach(access)
    esx.storage.RescanAllHba()
    assert esx.disks == {}


def test_a_grown_volume_has_its_new_size_after_a_rescan(array: Array, esx: Esx) -> None:
    volume = array.volume("grown")
    esx.reach(array.attach(volume, esx.iqn))
    esx.storage.RescanAllHba()
    array.extend(volume, 3 * GIB)
    esx.storage.RescanAllHba()
    (disk,) = esx.disks.values()
    assert disk.capacity.block * disk.capacity.blockSize == 3 * GIB


def test_a_detached_disk_is_off_and_cannot_be_formatted_until_it_is_attached(array: Array, esx: Esx) -> None:
    esx.reach(array.attach(array.volume("off"), esx.iqn))
    esx.storage.RescanAllHba()
    (disk,) = esx.disks.values()
    esx.storage.DetachScsiLun(disk.uuid)
    assert esx.disks[disk.canonicalName].operationalState == ["off"]
    assert esx.datastores.QueryAvailableDisksForVmfs() == []
    with pytest.raises(vim.fault.InvalidState):
        esx.storage.DetachScsiLun(disk.uuid)
    esx.storage.AttachScsiLun(disk.uuid)
    assert [each.uuid for each in esx.datastores.QueryAvailableDisksForVmfs()] == [disk.uuid]


@pytest.mark.parametrize(("why", "state"), [("APD", "error"), ("PDL", "lostCommunication")])
def test_a_disk_can_be_lost_as_a_test_wants_it(array: Array, esx: Esx, vc: VCenter, why: str, state: str) -> None:
    esx.reach(array.attach(array.volume(f"played {why}"), esx.iqn))
    esx.rescan()
    (name,) = esx.disks
    storage: Any = storage_of(vc.host(esx.host))
    storage.play(name, why)
    esx.storage.RescanAllHba()
    assert esx.disks[name].operationalState == [state] and esx.paths[name] == ["dead"]
    storage.play(name, None)
    esx.storage.RescanAllHba()
    assert esx.disks[name].operationalState == ["ok"] and esx.paths[name] == ["active"]


def test_a_host_that_is_not_connected_does_nothing(esx: Esx, vc: VCenter) -> None:
    vc.host(esx.host).set_connection("notResponding")
    with pytest.raises(vmodl.fault.HostNotConnected):
        esx.storage.RescanAllHba()


def test_who_waits_for_changes_is_told_of_a_new_disk_and_of_its_loss(array: Array, esx: Esx, service: Any) -> None:
    collector = service.content.propertyCollector
    spec = client.object_spec([esx.storage], vim.host.StorageSystem, ["storageDeviceInfo.scsiLun"])
    collector.CreateFilter(spec, True)
    version = collector.WaitForUpdatesEx("", None).version
    access = array.attach(array.volume("told of"), esx.iqn)
    esx.reach(access)
    esx.storage.RescanAllHba()
    told = collector.WaitForUpdatesEx(version, None)
    (change,) = told.filterSet[0].objectSet[0].changeSet
    assert [each.canonicalName for each in change.val] == list(esx.disks)
    array.detach(access)
    esx.storage.RescanAllHba()
    told = collector.WaitForUpdatesEx(told.version, None)
    (change,) = told.filterSet[0].objectSet[0].changeSet
    assert change.op == "remove" or not change.val
