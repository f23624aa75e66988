"""HostSystem: an ESXi host. Its systems (storage, datastores, …) are objects of their own, added by class."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from ..managed import Managed
from ..registry import named_fault, property_of, vim, vmodl
from ..wire.call import Call
from .compute_resource import Cluster, ComputeResource
from .entity import Entity

if TYPE_CHECKING:
    from ..vcenter import VCenter
    from .datastore import Datastore


class HostPart(Managed):
    """A system of a host (`configManager.storageSystem`, …): the host's permissions decide."""

    def __init__(self, host: HostSystem, moid: str) -> None:
        self.host = host
        super().__init__(host.vc, moid)
        host.vc.model.add(self)

    @property
    def authority(self) -> Managed:
        return self.host


class HostSystem(Entity):
    """A host, connected and in no maintenance."""

    KIND = vim.HostSystem
    PREFIX = "host-"
    PRIVILEGES: ClassVar = {
        "Destroy_Task": "Host.Inventory.RemoveHostFromCluster",
        "Rename_Task": "Host.Config.Settings",
    }
    # What a host has, by the property of its configManager. Whoever simulates a system adds its class here.
    SYSTEMS: ClassVar[dict[str, type[HostPart]]] = {}

    def __init__(self, vc: VCenter, name: str, parent: ComputeResource, version: str) -> None:
        super().__init__(vc, name, parent)
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{vc.guid}.{name}"))
        about = vc.service_instance.about()
        about.name = about.licenseProductName = "VMware ESXi"
        about.fullName = f"VMware ESXi {version} build-{about.build}"
        about.version, about.apiType, about.productLineId = version, "HostAgent", "embeddedEsx"
        about.instanceUuid = None
        runtime = vim.host.RuntimeInfo(
            connectionState="connected", powerState="poweredOn", inMaintenanceMode=False, bootTime=vc.clock.now()
        )
        self.set("runtime", runtime)
        self.set(
            "summary",
            vim.host.Summary(
                host=self.ref,
                hardware=vim.host.Summary.HardwareSummary(
                    vendor="Simulated",
                    model="Host",
                    uuid=self.uuid,
                    memorySize=256 << 30,
                    cpuModel="Simulated",
                    cpuMhz=2600,
                    numCpuPkgs=2,
                    numCpuCores=32,
                    numCpuThreads=64,
                    numNics=2,
                    numHBAs=1,
                ),
                runtime=runtime,
                config=vim.host.Summary.ConfigSummary(
                    name=name, port=902, product=about, vmotionEnabled=True, faultToleranceEnabled=False
                ),
                quickStats=vim.host.Summary.QuickStats(overallCpuUsage=1200, overallMemoryUsage=8192, uptime=86400),
                overallStatus="green",
                rebootRequired=False,
                managementServerIp="127.0.0.1",
            ),
        )
        manager = vim.host.ConfigManager()
        for place, kind in self.SYSTEMS.items():
            system = kind(self, f"{_short(place)}-{self.moid.removeprefix(self.PREFIX)}")
            setattr(manager, place, system.ref)
        self.set("configManager", manager)
        parent.take(self)

    @property
    def compute(self) -> ComputeResource:
        """The cluster, or what stands in for one."""
        parent = self.parent
        assert isinstance(parent, ComputeResource)
        return parent

    @property
    def connected(self) -> bool:
        """Whether the vCenter reaches it."""
        return str(self.get("runtime.connectionState")) == "connected"

    def system(self, place: str) -> HostPart:
        """One of its systems, by the property of the configManager. `LookupError` when it has none."""
        ref = self.get(f"configManager.{place}")
        found = None if ref is None else self.vc.model.objects.get(ref._moId)
        if not isinstance(found, HostPart):
            raise LookupError(place)
        return found

    def set_connection(self, state: str) -> None:
        """`connected`, `disconnected` or `notResponding`: as if the host had gone or come back."""
        with self.vc.model.change():
            self.set("runtime.connectionState", state)
            self.set("summary.runtime", self.get("runtime"))
            self.set("overallStatus", "green" if state == "connected" else "red")

    def demand_connected(self) -> None:
        """HostNotConnected when the vCenter does not reach it."""
        if not self.connected:
            raise named_fault(
                vmodl.fault.HostNotConnected(),
                f"Unable to communicate with the remote host {self.name}: not connected.",
            )

    def mount(self, datastore: Datastore, mode: str = "readWrite", path: str = "") -> None:
        """The host sees a datastore from now on."""
        datastore.mount_on([self], mode, path)

    def unmount(self, datastore: Datastore) -> None:
        """The host no longer sees a datastore."""
        with self.vc.model.change():
            self.discard("datastore", datastore.ref)
            datastore.unmounted(self)
            self.compute.refer("datastore")

    def EnterMaintenanceMode_Task(self, call: Call, timeout: int, evacuate: bool | None, spec: Any) -> Any:
        return self.vc.tasks.start(call, self, "HostSystem.enterMaintenanceMode", lambda task: self._maintain(True)).ref

    def ExitMaintenanceMode_Task(self, call: Call, timeout: int) -> Any:
        return self.vc.tasks.start(call, self, "HostSystem.exitMaintenanceMode", lambda task: self._maintain(False)).ref

    def _maintain(self, maintained: bool) -> None:
        self.demand_connected()
        with self.vc.model.change():
            if self.get("runtime.inMaintenanceMode") == maintained:
                raise named_fault(vim.fault.InvalidState(), "The host is in that mode already")
            self.set("runtime.inMaintenanceMode", maintained)
            self.set("summary.runtime", self.get("runtime"))

    def DisconnectHost_Task(self, call: Call) -> Any:
        def work(task: object) -> None:
            self.set_connection("disconnected")

        return self.vc.tasks.start(call, self, "HostSystem.disconnect", work).ref

    def ReconnectHost_Task(self, call: Call, spec: Any, reconnect: Any) -> Any:
        def work(task: object) -> None:
            self.set_connection("connected")

        return self.vc.tasks.start(call, self, "HostSystem.reconnect", work).ref

    def detach(self) -> None:
        for ref in self.get("datastore") or []:
            self.unmount(self.vc.datastore(ref))
        self.compute.release(self)
        if not isinstance(self.compute, Cluster):
            self.compute.destroy()


def _short(place: str) -> str:
    assert property_of(vim.host.ConfigManager, place) is not None, place
    return place
