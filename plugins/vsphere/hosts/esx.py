"""One ESXi host: its software iSCSI adapter, its targets, its disks.

Every change looks first, so it may be made again. Errors name the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ....core.errors import Conflict, InUse, Refused
from ....core.model.attachment import Connection as Access
from ..connection.faults import text_of, translated
from ..connection.soap import Connection
from ..connection.vmodl import vim, vmodl
from ..reasons import because
from .reading import read_all

_PATHS = (
    "name",
    "runtime.connectionState",
    "runtime.inMaintenanceMode",
    "configManager.storageSystem",
    "configManager.datastoreSystem",
)


@dataclass(frozen=True, slots=True)
class Portal:
    """Where a target listens."""

    address: str
    port: int

    @classmethod
    def of(cls, text: str) -> Portal:
        """Of `address:port`; IPv6 in brackets."""
        address, _, port = text.rpartition(":")
        return cls(address.strip("[]"), int(port))


@dataclass(frozen=True, slots=True)
class Esx:
    """A host as it was when it was read; what is asked of it is asked anew."""

    connection: Connection
    ref: Any
    name: str
    connected: bool
    maintenance: bool
    storage: Any
    datastores: Any

    @property
    def moid(self) -> str:
        return str(self.ref._moId)

    @contextmanager
    def at(self) -> Iterator[None]:
        """What the host refuses within comes out as an error that names it."""
        with translated(self.connection.endpoint):
            try:
                yield
            except vmodl.fault.HostCommunication:
                raise because(Refused, "host-offline", host=self.name) from None
            except vim.fault.DuplicateName as fault:
                raise because(Conflict, "name-taken", name=str(fault.name)) from None
            except vim.fault.ResourceInUse as fault:
                raise because(InUse, "in-use", said=text_of(fault)) from None
            except vim.fault.HostConfigFault as fault:
                raise because(Refused, "host-refused", host=self.name, said=text_of(fault)) from None

    def demand_connected(self) -> None:
        """Raises when the vCenter does not reach it."""
        if not self.connected:
            raise because(Refused, "host-offline", host=self.name)

    def adapter(self) -> Any:
        """Its software iSCSI adapter (InternetScsiHba); raises when there is none that works."""
        found = self._device("hostBusAdapter") or []
        for each in found:
            if isinstance(each, vim.host.InternetScsiHba) and each.isSoftwareBased and each.status != "offline":
                return each
        raise because(Refused, "no-adapter", host=self.name)

    def disk(self, identifier: str) -> Any | None:
        """The disk with this canonical name, as it was found by the last scan."""
        luns = self._device("scsiLun") or []
        return next((each for each in luns if each.canonicalName == identifier), None)

    def identifier(self, lun: str) -> str | None:
        """The canonical name of the disk that the host calls so (`ScsiLun.uuid`)."""
        luns = self._device("scsiLun") or []
        return next((str(each.canonicalName) for each in luns if each.uuid == lun), None)

    def add_target(self, access: Access) -> None:
        """Let the adapter log in to what an attachment is reached by, with its CHAP credential."""
        adapter, hba = self.adapter(), vim.host.InternetScsiHba
        iqn = str(access.public["iqn"])
        known = {(each.address, each.port, each.iScsiName) for each in adapter.configuredStaticTarget}
        for portal in map(Portal.of, access.public["portals"]):
            target = hba.StaticTarget(address=portal.address, port=portal.port, iScsiName=iqn)
            with self.at():
                if (portal.address, portal.port, iqn) not in known:
                    self.storage.AddInternetScsiStaticTargets(adapter.device, [target])
                if access.secrets.get("chap_secret"):
                    self.storage.UpdateInternetScsiAuthenticationProperties(
                        adapter.device, _chap(access), hba.TargetSet(staticTargets=[target])
                    )

    def remove_target(self, iqn: str, identifier: str) -> None:
        """Log in to a target no more; nothing while it shows other disks than the one with this identifier."""
        if self._others(iqn, identifier):
            return
        adapter = self.adapter()
        targets = [each for each in adapter.configuredStaticTarget if each.iScsiName == iqn]
        if targets:
            with self.at():
                self.storage.RemoveInternetScsiStaticTargets(
                    adapter.device,
                    [
                        vim.host.InternetScsiHba.StaticTarget(
                            address=each.address, port=each.port, iScsiName=each.iScsiName
                        )
                        for each in targets
                    ],
                )

    def leave(self, targets: Iterable[str], identifier: str) -> None:
        """Log in no more to what showed the disk, and remember nothing of the disk; it is detached already."""
        for iqn in targets:
            self.remove_target(iqn, identifier)
        self.scan()
        self.forget(identifier)

    def has_target(self, iqn: str) -> bool:
        """Whether the adapter is told to log in to it."""
        return any(each.iScsiName == iqn for each in self.adapter().configuredStaticTarget)

    def targets_of(self, identifier: str) -> set[str]:
        """The names of the targets that show the disk now."""
        disk = self.disk(identifier)
        return set() if disk is None else {
            name for name, luns in self._shown() if any(each.scsiLun == disk.key for each in luns)
        }  # fmt: skip

    def scan(self) -> None:
        """Look for disks, then for file systems on them."""
        self.look()
        with self.at():
            self.storage.RescanVmfs()

    def look(self) -> None:
        """Look for disks, whatever is on them."""
        device = self.adapter().device
        with self.at():
            self.storage.RescanHba(device)

    def detach(self, identifier: str) -> None:
        """Use the disk no more; nothing when it is gone or not used."""
        disk = self.disk(identifier)
        if disk is not None and "off" not in disk.operationalState:
            with self.at():
                self.storage.DetachScsiLun(disk.uuid)

    def attach(self, identifier: str) -> None:
        """Use a disk again that was detached."""
        disk = self.disk(identifier)
        if disk is not None and "off" in disk.operationalState:
            with self.at():
                self.storage.AttachScsiLun(disk.uuid)

    def forget(self, identifier: str) -> None:
        """After a scan that did not find it: that a disk was detached is not kept."""
        disk = self.disk(identifier)
        if disk is not None and "off" in disk.operationalState:
            with self.at():
                self.storage.DeleteScsiLunState(disk.canonicalName)

    def _device(self, part: str) -> Any:
        path = f"storageDeviceInfo.{part}"
        return self.connection.read(self.storage, path).get(path)

    def _shown(self) -> Iterator[tuple[str, Sequence[Any]]]:
        topology = self._device("scsiTopology")
        for interface in topology.adapter if topology is not None else ():
            for target in interface.target:
                if isinstance(target.transport, vim.host.InternetScsiTargetTransport):
                    yield str(target.transport.iScsiName), target.lun

    def _others(self, iqn: str, identifier: str) -> bool:
        disk = self.disk(identifier)
        key = None if disk is None else disk.key
        return any(name == iqn and any(each.scsiLun != key for each in luns) for name, luns in self._shown())


def hosts_at(connection: Connection, refs: Sequence[Any]) -> list[Esx]:
    """The hosts behind references, in that order; those that are gone or may not be seen are left out."""
    found = read_all(connection, refs, *_PATHS)
    return [_host(connection, each, found[each._moId]) for each in refs if each._moId in found]


def _host(connection: Connection, ref: Any, values: Mapping[str, Any]) -> Esx:
    return Esx(
        connection,
        ref,
        str(values.get("name", ref._moId)),
        str(values.get("runtime.connectionState")) == "connected",
        bool(values.get("runtime.inMaintenanceMode")),
        values.get("configManager.storageSystem"),
        values.get("configManager.datastoreSystem"),
    )


def _chap(access: Access) -> Any:
    return vim.host.InternetScsiHba.AuthenticationProperties(
        chapAuthEnabled=True,
        chapName=str(access.public["chap_user"]),
        chapSecret=access.secrets["chap_secret"],
        chapAuthenticationType="chapRequired",
        chapInherited=False,
    )
