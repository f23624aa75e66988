"""The hosts of a datastore, for what is done through them."""

from __future__ import annotations

from ....core.errors import Conflict
from ..connection.soap import Connection
from ..hosts.esx import Esx, hosts_at
from ..hosts.vmfs import Vmfs
from ..reasons import because


def hosts_of_store(connection: Connection, store: Vmfs) -> list[Esx]:
    """The hosts that know the datastore, all connected; first the one that is to write to it."""
    hosts = hosts_at(connection, store.host_refs)
    for host in hosts:
        if not host.connected:
            raise because(Conflict, "host-offline", host=host.name)
    hosts.sort(key=lambda host: not writes(store, host))
    if not hosts or not writes(store, hosts[0]):
        raise because(Conflict, "no-writer", name=store.name)
    return hosts


def writes(store: Vmfs, host: Esx) -> bool:
    """Whether the host has it mounted and reaches it."""
    seen = store.seen_by(host)
    return seen is not None and seen.mounted and seen.accessible
