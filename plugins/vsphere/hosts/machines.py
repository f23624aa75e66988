"""Virtual machines, as far as a datastore's volume is copied or put back beneath them: which there are, snapshots of
them, and their place in the inventory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ....core.errors import NotFound
from ..connection.faults import translated
from ..connection.soap import Connection
from ..connection.vmodl import vim, vmodl
from .reading import read_all
from .waiting import Alive, ended, settle

CREATE, REMOVE, REVERT = (
    "VirtualMachine.State.CreateSnapshot",
    "VirtualMachine.State.RemoveSnapshot",
    "VirtualMachine.State.RevertToSnapshot",
)
REGISTER, UNREGISTER, POOL = (
    "VirtualMachine.Inventory.Register",
    "VirtualMachine.Inventory.Unregister",
    "Resource.AssignVMToPool",
)
_OFF = "poweredOff"
_MAKING, _MERGING = "VirtualMachine.createSnapshot", "VirtualMachine.consolidateDisks"
_REMOVING, _REVERTING = "vm.Snapshot.remove", "vm.Snapshot.revert"
_REGISTERING = "Folder.registerVm"
_PATHS = (
    "name",
    "parent",
    "resourcePool",
    "snapshot",
    "runtime.host",
    "runtime.powerState",
    "runtime.consolidationNeeded",
    "guest.toolsRunningStatus",
    "config.template",
    "config.files.vmPathName",
    "config.hardware.device",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as read. `file` is the path of its description; `stores` are the ids of the datastores that its disks
    are on; `tools` says whether VMware Tools run in the guest."""

    ref: Any
    name: str
    power: str
    tools: bool
    template: bool
    file: str
    host: Any
    pool: Any
    folder: Any
    stores: frozenset[str]
    unmerged: bool
    points: tuple[Any, ...]

    @property
    def moid(self) -> str:
        return str(self.ref._moId)

    @property
    def runs(self) -> bool:
        return self.power == "poweredOn"

    @property
    def off(self) -> bool:
        """Neither running nor suspended: nobody writes to its disks."""
        return self.power == _OFF

    def named(self, name: str) -> list[Any]:
        """Its snapshots of that name (VirtualMachineSnapshotTree), the oldest first."""
        return [each for each in self.points if each.name == name]

    def lies_on(self, store: str) -> bool:
        """Whether its description lies on the datastore of that name."""
        return self.file.startswith(f"[{store}] ")


def machines_on(connection: Connection, store: Any) -> list[Machine]:
    """Those that have anything on the datastore, by name."""
    return machines_at(connection, connection.read(store, "vm").get("vm") or [])


def not_off(connection: Connection, store: Any) -> list[str]:
    """The names of those that have anything on the datastore and are not powered off."""
    found = read_all(connection, connection.read(store, "vm").get("vm") or [], "name", "runtime.powerState")
    return sorted(
        str(each.get("name", moid)) for moid, each in found.items() if str(each.get("runtime.powerState")) != _OFF
    )


def machines_at(connection: Connection, refs: Sequence[Any]) -> list[Machine]:
    """Those behind references, by name; without those that are gone."""
    found = read_all(connection, refs, *_PATHS)
    made = [_machine(each, found[each._moId]) for each in refs if each._moId in found]
    return sorted(made, key=lambda machine: machine.name)


def begin_snapshot(machine: Machine, name: str, description: str, *, quiesce: bool) -> Any:
    """The task that takes a snapshot without memory. Faults are pyVmomi's."""
    return machine.ref.CreateSnapshot_Task(name, description, False, quiesce)


def settled(connection: Connection, machine: Machine, alive: Alive) -> Machine | None:
    """The machine when nothing is made or removed on it that was begun before; None when it is gone."""
    with suppress(NotFound):
        settle(connection, machine.ref, alive, _MAKING, _REMOVING, _REVERTING, _MERGING)
        return next(iter(machines_at(connection, [machine.ref])), None)
    return None


def remove_snapshots(connection: Connection, machine: Machine, name: str, alive: Alive, *, merge: bool = False) -> None:
    """Its snapshots of that name go, all others stay; when there were any, or with `merge`, disks that need it are
    consolidated. Nothing when it is gone."""
    now = settled(connection, machine, alive)
    points = now.named(name) if now is not None else []
    if not points and not merge:
        return
    with translated(connection.endpoint), suppress(vmodl.fault.ManagedObjectNotFound):
        for each in points:
            ended(connection, each.snapshot.RemoveSnapshot_Task(False, True), alive)
        left = next(iter(machines_at(connection, [machine.ref])), None)
        if left is not None and left.unmerged:
            ended(connection, left.ref.ConsolidateVMDisks_Task(), alive)


