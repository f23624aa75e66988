"""A volume and the hosts that are to have it: attached, logged in, seen; and the way back."""

from __future__ import annotations

from contextlib import suppress

from ....core.errors import NotFound, Refused
from ....core.journal.step import Run, Wait
from ....core.model.attachment import Attachment
from ....core.model.request import AttachmentRequest
from ..hosts.esx import Esx
from ..reasons import because
from . import known_hosts
from .asked import attached, withdrawn
from .backing import targets_of
from .stage import Stage, each_host, everything
from .wanted import MARK


class Exposing:
    """Steps that several flows share. Data: system, volume, identifier, hosts; `attach` adds targets (their names)."""

    _stage: Stage

    def attach(self, run: Run) -> Wait | None:
        """The hosts are known to the storage, and each has the volume."""
        storage, children = self._stage.storage(run), []
        with self._stage.vcenter(run) as connection:
            names = [(each.name, str(each.adapter().iScsiName)) for each in self._stage.hosts(run, connection)]
        having = {each.host for each in self._attachments(run) if each.state == "attached"}
        for name, iqn in names:
            host = known_hosts.ensured(self._stage, run, name, iqn)
            if host.id not in having:
                request = AttachmentRequest(run.data["volume"], host.id, metadata={MARK: run.operation.id})
                children.append(attached(run, storage, request))
        waiting = self._stage.all_ended(run, storage, children)
        if waiting is None:
            run.data["targets"] = targets_of(self._attachments(run))
        return waiting

    def detach(self, run: Run) -> Wait | None:
        """Nobody has the volume, and the storage forgets the hosts that it knows from this operation only."""
        storage = self._stage.storage(run)
        children = []
        for each in self._attachments(run):
            with suppress(NotFound):
                children.append(withdrawn(run, storage, each.id))
        waiting = self._stage.all_ended(run, storage, children)
        if waiting is None:
            known_hosts.forget(self._stage, run)
        return waiting

    def targets(self, run: Run) -> None:
        """Each host is to log in to its target, with the secret of its own attachment."""
        storage = self._stage.storage(run)
        by_host = {each.host: each for each in self._attachments(run)}
        with self._stage.vcenter(run) as connection:
            for host in self._stage.visit(run, connection):
                known = known_hosts.ensured(self._stage, run, host.name, str(host.adapter().iScsiName))
                host.add_target(storage.attachments.connection(by_host[known.id].id))

    def no_targets(self, run: Run) -> None:
        """No host logs in to it, or sees it."""
        identifier = str(run.data["identifier"])

        def work(host: Esx) -> None:
            held = host.disk(identifier) is not None
            for iqn in run.data["targets"]:
                held = held or host.has_target(iqn)
                host.remove_target(iqn, identifier)
            if held:
                host.scan()

        with self._stage.vcenter(run) as connection:
            each_host(self._stage.visit(run, connection, gone_ok=True), work)

    def scan(self, run: Run) -> None:
        """Every host sees the disk, by the name that the storage gave it."""
        with self._stage.vcenter(run) as connection:
            for host in self._stage.visit(run, connection):
                host.demand_connected()
                self._look(host)
                if host.disk(run.data["identifier"]) is None:
                    raise because(Refused, "no-disk", host=host.name, disk=run.data["identifier"])

    def _look(self, host: Esx) -> None:
        host.scan()

    def _attachments(self, run: Run) -> list[Attachment]:
        return list(everything(self._stage.storage(run).attachments.list, volume=run.data["volume"]))
