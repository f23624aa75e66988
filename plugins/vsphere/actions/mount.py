"""`mount`: more hosts reach a datastore."""

from __future__ import annotations

from contextlib import suppress

from ....core.errors import Conflict, Failed, NotFound
from ....core.journal.step import Run, Wait
from ....core.model.attachment import Attachment
from ....core.model.request import AttachmentRequest
from ..hosts import vmfs
from ..hosts.esx import Esx
from ..hosts.vmfs import Vmfs
from ..reasons import because
from . import known_hosts
from .asked import attached, withdrawn
from .mounted import writes
from .mounting import Meant, Mounting
from .stage import each_host, visited
from .wanted import MARK, is_shared


class Mount(Mounting):
    """Checks, plans and does it. What a host had before it keeps on the way back."""

    def demand(self, meant: Meant) -> None:
        for host in meant.hosts:
            host.adapter()
            if writes(meant.store, host):
                raise because(Conflict, "mounted", name=meant.store.name, host=host.name)
        profile = meant.backing.storage.profiles.get(meant.backing.volume.profile)
        count = len({each.moid for each in meant.hosts} | {each.host for each in meant.store.mounts})
        if count > 1 and not is_shared(profile):
            raise because(Conflict, "profile-single", profile=profile.name, hosts=count)

    def demand_any(self, meant: Meant) -> None:
        if not any(self.fits(meant.store, each) for each in meant.all):
            raise because(Conflict, "mounted-everywhere", name=meant.store.name)

    def fits(self, store: Vmfs, host: Esx) -> bool:
        return not writes(store, host)

    def attach(self, run: Run) -> Wait | None:
        """Each host has the volume."""
        storage, children = self._stage.storage(run), []
        with self._stage.vcenter(run) as connection:
            names = {each.moid: each.name for each in self._stage.hosts(run, connection)}
        for moid, iqn in run.data["iqns"].items():
            known = self._attachment(run, moid)
            if known is None or known.state != "attached":
                host = known_hosts.ensured(self._stage, run, names[moid], iqn)
                wanted = AttachmentRequest(run.data["volume"], host.id, metadata={MARK: run.operation.id})
                children.append(attached(run, storage, wanted))
        return self._stage.all_ended(run, storage, children)

    def detach(self, run: Run) -> Wait | None:
        """None of them has it that had it not, and the storage forgets the hosts that it knows from this operation
        only."""
        storage, children = self._stage.storage(run), []
        for moid in self._fresh(run):
            known = self._attachment(run, moid)
            if known is not None and _made_by(run, known):
                with suppress(NotFound):
                    children.append(withdrawn(run, storage, known.id))
        waiting = self._stage.all_ended(run, storage, children)
        if waiting is None:
            known_hosts.forget(self._stage, run)
        return waiting

    def targets(self, run: Run) -> None:
        """Each host logs in, with the secret of its own attachment, and looks."""
        storage = self._stage.storage(run)
        with self._stage.vcenter(run) as connection:
            for host in self._stage.visit(run, connection):
                known = self._attachment(run, host.moid)
                if known is None:
                    raise because(Failed, "no-disk", host=host.name, disk=run.data["identifier"])
                host.add_target(storage.attachments.connection(known.id))
                host.scan()
                host.attach(run.data["identifier"])
                if host.disk(run.data["identifier"]) is None:
                    raise because(Failed, "no-disk", host=host.name, disk=run.data["identifier"])

    def no_targets(self, run: Run) -> None:
        identifier = str(run.data["identifier"])
        fresh = self._fresh(run)

        def work(host: Esx) -> None:
            if host.moid in fresh:
                vmfs.unmount(host, self._store(run, host.connection))
                vmfs.forget(host, self._store(run, host.connection))
                host.detach(identifier)
                for iqn in run.data["targets"]:
                    host.remove_target(iqn, identifier)
                host.scan()
                host.forget(identifier)

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), work)

    def mount(self, run: Run) -> None:
        """Each host finds the file system and mounts it."""
        with self._stage.vcenter(run) as connection:
            for host in self._stage.visit(run, connection):
                host.demand_connected()
                host.scan()
                vmfs.mount(host, self._store(run, connection))

    def unmount(self, run: Run) -> None:
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            before = run.data["before"]
            hosts = self._stage.hosts(run, connection, gone_ok=True)
            lacked = [each for each in hosts if not before[each.moid]["mounted"]]
            each_host(visited(run, lacked), lambda host: vmfs.unmount(host, store))

    def read_back(self, run: Run) -> None:
        """Every host reaches it."""
        with self._stage.vcenter(run) as connection:
            store = self._store(run, connection)
            for host in self._stage.visit(run, connection):
                if not writes(store, host):
                    raise because(Failed, "not-accessible", name=store.name, host=host.name)
        run.result["datastore"], run.result["hosts"] = store.moid, run.data["hosts"]

    def _fresh(self, run: Run) -> list[str]:
        """The hosts that did not have the volume before, and have it from nobody else since."""
        lacked = [moid for moid, before in run.data["before"].items() if not before["attached"]]
        known = {moid: self._attachment(run, moid) for moid in lacked}
        return [moid for moid, each in known.items() if each is None or _made_by(run, each)]


def _made_by(run: Run, attachment: Attachment) -> bool:
    return attachment.metadata.get(MARK) == run.operation.id