def rewind(connection: Connection, machine: Machine, name: str, alive: Alive) -> bool:
    """Back to the snapshot of that name, and the snapshot goes; nothing when there is none. One that is not powered off
    now stays as it is and loses the snapshot only: then the answer is False."""
    now = settled(connection, machine, alive)
    points = now.named(name) if now is not None else []
    if now is None or not points:
        return True
    off = now.off
    if off:
        with translated(connection.endpoint):
            ended(connection, points[-1].snapshot.RevertToSnapshot_Task(None, True), alive)
    remove_snapshots(connection, machine, name, alive)
    return off


def unregister(connection: Connection, machine: Machine) -> None:
    """It leaves the inventory; its files stay. Nothing when it is gone."""
    with translated(connection.endpoint), suppress(vmodl.fault.ManagedObjectNotFound):
        machine.ref.UnregisterVM()


def register(connection: Connection, known: Mapping[str, Any], file: str, alive: Alive) -> bool:
    """A machine comes back to the folder, pool and host that `known` (of `place_of`) names, under its name; False when
    its description is not there."""
    folder = connection.reference("Folder", known["folder"])
    host = connection.reference("HostSystem", known["host"])
    pool = None if known["template"] else connection.reference("ResourcePool", known["pool"])
    with translated(connection.endpoint):
        try:
            ended(connection, folder.RegisterVM_Task(file, known["name"], bool(known["template"]), pool, host), alive)
        except (vim.fault.FileNotFound, vim.fault.NotFound):
            return False
        except vim.fault.AlreadyExists:
            return True
    return True


def registering_ended(connection: Connection, known: Mapping[str, Any], alive: Alive) -> None:
    """Wait for what an earlier process began in the folder."""
    settle(connection, connection.reference("Folder", known["folder"]), alive, _REGISTERING)


def place_of(machine: Machine) -> dict[str, Any]:
    """Where a machine is in the inventory, as plain JSON."""
    return {
        "id": machine.moid,
        "name": machine.name,
        "file": machine.file,
        "template": machine.template,
        "folder": str(machine.folder._moId),
        "host": str(machine.host._moId),
        "pool": None if machine.pool is None else str(machine.pool._moId),
    }


def descriptions_on(connection: Connection, store: Any, name: str, alive: Alive) -> list[str]:
    """The paths of all descriptions of machines on a datastore (of that name), registered or not."""
    browser = connection.read(store, "browser")["browser"]
    spec = vim.host.DatastoreBrowser.SearchSpec(matchPattern=["*.vmx", "*.vmtx"])
    with translated(connection.endpoint):
        found = ended(connection, browser.SearchDatastoreSubFolders_Task(f"[{name}]", spec), alive)
    return sorted(_joined(str(each.folderPath), str(file.path)) for each in found for file in each.file or ())


def _joined(folder: str, file: str) -> str:
    between = "" if folder.endswith(("/", " ")) else " " if folder.endswith("]") else "/"
    return f"{folder}{between}{file}"


def _machine(ref: Any, values: Mapping[str, Any]) -> Machine:
    disks = [each for each in values.get("config.hardware.device") or () if isinstance(each, vim.vm.device.VirtualDisk)]
    backings = [found for each in disks for found in _chain(each.backing)]
    tree = values.get("snapshot")
    return Machine(
        ref,
        str(values.get("name", ref._moId)),
        str(values.get("runtime.powerState")),
        values.get("guest.toolsRunningStatus") == "guestToolsRunning",
        bool(values.get("config.template")),
        str(values.get("config.files.vmPathName") or ""),
        values.get("runtime.host"),
        values.get("resourcePool"),
        values.get("parent"),
        frozenset(str(each.datastore._moId) for each in backings if getattr(each, "datastore", None) is not None),
        bool(values.get("runtime.consolidationNeeded")),
        tuple(_points(tree.rootSnapshotList)) if tree is not None else (),
    )


def _chain(backing: Any) -> Iterator[Any]:
    while backing is not None:
        yield backing
        backing = getattr(backing, "parent", None)


def _points(tree: Sequence[Any]) -> Iterator[Any]:
    for each in tree:
        yield each
        yield from _points(each.childSnapshotList or ())
