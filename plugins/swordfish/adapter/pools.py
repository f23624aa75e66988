"""Pools (schema StoragePool); they are changed where they are."""

from __future__ import annotations

from collections.abc import Mapping

from ....adapters.contract.base import page_of
from ....core.errors import NotFound, NotOffered
from ....core.model.page import Page, Query
from ....core.model.pool import Pool, PoolState
from ....core.model.request import Changes
from .bodies import BEGINNING, Body, link, number, text, texts
from .bound import Bound, absent
from .fabrics import fabrics_of
from .paths import id_of, parent
from .spoken import core_name
from .versions import version_of

_STATES: Mapping[str, PoolState] = {
    "": PoolState.AVAILABLE,
    "Enabled": PoolState.AVAILABLE,
    "StandbyOffline": PoolState.UNAVAILABLE,
    "UnavailableOffline": PoolState.UNAVAILABLE,
    "Absent": PoolState.UNAVAILABLE,
    "Disabled": PoolState.DISABLED,
}


class SwordfishPools(Bound):
    """The pools that the context's tenant has room in."""

    def list(self, query: Query | None = None) -> Page[Pool]:
        found = [self._pool(path, body) for path, body in self.every(self.share.pools)]
        return page_of(Pool, found, query, ("created_at", "name", "total", "used"))

    def get(self, pool: str) -> Pool:
        path = self.path(pool)
        answer = self.ask(path)
        return self._pool(path, answer.body)

    def path(self, pool: str) -> str:
        """Where a pool is; raises `NotFound`."""
        for path in (path for collection in self.share.pools for path in self.client.uris(collection)):
            if id_of(path) == pool:
                return path
        raise absent("pool", pool)

    def update(self, pool: str, changes: Changes, *, if_version: int | None = None) -> Pool:
        raise NotOffered("The pools of this system are changed where they are.")

    def _pool(self, path: str, body: Body) -> Pool:
        policies = texts(body, "SupportedProvisioningPolicies")
        owner = link(body, "Links", "OwningStorageResource") or parent(parent(path))
        return Pool(
            id=id_of(path),
            backend=id_of(owner),
            name=text(body, "Name") or text(body, "Id"),
            state=_STATES.get(text(body, "Status", "State"), PoolState.AVAILABLE),
            zone=None,
            total=number(body, "Capacity", "Data", "AllocatedBytes")
            or number(body, "Capacity", "Data", "ProvisionedBytes")
            or 0,
            used=number(body, "Capacity", "Data", "ConsumedBytes") or 0,
            ours=0,
            provisioned=0,
            granularity=number(body, "BlockSizeBytes") or 1,
            thin="Thin" in policies,
            thick="Fixed" in policies or not policies,
            ratio=1.0,
            reserve=0.0,
            protocols=self._protocols(body),
            abilities=(),
            created_at=BEGINNING,
            updated_at=BEGINNING,
            version=version_of(body),
            reason=text(body, "Status", "Health") if text(body, "Status", "Health") not in ("", "OK") else "",
        )

    def _protocols(self, body: Body) -> tuple[str, ...]:
        """What its volumes can be reached by: what its storage says, or else what the fabrics speak."""
        owner = link(body, "Links", "OwningStorageResource")
        said: list[str] = []
        if owner is not None:
            try:
                said = texts(self.client.known(owner).body, "Links", "Protocols")
            except NotFound:
                said = []
        spoken = [core_name(name) for name in said] or [fabric.protocol for fabric in fabrics_of(self.site)]
        return tuple(dict.fromkeys(spoken))
