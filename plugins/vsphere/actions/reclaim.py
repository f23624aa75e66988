"""`reclaim`: what a VMFS does not use goes back to the array, now or by itself from now on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.context import Context
from ....core.errors import Conflict, Failed, Invalid, IsthmusError
from ....core.journal.step import Run
from ....plugin_manager.action import Call
from ..connection.soap import Connection, Who
from ..hosts import reclamation, vmfs
from ..hosts.esx import Esx
from ..hosts.reclamation import FIRST_VERSION, Automatic
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .backing import Backing, backing_of
from .desk import Desk, Seat
from .mounted import hosts_of_store, writes
from .provision import HOST_PRIVILEGE
from .stage import Stage, each_host


@dataclass(frozen=True, slots=True)
class Held:
    """A datastore, its hosts (one that can write to it first), its volume; `used` is what the file system uses, in
    bytes."""

    store: Vmfs
    hosts: list[Esx]
    backing: Backing
    used: int

    def room(self) -> dict[str, Any]:
        """What the array has set aside against what is used, in bytes; None for what nobody measures. Snapshots of the
        volume keep blocks that are free in it, so less may come back."""
        allocated = allocated_by(self.backing)
        reclaimable = None if allocated is None else max(0, allocated - self.used)
        return {"allocated_bytes": allocated, "used_bytes": self.used, "reclaimable_bytes": reclaimable}


class Reclaim:
    """Checks, plans and does it. Data: system, volume, datastore, hosts, before (by host), room."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, hosts, volume; with an input also whether the file system can do it."""
        self._asked(call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """How much the array has set aside that nothing is in, and what hosts do by themselves now."""
        held = self._asked(call)
        return {
            "datastore": {"id": held.store.moid, "name": held.store.name, "capacity": held.store.capacity},
            "volume": {
                "id": held.backing.volume.id,
                "name": held.backing.volume.name,
                "size": held.backing.volume.size,
            },
            "system": held.backing.system,
            **held.room(),
            "now": bool(call.input["now"]),
            "automatic": call.input["automatic"],
            "hosts": [
                {"id": each.moid, "name": each.name, **reclamation.automatic(each, held.store).to_json()}
                for each in held.hosts
                if writes(held.store, each)
            ],
        }

    def examine(self, run: Run) -> None:
        """Once more; and what there was before."""
        with self._stage.vcenter(run) as connection:
            held = self._held(connection, self._stage.subject(run, connection), run.context, run.data["input"])
            hosts = [each for each in held.hosts if writes(held.store, each)]
            run.data["before"] = {each.moid: reclamation.automatic(each, held.store).to_json() for each in hosts}
            run.data["room"] = held.room()
        run.data["system"], run.data["volume"] = held.backing.system, held.backing.volume.id
        run.data["datastore"], run.data["hosts"] = held.store.moid, [each.moid for each in hosts]

    def set(self, run: Run) -> None:
        """Every host that has the datastore does by itself what is wanted."""
        wanted = _wanted(run.data["input"])
        if wanted is not None:
            with self._stage.vcenter(run) as connection:
                store = self._store(run, connection)
                for host in self._stage.visit(run, connection):
                    host.demand_connected()
                    reclamation.configure(host, store, wanted)

    def reset(self, run: Run) -> None:
        before = run.data["before"]
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            each_host(
                self._stage.visit(run, connection, gone_ok=True),
                lambda host: reclamation.configure(host, store, Automatic.from_json(before[host.moid])),
            )

    def unmap(self, run: Run) -> None:
        """One host gives back all free blocks; nothing is changed by that which anybody could read."""
        if run.data["input"]["now"]:
            with self._stage.vcenter(run) as connection:
                store = self._store(run, connection)
                host = self._stage.hosts(run, connection)[0]
                host.demand_connected()
                reclamation.unmap(host, store, lambda: run.progress(run.operation.progress))

    def read_back(self, run: Run) -> None:
        """What each host says that it does, and what the array says that it has."""
        wanted, found = _wanted(run.data["input"]), {}
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            for host in self._stage.visit(run, connection):
                now = reclamation.automatic(host, store)
                if wanted is not None and not now.meets(wanted):
                    raise because(Failed, "reclaim-differs", name=store.name, host=host.name)
                found[host.moid] = now.to_json()
            backing = backing_of(self._stage.systems(), run.context, store)
            held = Held(store, [], backing, _used(connection, store))
        room, before = held.room(), run.data["room"]
        run.result["datastore"], run.result["hosts"] = store.moid, found
        run.result |= {"before": before, "after": room}
        if room["allocated_bytes"] is not None and before["allocated_bytes"] is not None:
            run.result["reclaimed_bytes"] = max(0, before["allocated_bytes"] - room["allocated_bytes"])

    def _store(self, run: Run, connection: Connection) -> Vmfs:
        return vmfs.demand(connection, connection.reference("Datastore", run.data["datastore"]))

    def _asked(self, call: Call) -> Held:
        seat = self._desk.seat(call)
        return seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Held:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        held = self._held(connection, subject, seat.context, given)
        for host in held.hosts:
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        return held

    def _held(self, connection: Connection, subject: Any, context: Context, given: Mapping[str, Any]) -> Held:
        store = vmfs.demand(connection, subject)
        hosts = hosts_of_store(connection, store)
        backing = backing_of(self._stage.systems(), context, store)
        if given:
            wanted = _wanted(given)
            if wanted is None and not given["now"]:
                raise because(Invalid, "nothing-wanted")
            if wanted is not None and reclamation.version(hosts[0], store) < FIRST_VERSION:
                raise because(Conflict, "vmfs-too-old", name=store.name)
        return Held(store, hosts, backing, _used(connection, store))


def allocated_by(backing: Backing) -> int | None:
    """What the array has set aside for the volume, in bytes; None where nobody measures it, or not now."""
    try:
        return backing.storage.metrics.volume(backing.volume.id).allocated_bytes
    except IsthmusError:
        return None


def _used(connection: Connection, store: Vmfs) -> int:
    free = connection.read(store.ref, "summary.freeSpace").get("summary.freeSpace") or 0
    return max(0, store.capacity - int(free))


def _wanted(given: Mapping[str, Any]) -> Automatic | None:
    """None: as it is."""
    chosen = str(given["automatic"])
    if chosen == "keep":
        return None
    return Automatic("", int(given["bandwidth"])) if chosen == "fixed" else Automatic(chosen)
