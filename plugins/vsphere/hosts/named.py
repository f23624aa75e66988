"""Which hosts are meant by names: their own, their ids, or those of their clusters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ....core.errors import Conflict, Invalid
from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..reasons import because
from .esx import Esx
from .reading import read_all


def demand_connected(hosts: Sequence[Esx], chosen: Collection[str]) -> None:
    """Raises unless there are hosts, those that were chosen among them, and the vCenter reaches each."""
    for name in chosen:
        if not any(name in (each.name, each.moid) for each in hosts):
            raise because(Invalid, "no-such-host", host=name)
    if not hosts:
        raise because(Conflict, "no-hosts")
    for host in hosts:
        if not host.connected:
            raise because(Conflict, "host-offline", host=host.name)


@dataclass(frozen=True, slots=True)
class Named:
    """Hosts in the order of the inventory. Those in `by_cluster` were not named themselves."""

    hosts: list[Esx]
    by_cluster: frozenset[str]


def named(connection: Connection, hosts: Sequence[Esx], names: Collection[str]) -> Named:
    """Those of the hosts that are meant; raises `Invalid` for a name that nothing has."""
    parents = read_all(connection, [each.ref for each in hosts], "parent")
    refs = {values["parent"]._moId: values["parent"] for values in parents.values()}
    clusters = [each for each in refs.values() if isinstance(each, vim.ClusterComputeResource)]
    titles = {moid: str(values["name"]) for moid, values in read_all(connection, clusters, "name").items()}
    own = {each.moid: {each.name, each.moid} for each in hosts}
    above = {}
    for host in hosts:
        parent = parents[host.moid]["parent"]._moId if host.moid in parents else ""
        above[host.moid] = {parent, titles[parent]} if parent in titles else set()
    for name in names:
        if not any(name in own[each.moid] | above[each.moid] for each in hosts):
            raise because(Invalid, "no-such-host", host=name)
    wanted = set(names)
    found = [each for each in hosts if (own[each.moid] | above[each.moid]) & wanted]
    return Named(found, frozenset(each.moid for each in found if not own[each.moid] & wanted))
