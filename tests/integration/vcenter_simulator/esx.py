"""What an administrator does with a host, through an unmodified pyVmomi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyVim import task as pyvim

from tests.simulators.vcenter.registry import vim

from .array import Access

HBA = "vmhba64"
Hba: Any = vim.host.InternetScsiHba


@dataclass(frozen=True, slots=True)
class Esx:
    """One host."""

    host: Any

    @property
    def storage(self) -> Any:
        return self.host.configManager.storageSystem

    @property
    def datastores(self) -> Any:
        return self.host.configManager.datastoreSystem

    @property
    def adapter(self) -> Any:
        (found,) = [each for each in self.storage.storageDeviceInfo.hostBusAdapter if each.device == HBA]
        return found

    @property
    def iqn(self) -> str:
        return str(self.adapter.iScsiName)

    @property
    def disks(self) -> dict[str, Any]:
        """ScsiDisk by canonical name."""
        return {each.canonicalName: each for each in self.storage.storageDeviceInfo.scsiLun}

    @property
    def paths(self) -> dict[str, list[str]]:
        """The states of the paths to each disk, by its canonical name."""
        info = self.storage.storageDeviceInfo
        names = {each.key: each.canonicalName for each in info.scsiLun}
        return {names[each.lun]: [path.pathState for path in each.path] for each in info.multipathInfo.lun}

    def reach(self, access: Access, secret: str | None = None) -> None:
        """Add the target, with CHAP of its own."""
        address, _, port = access.portal.rpartition(":")
        target = Hba.StaticTarget(address=address, port=int(port), iScsiName=access.target)
        self.storage.AddInternetScsiStaticTargets(HBA, [target])
        self.storage.UpdateInternetScsiAuthenticationProperties(
            HBA, chap(access.user, secret or access.secret), Hba.TargetSet(staticTargets=[target])
        )

    def leave(self, access: Access) -> None:
        """Remove the target."""
        address, _, port = access.portal.rpartition(":")
        target = Hba.StaticTarget(address=address, port=int(port), iScsiName=access.target)
        self.storage.RemoveInternetScsiStaticTargets(HBA, [target])

    def rescan(self) -> None:
        self.storage.RescanAllHba()
        self.storage.RescanVmfs()

    def create(self, name: str, disk: str) -> Any:
        """A datastore on the whole disk."""
        (option,) = self.datastores.QueryVmfsDatastoreCreateOptions(f"/vmfs/devices/disks/{disk}")
        option.spec.vmfs.volumeName = name
        return self.datastores.CreateVmfsDatastore(option.spec)

    def resignature(self, unresolved: Any) -> Any:
        """The new datastore of a copy."""
        spec = vim.host.UnresolvedVmfsResignatureSpec(extentDevicePath=[each.devicePath for each in unresolved.extent])
        return waited(self.datastores.ResignatureUnresolvedVmfsVolume_Task(spec)).result

    def mounted(self, datastore: Any) -> Any:
        """MountInfo of the datastore on this host; None when it does not know it."""
        return next((each.mountInfo for each in datastore.host if each.key == self.host), None)


def chap(user: str, secret: str) -> Any:
    return Hba.AuthenticationProperties(
        chapAuthEnabled=True,
        chapName=user,
        chapSecret=secret,
        chapAuthenticationType="chapRequired",
        chapInherited=False,
    )


def waited(task: Any) -> Any:
    """The result of a task; its fault is raised."""
    library: Any = pyvim
    library.WaitForTask(task)
    return task.info.result
