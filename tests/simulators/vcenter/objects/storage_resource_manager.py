"""StorageResourceManager: Storage I/O Control of datastores, Storage DRS of datastore clusters."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from ..managed import Managed
from ..registry import invalid_argument, vim
from ..values import replaced, segments
from ..wire.call import Call


class StorageResourceManager(Managed):
    """Keeps what is configured; places by free space."""

    KIND = vim.StorageResourceManager

    def ConfigureDatastoreIORM_Task(self, call: Call, ref: Any, spec: Any) -> Any:
        datastore = self.vc.datastore(ref)
        self.vc.rights.demand(call.session, datastore, "Datastore.Config")

        def work(task: object) -> None:
            with self.vc.model.change():
                for name in ("enabled", "congestionThresholdMode", "congestionThreshold", "statsCollectionEnabled"):
                    value = getattr(spec, name)
                    if value is not None:
                        datastore.set(f"iormConfiguration.{name}", value)

        return self.vc.tasks.start(call, datastore, "StorageResourceManager.configureDatastoreIORM", work).ref

    def ConfigureStorageDrsForPod_Task(self, call: Call, ref: Any, spec: Any, modify: bool) -> Any:
        pod = self.vc.entity(ref)
        self.vc.rights.demand(call.session, pod, "StoragePod.Config")

        def work(task: object) -> None:
            given = spec.podConfigSpec
            config = pod.get("podStorageDrsEntry.storageDrsConfig.podConfig")
            for name in ("enabled", "ioLoadBalanceEnabled", "defaultVmBehavior", "loadBalanceInterval"):
                value = None if given is None else getattr(given, name)
                if value is not None:
                    config = replaced(config, segments(name), value)
            pod.set("podStorageDrsEntry.storageDrsConfig.podConfig", config)

        return self.vc.tasks.start(call, pod, "StorageResourceManager.configureStorageDrsForPod", work).ref

    def RecommendDatastores(self, call: Call, spec: Any) -> Any:
        ref = None if spec.podSelectionSpec is None else spec.podSelectionSpec.storagePod
        if ref is None:
            raise invalid_argument("storageSpec.podSelectionSpec", "A datastore cluster is needed")
        stores = [self.vc.datastore(each) for each in self.vc.entity(ref).get("childEntity") or []]
        usable = [each for each in stores if each.get("summary.maintenanceMode") == "normal"]
        ordered = sorted(usable, key=lambda each: -int(each.get("summary.freeSpace")))
        return vim.storageDrs.StoragePlacementResult(
            recommendations=[
                vim.cluster.Recommendation(
                    key=str(number),
                    type="V1",
                    time=self.vc.clock.now(),
                    rating=max(5 - number, 1),
                    reason="storagePlacement",
                    reasonText="Satisfy storage initial placement requests",
                    target=each.ref,
                    action=[
                        vim.storageDrs.StoragePlacementAction(
                            type="StoragePlacementV1", destination=each.ref, target=each.ref
                        )
                    ],
                )
                for number, each in enumerate(ordered, start=1)
            ]
        )
