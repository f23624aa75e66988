"""VirtualMachine: power, disks on datastores, and its place in the inventory."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from ..registry import named_fault, vim
from ..wire.call import Call
from .datacenter import datacenter_of
from .datastore import Datastore
from .entity import Entity
from .host_system import HostSystem
from .machine_snapshots import MachineSnapshots

if TYPE_CHECKING:
    from ..vcenter import VCenter

CONTROLLER, CONTROLLERS_UNIT, _FIRST_DISK = 1000, 7, 2000


class VirtualMachine(MachineSnapshots):
    """A machine with one SCSI controller."""

    KIND = vim.VirtualMachine
    PREFIX = "vm-"
    PRIVILEGES: ClassVar = {
        "Destroy_Task": "VirtualMachine.Inventory.Delete",
        "Rename_Task": "VirtualMachine.Config.Rename",
    }

    def __init__(self, vc: VCenter, name: str, host: HostSystem, store: Datastore, disks: tuple[int, ...]) -> None:
        datacenter = datacenter_of(host)
        super().__init__(vc, name, datacenter.machines)
        self.home = store
        identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{vc.guid}/{self.moid}")
        devices = [
            vim.vm.device.ParaVirtualSCSIController(
                key=CONTROLLER,
                busNumber=0,
                sharedBus="noSharing",
                scsiCtlrUnitNumber=CONTROLLERS_UNIT,
                deviceInfo=vim.Description(label="SCSI controller 0", summary="VMware paravirtual SCSI"),
            ),
            *(self.disk(number, size, store) for number, size in enumerate(disks)),
        ]
        path = f"[{store.name}] {name}/{name}.vmx"
        self.set(
            "config",
            vim.vm.ConfigInfo(
                changeVersion="1",
                modified=vc.clock.now(),
                name=name,
                guestFullName="Other Linux (64-bit)",
                version="vmx-19",
                uuid=str(identity),
                instanceUuid=str(uuid.uuid5(identity, "instance")),
                template=False,
                guestId="otherLinux64Guest",
                alternateGuestName="",
                annotation="",
                files=vim.vm.FileInfo(vmPathName=path),
                flags=vim.vm.FlagInfo(),
                defaultPowerOps=vim.vm.DefaultPowerOpInfo(),
                hardware=vim.vm.VirtualHardware(numCPU=2, numCoresPerSocket=1, memoryMB=2048, device=devices),
                datastoreUrl=[vim.vm.ConfigInfo.DatastoreUrlPair(name=store.name, url=store.get("summary.url"))],
            ),
        )
        runtime = vim.vm.RuntimeInfo(
            host=host.ref,
            connectionState="connected",
            powerState="poweredOff",
            numMksConnections=0,
            consolidationNeeded=False,
            recordReplayState="inactive",
            faultToleranceState="notConfigured",
            toolsInstallerMounted=False,
        )
        self.set("runtime", runtime)
        self.set(
            "summary",
            vim.vm.Summary(
                vm=self.ref,
                runtime=runtime,
                overallStatus="green",
                config=vim.vm.Summary.ConfigSummary(
                    name=name,
                    template=False,
                    vmPathName=path,
                    memorySizeMB=2048,
                    numCpu=2,
                    numVirtualDisks=len(disks),
                    uuid=str(identity),
                    instanceUuid=self.get("config.instanceUuid"),
                    guestId="otherLinux64Guest",
                ),
                quickStats=vim.vm.Summary.QuickStats(guestHeartbeatStatus="gray"),
                storage=vim.vm.Summary.StorageSummary(
                    committed=sum(disks), uncommitted=0, unshared=sum(disks), timestamp=vc.clock.now()
                ),
            ),
        )
        self.set("guest", vim.vm.GuestInfo(guestState="notRunning", toolsStatus="toolsNotRunning"))
        self.set("datastore", [store.ref])
        self.set("resourcePool", host.compute.pool.ref)
        datacenter.machines.adopt(self)
        places: tuple[Entity, ...] = (host, store, host.compute.pool)
        for each in places:
            each.extend("vm", self.ref)

    def disk(self, number: int, size: int, store: Datastore) -> Any:
        """A new disk of `size` bytes on a datastore, as the device list shows it."""
        suffix = f"_{number}" if number else ""
        return vim.vm.device.VirtualDisk(
            key=_FIRST_DISK + number,
            controllerKey=CONTROLLER,
            unitNumber=number + (number >= CONTROLLERS_UNIT),
            capacityInKB=size // 1024,
            capacityInBytes=size,
            deviceInfo=vim.Description(label=f"Hard disk {number + 1}", summary=f"{size // 1024:,} KB"),
            backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
                fileName=f"[{store.name}] {self.name}/{self.name}{suffix}.vmdk",
                datastore=store.ref,
                diskMode="persistent",
                thinProvisioned=True,
                uuid=str(uuid.uuid4()),
            ),
        )

    @property
    def powered_on(self) -> bool:
        """Whether it runs."""
        return str(self.get("runtime.powerState")) == "poweredOn"

    def renamed(self) -> None:
        self.set("config.name", self.name)
        self.set("summary.config.name", self.name)

    def PowerOnVM_Task(self, call: Call, host: Any) -> Any:
        return self.vc.tasks.start(call, self, "VirtualMachine.powerOn", lambda task: self.power("poweredOn")).ref

    def PowerOffVM_Task(self, call: Call) -> Any:
        return self.vc.tasks.start(call, self, "VirtualMachine.powerOff", lambda task: self.power("poweredOff")).ref

    def power(self, state: str) -> None:
        """`poweredOn` or `poweredOff`. InvalidPowerState when it is so already; see `demand_files`."""
        with self.vc.model.change():
            self.host.demand_connected()
            now = self.get("runtime.powerState")
            if str(now) == state:
                raise named_fault(
                    vim.fault.InvalidPowerState(requestedState=state, existingState=now),
                    "The attempted operation cannot be performed in the current state "
                    f"({'Powered on' if self.powered_on else 'Powered off'}).",
                )
            if state == "poweredOn":
                self.demand_files()
            self.set("runtime.powerState", state)
            self.set("runtime.bootTime", self.vc.clock.now() if state == "poweredOn" else None)
            self.set("summary.runtime", self.get("runtime"))
            self.set("guest.guestState", "running" if state == "poweredOn" else "notRunning")
            tools = "guestToolsRunning" if state == "poweredOn" else "guestToolsNotRunning"
            self.set("guest.toolsRunningStatus", tools)

    def UnregisterVM(self, call: Call) -> None:
        self._demand_off()
        self._leave()

    def destroy(self) -> None:
        self._demand_off()
        self._leave()
        self.erase()

    def _demand_off(self) -> None:
        if self.powered_on:
            raise named_fault(
                vim.fault.InvalidPowerState(requestedState="poweredOff", existingState="poweredOn"),
                "The attempted operation cannot be performed in the current state (Powered on).",
            )

    def _leave(self) -> None:
        super().destroy()

    def detach(self) -> None:
        super().detach()
        for ref in (*self.get("datastore"), self.get("runtime.host"), self.get("resourcePool")):
            self.vc.model.of(ref).discard("vm", self.ref)
