"""`expand`: the volume and the VMFS file system on it grow together, while both are used; never the other way."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ....core.errors import Busy, Conflict, Failed, NotOffered
from ....core.journal.step import Run, Wait
from ....core.model.volume import VolumeState
from ....plugin_manager.action import Call
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.esx import Esx
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .asked import asked
from .backing import Backing, backing_of
from .desk import Desk, Seat
from .mounted import hosts_of_store
from .outcome import leave
from .provision import HOST_PRIVILEGE, SLACK
from .stage import Stage, visited


class Expand:
    """Checks, plans and does it. Data: system, volume, volume_before (its size), hosts, datastore."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, hosts, volume; with an input also the size."""
        self._asked(call)

    def bounds(self, call: Call) -> Mapping[str, Mapping[str, Any]]:
        """The size begins with the one that the volume has."""
        _, backing = self._asked(call)
        return {"size": {"minimum": backing.volume.size, "default": backing.volume.size}}

    def plan(self, call: Call) -> Mapping[str, Any]:
        """From which size to which, and whether the pool has room."""
        store, backing = self._asked(call)
        wanted = int(call.input["size"])
        return {
            "datastore": {"id": store.moid, "name": store.name, "capacity": store.capacity},
            "volume": {
                "id": backing.volume.id,
                "name": backing.volume.name,
                "size": backing.volume.size,
                "new_size": wanted,
            },
            "growth": _growth(backing, wanted),
            "system": backing.system,
        }

    def examine(self, run: Run) -> None:
        """Once more, before anything grows; the system says whether it has room."""
        with self._stage.vcenter(run) as connection:
            subject = self._stage.subject(run, connection)
            store, backing = self._growing(connection, subject, run.context, run.data["input"])
            run.data["hosts"] = [each.moid for each in hosts_of_store(connection, store)]
        # A system that tells no plans refuses when it is asked to grow, which is no harm yet.
        with suppress(NotOffered):
            _growth(backing, int(run.data["input"]["size"]))
        run.data["system"], run.data["volume"] = backing.system, backing.volume.id
        run.data["datastore"], run.data["volume_before"] = store.moid, backing.volume.size

    def extend(self, run: Run) -> Wait | None:
        """The volume grows; one that has the size is left alone."""
        storage, volume, wanted = self._stage.storage(run), run.data["volume"], int(run.data["input"]["size"])
        if storage.volumes.get(volume).size >= wanted:
            return None
        child = asked(run, volume, lambda key: storage.volumes.extend(volume, wanted, key=key))
        found = self._stage.ended(run, storage, child)
        if isinstance(found, Wait):
            return found
        if found.result.get("online") is False:
            run.result["online"] = False
        return None

    def keep(self, run: Run) -> None:
        """Nothing shrinks: a volume that grew before it was stopped keeps its size, and that is told."""
        volume = self._stage.storage(run).volumes.get(run.data["volume"])
        if volume.state is VolumeState.EXTENDING:
            raise because(Busy, "still-growing", name=volume.name)
        if volume.size > run.data["volume_before"]:
            leave(run, "left.expand", name=volume.name, size=volume.size)

    def scan(self, run: Run) -> None:
        """Every host learns how large the disk is now."""
        with self._stage.vcenter(run) as connection:
            for host in visited(run, self._left(run, connection)):
                host.demand_connected()
                host.scan()

    def grow(self, run: Run) -> None:
        """One host lets the file system have the whole disk; the others look again."""
        with self._stage.vcenter(run) as connection:
            hosts = self._left(run, connection)
            vmfs.expand(hosts[0], self._store(run, connection))
            for host in visited(run, hosts):
                host.scan()
            self._demand_grown(run, self._store(run, connection))

    def read_back(self, run: Run) -> None:
        """The volume and the file system have the size, and every host that reached it does so still."""
        volume = self._stage.storage(run).volumes.get(run.data["volume"])
        wanted = int(run.data["input"]["size"])
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            writer = self._left(run, connection)[0]
            seen = store.seen_by(writer)
            if seen is None or not seen.accessible:
                raise because(Failed, "not-accessible", name=store.name, host=writer.name)
        if volume.size < wanted:
            raise because(Failed, "volume-differs", name=volume.name)
        self._demand_grown(run, store)
        run.result["volume"], run.result["size"] = volume.id, volume.size
        run.result["datastore"], run.result["capacity"] = store.moid, store.capacity

    def _left(self, run: Run, connection: Connection) -> list[Esx]:
        """The hosts, but for those that left the inventory; raises when all did."""
        found = self._stage.hosts(run, connection, gone_ok=True)
        if not found:
            raise because(Failed, "host-gone")
        return found

    def _demand_grown(self, run: Run, store: Vmfs) -> None:
        wanted = int(run.data["input"]["size"])
        if store.capacity < wanted - SLACK:
            kind = "offline-growth" if run.result.get("online") is False else "smaller"
            raise because(Busy, kind, name=store.name, size=store.capacity, wanted=wanted)

    def _store(self, run: Run, connection: Connection) -> Vmfs:
        return vmfs.demand(connection, connection.reference("Datastore", run.data["datastore"]))

    def _asked(self, call: Call) -> tuple[Vmfs, Backing]:
        seat = self._desk.seat(call)
        return seat.ask(lambda connection, who: self._allowed(seat, connection, who, call.input))

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> tuple[Vmfs, Backing]:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        found = self._growing(connection, subject, seat.context, given)
        for host in hosts_of_store(connection, found[0]):
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        return found

    def _growing(
        self, connection: Connection, subject: Any, context: Any, given: Mapping[str, Any]
    ) -> tuple[Vmfs, Backing]:
        store = vmfs.demand(connection, subject)
        backing = backing_of(self._stage.systems(), context, store)
        offers = backing.offers()
        if "volumes.extend" not in offers:
            raise because(Conflict, "no-growth", system=backing.system)
        # A volume that has the size already, with a file system that has not, is where somebody stopped half-way.
        size = int(given["size"]) if given else None
        if size is not None and (size < backing.volume.size or size - SLACK <= store.capacity):
            error = because(Conflict, "never-shrinks", name=store.name, size=backing.volume.size)
            error.details["field"] = "size"
            raise error
        return store, backing


def _growth(backing: Backing, wanted: int) -> dict[str, Any]:
    """What the system plans for the volume; raises when it cannot grow so far. Nothing where it has the size."""
    if wanted <= backing.volume.size:
        return {}
    return dict(backing.storage.volumes.extend(backing.volume.id, wanted, dry_run=True).plan or {})
