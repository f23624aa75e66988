"""VMFS datastores through a host: made, found, grown, mounted, unmounted, removed, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....core.errors import Conflict, InUse, NotFound, Refused
from ..connection.faults import text_of, translated
from ..connection.soap import Connection
from ..connection.vmodl import vim, vmodl
from ..reasons import because
from .esx import Esx
from .reading import datastores_beside, read_all

DESTROY = "Datastore.Delete"
"""The privilege that `destroy` needs."""
_VERSION = 6
_PATHS = ("name", "info", "summary.capacity", "summary.accessible", "summary.type", "host")


@dataclass(frozen=True, slots=True)
class Mount:
    """How a host sees a datastore."""

    host: str
    mounted: bool
    accessible: bool


@dataclass(frozen=True, slots=True)
class Vmfs:
    """A VMFS datastore as read. `disks` are canonical names; `capacity` is in bytes; `uuid` that of the file system."""

    ref: Any
    name: str
    uuid: str
    disks: tuple[str, ...]
    capacity: int
    mounts: tuple[Mount, ...]
    host_refs: tuple[Any, ...]

    @property
    def moid(self) -> str:
        return str(self.ref._moId)

    def seen_by(self, host: Esx) -> Mount | None:
        """None when the host does not know it."""
        return next((each for each in self.mounts if each.host == host.moid), None)


def read(connection: Connection, refs: Sequence[Any]) -> list[Vmfs]:
    """Those of the datastores that are there and are VMFS."""
    found = read_all(connection, refs, *_PATHS)
    return [
        _vmfs(each, found[each._moId])
        for each in refs
        if isinstance(found.get(each._moId, {}).get("info"), vim.host.VmfsDatastoreInfo)
    ]


def demand(connection: Connection, ref: Any) -> Vmfs:
    """The datastore; raises `NotFound` when it is gone, `Refused` when it is no VMFS."""
    values = read_all(connection, [ref], *_PATHS).get(ref._moId)
    if values is None:
        raise because(NotFound, "datastore-gone")
    if not isinstance(values.get("info"), vim.host.VmfsDatastoreInfo):
        raise because(Refused, "not-vmfs", name=str(values.get("name")))
    return _vmfs(ref, values)


def on_disk(host: Esx, identifier: str) -> Vmfs | None:
    """The datastore on a disk, wherever in the host's datacenter it is mounted; None when there is none."""
    stores = list(datastores_beside(host.connection, host.ref).values())
    return next((each for each in read(host.connection, stores) if identifier in each.disks), None)


def demand_blank(host: Esx, identifier: str) -> None:
    """Raises unless the disk, which the host sees, has no partitions and is no datastore's."""
    disk = _disk(host, identifier)
    with host.at():
        infos = host.storage.RetrieveDiskPartitionInfo([disk.devicePath])
    if any(info.spec.partition for info in infos) or on_disk(host, identifier) is not None:
        raise because(Refused, "formatted", disk=identifier)


def create(host: Esx, identifier: str, name: str) -> Any:
    """Format a disk that the host sees; the new datastore. Not where the host says that a file system is on it; see
    `demand_blank`."""
    disk = _disk(host, identifier)
    with host.at():
        options = host.datastores.QueryVmfsDatastoreCreateOptions(disk.devicePath, _VERSION)
        whole = [each for each in options if isinstance(each.info, vim.host.VmfsDatastoreOption.AllExtentInfo)]
        if not whole:
            raise because(Refused, "formatted", disk=identifier)
        spec = whole[0].spec
        spec.vmfs.volumeName = name
        return host.datastores.CreateVmfsDatastore(spec)


def expand(host: Esx, store: Vmfs) -> None:
    """Let it have all of its disks, as the host last scanned them; nothing where there is no more."""
    with host.at():
        for option in host.datastores.QueryVmfsDatastoreExpandOptions(store.ref):
            if option.spec.extent.diskName in store.disks:
                host.datastores.ExpandVmfsDatastore(store.ref, option.spec)


def mount(host: Esx, store: Vmfs) -> None:
    """Nothing when the host has it mounted, or does not know it."""
    seen = store.seen_by(host)
    if seen is not None and not seen.mounted:
        with host.at():
            host.storage.MountVmfsVolume(store.uuid)


def unmount(host: Esx, store: Vmfs) -> None:
    """Nothing when the host does not have it mounted."""
    seen = store.seen_by(host)
    if seen is not None and seen.mounted:
        with host.at():
            host.storage.UnmountVmfsVolume(store.uuid)


def forget(host: Esx, store: Vmfs) -> None:
    """An unmounted file system is not kept in the host's list; nothing when it is not there."""
    seen = store.seen_by(host)
    if seen is not None and not seen.mounted:
        with host.at():
            host.storage.DeleteVmfsVolumeState(store.uuid)


def rename(connection: Connection, store: Vmfs, name: str) -> None:
    """`Conflict` when another datastore has the name; nothing when it is its own."""
    if store.name != name:
        with translated(connection.endpoint):
            try:
                store.ref.RenameDatastore(name)
            except vim.fault.DuplicateName:
                raise because(Conflict, "name-taken", name=name) from None


def destroy(connection: Connection, store: Vmfs) -> None:
    """The file system goes, on all hosts; nothing when it is gone. `InUse` with what keeps it."""
    with translated(connection.endpoint):
        try:
            store.ref.DestroyDatastore()
        except vmodl.fault.ManagedObjectNotFound:
            return
        except vim.fault.ResourceInUse as fault:
            raise because(InUse, "in-use", said=text_of(fault)) from None


def _disk(host: Esx, identifier: str) -> Any:
    disk = host.disk(identifier)
    if disk is None:
        raise because(Refused, "no-disk", host=host.name, disk=identifier)
    return disk


def _vmfs(ref: Any, values: dict[str, Any]) -> Vmfs:
    volume = values["info"].vmfs
    mounts = values.get("host") or []
    return Vmfs(
        ref,
        str(values.get("name", "")),
        str(volume.uuid),
        tuple(str(each.diskName) for each in volume.extent),
        int(values.get("summary.capacity") or volume.capacity),
        tuple(
            Mount(str(each.key._moId), bool(each.mountInfo.mounted), bool(each.mountInfo.accessible)) for each in mounts
        ),
        tuple(each.key for each in mounts),
    )
