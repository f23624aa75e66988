"""`unmount`: some hosts of a datastore reach it no more, nor the volume behind it."""

from __future__ import annotations

from contextlib import suppress

from ....core.errors import Conflict, Failed, NotFound
from ....core.journal.step import Run, Wait
from ..hosts import vmfs
from ..hosts.blockers import blockers_on, phrases
from ..hosts.esx import Esx
from ..hosts.vmfs import Vmfs
from ..reasons import because
from .asked import withdrawn
from .mounted import writes
from .mounting import Meant, Mounting
from .stage import each_host, visited


class Unmount(Mounting):
    """Checks, plans and does it. From the first disk that is withdrawn there is no way back; `mount` makes one."""

    def demand(self, meant: Meant) -> None:
        for host in meant.hosts:
            if meant.store.seen_by(host) is None:
                raise because(Conflict, "not-mounted", name=meant.store.name, host=host.name)
            found = blockers_on(host.connection, meant.store.ref, host.ref)
            if found:
                raise because(Conflict, "held", name=meant.store.name, host=host.name, blockers=phrases(found))
        chosen = {each.moid for each in meant.hosts}
        if not any(writes(meant.store, each) for each in meant.all if each.moid not in chosen):
            raise because(Conflict, "last-host", name=meant.store.name)

    def demand_any(self, meant: Meant) -> None:
        if sum(self.fits(meant.store, each) for each in meant.all) < 2:
            raise because(Conflict, "last-host", name=meant.store.name)

    def fits(self, store: Vmfs, host: Esx) -> bool:
        return store.seen_by(host) is not None

    def unmount(self, run: Run) -> None:
        """All of them, before anything is withdrawn; a host refuses while it needs the datastore."""
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            for host in self._stage.visit(run, connection):
                host.demand_connected()
                vmfs.unmount(host, store)

    def remount(self, run: Run) -> None:
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            hosts, before = self._stage.hosts(run, connection, gone_ok=True), run.data["before"]
            had = [each for each in hosts if before[each.moid]["mounted"]]
            each_host(visited(run, had), lambda host: vmfs.mount(host, store))

    def withdraw(self, run: Run) -> None:
        """The hosts log in no more and remember nothing of it."""
        identifier = str(run.data["identifier"])

        def work(host: Esx) -> None:
            vmfs.forget(host, self._store(run, host.connection))
            host.detach(identifier)
            host.leave(run.data["targets"], identifier)

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), work)

    def detach(self, run: Run) -> Wait | None:
        """The hosts may have the volume no more."""
        storage, children = self._stage.storage(run), []
        for moid in run.data["hosts"]:
            known = self._attachment(run, moid)
            if known is not None:
                with suppress(NotFound):
                    children.append(withdrawn(run, storage, known.id))
        return self._stage.all_ended(run, storage, children)

    def read_back(self, run: Run) -> None:
        """None of them has it, and it is still there for the others."""
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            for host in self._stage.visit(run, connection, gone_ok=True):
                seen = store.seen_by(host)
                left = (seen is not None and seen.mounted) or host.disk(run.data["identifier"]) is not None
                if left or self._attachment(run, host.moid) is not None:
                    raise because(Failed, "still-mounted", name=store.name, host=host.name)
        run.result["datastore"], run.result["hosts"] = store.moid, run.data["hosts"]
