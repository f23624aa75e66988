"""The datastores that vSphere HA of a cluster writes heartbeats to; nothing watches them."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..registry import vim
from ..wire.call import Call
from .entity import Entity

if TYPE_CHECKING:
    from .datastore import Datastore


class ClusterHeartbeats(Entity):
    """What ComputeResource builds on."""

    def heartbeat_to(self, *datastores: Datastore) -> None:
        """For tests: HA uses these datastores, and no others."""
        hosts = tuple(self.vc.host(ref) for ref in self.get("host") or [])
        for each in self._used():
            each.heartbeats = ()
        for each in datastores:
            each.heartbeats = hosts

    def _used(self) -> list[Datastore]:
        stores = [self.vc.datastore(ref) for ref in self.get("datastore") or []]
        return [each for each in stores if each.heartbeats]

    def RetrieveDasAdvancedRuntimeInfo(self, call: Call) -> Any:
        runtime = vim.cluster.DasAdvancedRuntimeInfo
        return runtime(
            heartbeatDatastoreInfo=[
                runtime.HeartbeatDatastoreInfo(datastore=each.ref, hosts=[host.ref for host in each.heartbeats])
                for each in self._used()
            ]
        )
