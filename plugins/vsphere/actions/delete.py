"""`delete`: a VMFS datastore and the volume behind it, gone from the hosts, the vCenter and the storage system."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ....core.errors import Conflict, Failed, NotFound
from ....core.journal.step import Run, Wait
from ....plugin_manager.action import Call
from ..connection.soap import Connection, Who
from ..hosts import vmfs
from ..hosts.blockers import blockers, phrases
from ..hosts.esx import Esx
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .asked import asked, withdrawn
from .backing import Backing, backing_of, targets_of
from .desk import Desk, Seat
from .mounted import hosts_of_store
from .provision import HOST_PRIVILEGE
from .stage import Stage, each_host, everything, visited


@dataclass(frozen=True, slots=True)
class Doomed:
    """A datastore that may be deleted, its hosts (one that can write to it first), and its volume."""

    store: Vmfs
    hosts: list[Esx]
    backing: Backing


class Delete:
    """Checks, plans and does it. Data: system, volume, identifier, hosts, targets, datastore, name."""

    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage

    def check(self, call: Call) -> None:
        """Privileges, blockers, hosts, volume."""
        self._asked(call)

    def plan(self, call: Call) -> Mapping[str, Any]:
        """What would go."""
        doomed = self._asked(call)
        return {
            "datastore": {"id": doomed.store.moid, "name": doomed.store.name},
            "volume": {
                "id": doomed.backing.volume.id,
                "name": doomed.backing.volume.name,
                "size": doomed.backing.volume.size,
            },
            "snapshots": doomed.backing.snapshots(),
            "system": doomed.backing.system,
            "hosts": [{"id": each.moid, "name": each.name} for each in doomed.hosts],
        }

    def examine(self, run: Run) -> None:
        """Whether it may go, once more; and what belongs to it, which the later steps no longer see."""
        with self._stage.vcenter(run) as connection:
            subject = self._stage.subject(run, connection)
            doomed = self._doomed(connection, subject, run.context, run.data["input"])
        backing = doomed.backing
        run.data["system"] = backing.system
        run.data["volume"], run.data["identifier"] = backing.volume.id, backing.volume.identifier
        run.data["hosts"] = [each.moid for each in doomed.hosts]
        run.data["targets"] = targets_of(backing.attachments())
        run.data["datastore"], run.data["name"] = doomed.store.moid, doomed.store.name

    def unmount(self, run: Run) -> None:
        """On all hosts but the one through which it is destroyed; then nothing may have come upon it meanwhile."""
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            for host in visited(run, self._stage.hosts(run, connection)[1:]):
                host.demand_connected()
                vmfs.unmount(host, store)
            _demand_unused(connection, store)

    def remount(self, run: Run) -> None:
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            each_host(self._stage.visit(run, connection, gone_ok=True), lambda host: vmfs.mount(host, store))

    def destroy(self, run: Run) -> None:
        """The file system goes: no way back from here."""
        with self._stage.vcenter(run) as connection, suppress(NotFound):
            vmfs.destroy(connection, self._store(run, connection))

    def detach(self, run: Run) -> None:
        """No host uses the disk any more."""
        with self._stage.vcenter(run) as connection:
            each_host(
                self._stage.visit(run, connection, gone_ok=True), lambda host: host.detach(run.data["identifier"])
            )

    def targets(self, run: Run) -> None:
        """No host logs in to it any more, or remembers it."""
        identifier = str(run.data["identifier"])

        def work(host: Esx) -> None:
            host.leave(run.data["targets"], identifier)

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), work)

    def withdraw(self, run: Run) -> Wait | None:
        """No host may have the volume any more."""
        storage, children = self._stage.storage(run), []
        for each in everything(storage.attachments.list, volume=run.data["volume"]):
            with suppress(NotFound):
                children.append(withdrawn(run, storage, each.id))
        return self._stage.all_ended(run, storage, children)

    def volume(self, run: Run) -> Wait | None:
        storage, doomed = self._stage.storage(run), str(run.data["volume"])
        snapshots = bool(run.data["input"]["with_snapshots"])
        try:
            child = asked(run, doomed, lambda key: storage.volumes.delete(doomed, with_snapshots=snapshots, key=key))
        except NotFound:
            return None
        found = self._stage.ended(run, storage, child)
        return found if isinstance(found, Wait) else None

    def read_back(self, run: Run) -> None:
        """Neither the vCenter nor a host nor the storage system has anything of it."""
        storage = self._stage.storage(run)
        with suppress(NotFound):
            storage.volumes.get(run.data["volume"])
            raise because(Failed, "still-there", name=run.data["name"])
        with self._stage.vcenter(run) as connection:
            with suppress(NotFound):
                self._store(run, connection)
                raise because(Failed, "still-there", name=run.data["name"])
            for host in self._stage.visit(run, connection, gone_ok=True):
                host.scan()
                host.forget(run.data["identifier"])
                if host.disk(run.data["identifier"]) is not None:
                    raise because(Failed, "still-there", name=run.data["name"])

    def _store(self, run: Run, connection: Connection) -> Vmfs:
        return vmfs.demand(connection, connection.reference("Datastore", run.data["datastore"]))

    def _asked(self, call: Call) -> Doomed:
        seat = self._desk.seat(call)
        given = call.input or {"with_snapshots": True}
        return seat.ask(lambda connection, who: self._allowed(seat, connection, who, given))

    def _allowed(self, seat: Seat, connection: Connection, who: Who, given: Mapping[str, Any]) -> Doomed:
        subject = connection.reference(seat.target.kind, seat.target.moid)
        doomed = self._doomed(connection, subject, seat.context, given)
        seat.demand(connection, who, subject, vmfs.DESTROY)
        for host in doomed.hosts:
            seat.demand(connection, who, host.ref, HOST_PRIVILEGE)
        return doomed

    def _doomed(self, connection: Connection, subject: Any, context: Any, given: Mapping[str, Any]) -> Doomed:
        store = vmfs.demand(connection, subject)
        # Nobody is to clear one that cannot be deleted from here anyway.
        backing = backing_of(self._stage.systems(), context, store)
        _demand_unused(connection, store)
        hosts = hosts_of_store(connection, store)
        backing.demand_only(hosts, store.name)
        count = 0 if given["with_snapshots"] else backing.snapshots()
        if count:
            raise because(Conflict, "snapshots", name=store.name, count=count)
        return Doomed(store, hosts, backing)


def _demand_unused(connection: Connection, store: Vmfs) -> None:
    found = blockers(connection, store.ref)
    if found:
        raise because(Conflict, "blocked", name=store.name, blockers=phrases(found))
