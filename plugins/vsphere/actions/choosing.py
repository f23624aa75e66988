"""What the fields of dialogs may be: storage systems, profiles, pools, hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import IsthmusError, NotOffered
from ....core.model.pool import PoolState
from ....plugin_manager.action import Call, Choice
from ....plugin_manager.contract import LOCAL_SYSTEM
from ..hosts.esx import Esx
from .stage import everything
from .wanted import demand_system, is_shared, is_thin


def system_choices(systems: Mapping[str, Adapter], context: Context) -> Sequence[Choice]:
    """The storage systems that make volumes for whoever asks; one that does not answer is left out."""
    found = []
    for name, adapter in systems.items():
        try:
            described = adapter.storage(context).describe()
        except IsthmusError:
            continue
        if {"volumes", "attachments"} <= set(described.offers):
            found.append(Choice(name, name, {"product": described.product, "version": described.version}))
    return found


def profile_choices(systems: Mapping[str, Adapter], call: Call) -> Sequence[Choice]:
    """The system's profiles for volumes that ESXi hosts can reach."""
    storage = _system(systems, call).storage(call.context)
    found = []
    for each in everything(storage.profiles.list):
        connectivity = each.properties.get("provisioningProperties", {}).get("ioConnectivity", {})
        if each.storage_type == "block" and str(connectivity.get("accessProtocol") or "iscsi").lower() == "iscsi":
            details = {"default": each.is_default, "shared": is_shared(each), "thin": is_thin(each)}
            found.append(Choice(each.name, each.name, details))
    return found


def pool_choices(systems: Mapping[str, Adapter], call: Call) -> Sequence[Choice]:
    """The system's pools that are up, with what is free in them."""
    storage = _system(systems, call).storage(call.context)
    try:
        pools = list(everything(storage.pools.list))
    except NotOffered:
        return ()
    return [
        Choice(each.id, each.name, {"free": each.free, "total": each.total})
        for each in pools
        if each.state is PoolState.AVAILABLE
    ]


def host_choices(hosts: Iterable[Esx]) -> Sequence[Choice]:
    """Hosts by their ids."""
    return [
        Choice(each.moid, each.name, {"connected": each.connected, "maintenance": each.maintenance}) for each in hosts
    ]


def _system(systems: Mapping[str, Adapter], call: Call) -> Adapter:
    name = str(call.input.get("system") or LOCAL_SYSTEM)
    demand_system(systems, name)
    return systems[name]
