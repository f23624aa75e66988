"""Snapshots of a virtual machine: a tree of points, each with the disks as they were."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import copy
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..managed import Managed
from ..registry import named_fault, vim
from ..storage.files import DISK, SNAPSHOT, File
from ..wire.call import Call
from .machine_disks import MachineDisks, demand_accessible

_Disk: Any = vim.vm.device.VirtualDisk
_NUMBERED = re.compile(r"-\d{6}\Z")


class Snapshot(Managed):
    """One point."""

    KIND = vim.vm.Snapshot

    def __init__(self, machine: MachineSnapshots, number: int, name: str, quiesced: bool, parent: Snapshot | None):
        self.machine = machine
        self.number, self.name, self.quiesced, self.above = number, name, quiesced, parent
        self.description = ""
        self.created: datetime = machine.vc.clock.now()
        self.power = str(machine.get("runtime.powerState"))
        self.disks: list[Any] = machine.disks()
        super().__init__(machine.vc, f"snapshot-{machine.vc.model.number()}")
        self.set("vm", machine.ref)
        self.set("config", machine.get("config"))
        machine.vc.model.add(self)

    @property
    def authority(self) -> Managed:
        return self.machine

    def document(self) -> dict[str, Any]:
        """As it is kept with the machine."""
        return {
            "id": self.number,
            "name": self.name,
            "description": self.description,
            "quiesced": self.quiesced,
            "parent": self.above.number if self.above is not None else None,
        }

    def RevertToSnapshot_Task(self, call: Call, host: Any, keep_off: bool | None) -> Any:
        work = self.machine.revert
        return self.vc.tasks.start(call, self.machine, "vm.Snapshot.revert", lambda task: work(self, keep_off)).ref

    def RemoveSnapshot_Task(self, call: Call, children: bool, consolidate: bool | None) -> Any:
        def work(task: object) -> None:
            machine = self.machine
            gone = [self, *machine.below(self)] if children else [self]
            machine.remove(gone, consolidate is not False)

        return self.vc.tasks.start(call, self.machine, "vm.Snapshot.remove", work).ref

    def RenameSnapshot(self, call: Call, name: str | None, description: str | None) -> None:
        self.name = name or self.name
        self.description = self.description if description is None else description
        self.machine.show_snapshots()


class MachineSnapshots(MachineDisks):
    """`quiescing`: the fault that the next quiesced snapshot meets in the guest (tests set it)."""

    def __init__(self, *arguments: Any, **initial: Any) -> None:
        self.snapshots: list[Snapshot] = []
        self.current: Snapshot | None = None
        self.quiescing: Any = None
        self._numbers = 0
        super().__init__(*arguments, **initial)

    def CreateSnapshot_Task(self, call: Call, name: str, description: str | None, memory: bool, quiesce: bool) -> Any:
        def work(task: object) -> Any:
            return self.snapshot(name, description or "", quiesce).ref

        return self.vc.tasks.start(call, self, "VirtualMachine.createSnapshot", work).ref

    def CreateSnapshotEx_Task(self, call: Call, name: str, description: str | None, memory: bool, spec: Any) -> Any:
        return self.CreateSnapshot_Task(call, name, description, memory, spec is not None)

    def snapshot(self, name: str, description: str, quiesce: bool) -> Snapshot:
        """A new point. The injected quiesce fault; SnapshotFault for raw devices in physical mode."""
        self.host.demand_connected()
        if any(getattr(each.backing, "compatibilityMode", None) == "physicalMode" for each in self.disks()):
            raise named_fault(
                vim.fault.SnapshotIncompatibleDeviceInVm(fault=vim.fault.RawDiskNotSupported(device="disk")),
                "A raw device in physical mode has no snapshots",
            )
        for disk in self.disks():
            demand_accessible(self.place_of(disk.backing)[0], self.host)
        # Without VMware Tools in a running guest the wish is passed over in silence.
        quiesce = quiesce and self.get("guest.toolsRunningStatus") == "guestToolsRunning"
        if quiesce and self.quiescing is not None:
            fault, self.quiescing = self.quiescing, None
            raise fault
        self._numbers += 1
        made = Snapshot(self, self._numbers, name, quiesce, self.current)
        made.description = description
        store, folder = self.folder
        store.files.put(f"{folder}/{folder}-Snapshot{made.number}.vmsn", File(SNAPSHOT, 1 << 16, 1 << 16))
        self.take_devices([self._delta(each) for each in self.get("config.hardware.device")])
        self.snapshots = [*self.snapshots, made]
        self.current = made
        self.settle()
        return made

    def _delta(self, device: Any) -> Any:
        """A disk that writes into a file of its own, above the one it had."""
        if not isinstance(device, _Disk):
            return device
        store, path = self.place_of(device.backing)
        stem = _NUMBERED.sub("", path.removesuffix(".vmdk"))
        number = 1
        while (file := f"{stem}-{number:06}.vmdk") in store.files.all:
            number += 1
        store.files.put(file, File(DISK, device.capacityInBytes, 0))
        changed = copy.copy(device)
        changed.backing = copy.copy(device.backing)
        changed.backing.parent = device.backing
        changed.backing.fileName = f"[{store.name}] {file}"
        return changed

    def revert(self, snapshot: Snapshot, keep_off: bool | None) -> None:
        """The disks as they were then, and the power."""
        self.host.demand_connected()
        others = [each for each in self.get("config.hardware.device") if not isinstance(each, _Disk)]
        self.take_devices([*others, *(self._delta(each) for each in snapshot.disks)])
        self.current = snapshot
        wanted = "poweredOff" if keep_off else snapshot.power
        with self.vc.model.change():
            self.set("runtime.powerState", wanted)
            self.set("summary.runtime", self.get("runtime"))
        self.settle()

    def below(self, snapshot: Snapshot) -> list[Snapshot]:
        """All that were taken after it, on its branch."""
        children = [each for each in self.snapshots if each.above is snapshot]
        return [*children, *(grandchild for child in children for grandchild in self.below(child))]

    def remove(self, gone: list[Snapshot], consolidate: bool) -> None:
        """Points less; their files go into those below when they are consolidated."""
        self.host.demand_connected()
        for each in gone:
            for child in self.snapshots:
                if child.above is each:
                    child.above = each.above
            if self.current is each:
                self.current = each.above
            store, folder = self.folder
            store.files.drop(f"{folder}/{folder}-Snapshot{each.number}.vmsn")
            self.vc.model.remove(each)
        self.snapshots = [each for each in self.snapshots if each not in gone]
        if consolidate:
            self._consolidate()
        else:
            self._need_consolidation(True)
        self.settle()

    def _consolidate(self) -> None:
        """Merge every delta that no point needs any more."""
        if not self.snapshots:
            self.take_devices([self._merged(each) for each in self.get("config.hardware.device")])
            store, folder = self.folder
            for path in list(store.files.all):
                if path.startswith(f"{folder}/") and _NUMBERED.search(path.removesuffix(".vmdk")):
                    store.files.drop(path)
        self._need_consolidation(False)

    def _merged(self, device: Any) -> Any:
        if not isinstance(device, _Disk) or device.backing.parent is None:
            return device
        base, written = device.backing, ""
        while base.parent is not None:
            store, path = self.place_of(base)
            written = written or store.files.all[path].content
            store.files.drop(path)
            base = base.parent
        if written:
            store, path = self.place_of(base)
            store.files.put(path, replace(store.files.all[path], content=written))
        changed = copy.copy(device)
        changed.backing = base
        return changed

    def _need_consolidation(self, needed: bool) -> None:
        with self.vc.model.change():
            self.set("runtime.consolidationNeeded", needed)
            self.set("summary.runtime", self.get("runtime"))

    def ConsolidateVMDisks_Task(self, call: Call) -> Any:
        def work(task: object) -> None:
            self._consolidate()
            self.settle()

        return self.vc.tasks.start(call, self, "VirtualMachine.consolidateDisks", work).ref

    def RemoveAllSnapshots_Task(self, call: Call, consolidate: bool | None, spec: Any) -> Any:
        def work(task: object) -> None:
            self.remove(list(self.snapshots), consolidate is not False)

        return self.vc.tasks.start(call, self, "VirtualMachine.removeAllSnapshots", work).ref

    def RevertToCurrentSnapshot_Task(self, call: Call, host: Any, keep_off: bool | None) -> Any:
        def work(task: object) -> None:
            if self.current is None:
                raise named_fault(vim.fault.NotFound(), "The machine has no snapshot")
            self.revert(self.current, keep_off)

        return self.vc.tasks.start(call, self, "VirtualMachine.revertToCurrentSnapshot", work).ref

    def removed(self) -> None:
        for each in self.snapshots:
            self.vc.model.remove(each)

    def settle(self) -> None:
        """Let files and inventory say what is so now."""
        self.show_snapshots()
        for store in self.written():
            store.save()

    def show_snapshots(self) -> None:
        """`snapshot` and `rootSnapshot` as the tree is now."""
        with self.vc.model.change():
            roots = [each for each in self.snapshots if each.above is None]
            self.set("rootSnapshot", [each.ref for each in roots])
            info = None
            if roots:
                info = vim.vm.SnapshotInfo(
                    currentSnapshot=self.current.ref if self.current is not None else None,
                    rootSnapshotList=[self._tree(each) for each in roots],
                )
            self.set("snapshot", info)
            for each in self.snapshots:
                each.set("childSnapshot", [child.ref for child in self.snapshots if child.above is each])

    def _tree(self, snapshot: Snapshot) -> Any:
        return vim.vm.SnapshotTree(
            snapshot=snapshot.ref,
            vm=self.ref,
            name=snapshot.name,
            description=snapshot.description,
            id=snapshot.number,
            createTime=snapshot.created,
            state=snapshot.power,
            quiesced=snapshot.quiesced,
            replaySupported=False,
            childSnapshotList=[self._tree(each) for each in self.snapshots if each.above is snapshot],
        )
