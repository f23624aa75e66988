"""What keeps a datastore from being deleted, each by its kind and its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import IsthmusError
from ..connection.faults import translated
from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..reasons import phrase
from .reading import read_all

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing in the way. `kind` is `vm`, `template`, `snapshot` (of a machine), `heartbeat` (of the cluster with the
    name), `pod` (a datastore cluster) or `sioc` (Storage I/O Control, which has no name)."""

    kind: str
    name: str = ""

    @property
    def phrase(self) -> Mapping[str, Any]:
        """For the texts of errors."""
        return phrase(f"blocker.{self.kind}", name=self.name)


def phrases(found: list[Blocker]) -> list[Mapping[str, Any]]:
    """As the value of a reason."""
    return [each.phrase for each in found]


def blockers(connection: Connection, store: Any) -> list[Blocker]:
    """Empty when nothing is in the way. High availability is known only from the clusters' own word, which may be kept
    from the caller; then the hosts refuse when they are asked."""
    return list(_found(connection, store))[:_SHOWN]


def blockers_on(connection: Connection, store: Any, host: Any) -> list[Blocker]:
    """What keeps one host from unmounting it: its own machines, and what the cluster does with the datastore."""
    machines = read_all(connection, connection.read(store, "vm").get("vm") or [], "runtime.host")
    others = {moid for moid, values in machines.items() if values["runtime.host"]._moId != host._moId}
    return list(_found(connection, store, others))[:_SHOWN]


def holders(connection: Connection, store: Any) -> list[Blocker]:
    """What needs the datastore besides machines and templates."""
    machines = connection.read(store, "vm").get("vm") or []
    return list(_found(connection, store, {each._moId for each in machines}))[:_SHOWN]


def _found(connection: Connection, store: Any, without: Collection[str] = ()) -> Iterator[Blocker]:
    values = connection.read(store, "vm", "parent", "host", "iormConfiguration.enabled")
    machines = [each for each in values.get("vm") or [] if each._moId not in without]
    for machine in read_all(connection, machines, "name", "config.template").values():
        kind = "template" if machine.get("config.template") else "vm"
        yield Blocker(kind, str(machine.get("name", "?")))
    hosts = [each.key for each in values.get("host") or []]
    parents = {each["parent"]._moId: each["parent"] for each in read_all(connection, hosts, "parent").values()}
    for cluster in parents.values():
        if isinstance(cluster, vim.ClusterComputeResource) and _heartbeats(connection, cluster, store):
            yield Blocker("heartbeat", str(connection.read(cluster, "name").get("name", cluster._moId)))
    if values.get("iormConfiguration.enabled"):
        yield Blocker("sioc")
    parent = values.get("parent")
    if isinstance(parent, vim.StoragePod):
        yield Blocker("pod", str(connection.read(parent, "name").get("name", parent._moId)))


def _heartbeats(connection: Connection, cluster: Any, store: Any) -> bool:
    """Whether the cluster's high availability is on and uses the datastore."""

    try:
        with translated(connection.endpoint):
            info = connection.remembered(("heartbeats", cluster._moId), cluster.RetrieveDasAdvancedRuntimeInfo)
    except IsthmusError:
        return False
    return any(each.datastore._moId == store._moId for each in getattr(info, "heartbeatDatastoreInfo", None) or ())
