"""What lines of service can ask for with success: what the pools of a storage service offer now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....core.model.pool import Pool, PoolState
from .. import uris
from ..arrays import pools_of
from ..protocol.request import Request
from ..protocol.resource import SNIA, Property, Resource
from ..protocols import all_said
from .storage_pool import policies_of
from .storage_service import load as load_service


@dataclass(frozen=True, slots=True)
class Offer:
    """The pools that take new volumes."""

    pools: Sequence[Pool]


def _load(request: Request) -> Offer:
    load_service(request)
    return Offer([pool for pool in pools_of(request, None) if pool.state is PoolState.AVAILABLE])


def _policies(offer: Offer, request: Request) -> list[str]:
    return sorted({policy for pool in offer.pools for policy in policies_of(pool)})


def _efficient(offer: Offer, request: Request) -> bool:
    sections = [pool.capabilities.get("dataStorage") for pool in offer.pools]
    return any(isinstance(section, Mapping) and section.get("isSpaceEfficient") is True for section in sections)


def _protocols(offer: Offer, request: Request) -> list[str]:
    return all_said(sorted({protocol for pool in offer.pools for protocol in pool.protocols}))


DATA_STORAGE = Resource(
    type="DataStorageLoSCapabilities",
    version="v1_2_2",
    publisher=SNIA,
    path=uris.data_storage_capabilities("{tenant}"),
    load=_load,
    name=lambda offer, request: "Data storage capabilities",
    properties=(
        Property("SupportedProvisioningPolicies", _policies),
        Property("SupportsSpaceEfficiency", _efficient),
    ),
)

CONNECTIVITY = Resource(
    type="IOConnectivityLoSCapabilities",
    version="v1_2_0",
    publisher=SNIA,
    path=uris.connectivity_capabilities("{tenant}"),
    load=_load,
    name=lambda offer, request: "I/O connectivity capabilities",
    properties=(Property("SupportedAccessProtocols", _protocols),),
)

SERVED = (DATA_STORAGE, CONNECTIVITY)
