"""`attachment.create` and `attachment.delete`: a host reaches a volume, or no longer does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import Failed
from ..journal.step import Commit, Flow, Run, Step
from ..model.attachment import Attachment, AttachmentState
from ..model.host import Host
from ..model.placement import Placement
from ..runtime.exports import public_of
from ..runtime.parts import Parts
from ..store import nouns, secrets
from .volume_state import node_of


class CreateAttachment:
    """Data: attachment, volume, host, placement, backend, node, protocol."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "attachment.create",
            (
                Step("grant", self.grant, self.withdraw, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            undone=self.undone,
            attention=attachment_in_error,
            retried=attachment_again(AttachmentState.ATTACHING),
        )

    def grant(self, run: Run) -> None:
        attachment, placement, host = self._read(run)
        with self.parts.holding(placement.id):
            connection = self.parts.exports.grant(placement, attachment, host)
        run.data["connection"] = public_of(connection)

    def withdraw(self, run: Run) -> None:
        attachment, placement, _host = self._read(run)
        with self.parts.holding(placement.id):
            self.parts.exports.withdraw(placement, attachment.protocol, attachment.id)

    def read_back(self, run: Run) -> Commit:
        attachment, placement, _host = self._read(run)
        if attachment.id not in self.parts.exports.granted(placement, attachment.protocol):
            raise Failed("The target published the volume and does not show it.")

        def commit(tx: Any) -> None:
            nouns.attachments.change(
                tx,
                attachment.id,
                state=AttachmentState.ATTACHED.value,
                connection=run.data["connection"],
                operation=None,
            )
            nouns.volumes.change(tx, attachment.volume)
            attached = nouns.attachments.get(tx, attachment.id)
            self.parts.happened(tx, "attachment.created", attached, run.context, run.operation.id)

        run.result.update({"attachment": attachment.id, "volume": attachment.volume})
        return commit

    def undone(self, run: Run, tx: Any) -> None:
        _remove(run, tx)

    def _read(self, run: Run) -> tuple[Attachment, Placement, Host]:
        return read_attachment(self.parts, run)


class DeleteAttachment:
    """Data: attachment, volume, host, placement, backend, node, protocol."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def flow(self) -> Flow:
        return Flow(
            "attachment.delete",
            (
                Step("withdraw", self.withdraw, node=node_of),
                Step("read_back", self.read_back, node=node_of),
            ),
            pivot="withdraw",
            attention=attachment_in_error,
            retried=attachment_again(AttachmentState.DETACHING),
        )

    def withdraw(self, run: Run) -> None:
        attachment, placement, _host = read_attachment(self.parts, run)
        with self.parts.holding(placement.id):
            self.parts.exports.withdraw(placement, attachment.protocol, attachment.id)

    def read_back(self, run: Run) -> Commit:
        attachment, placement, _host = read_attachment(self.parts, run)
        if attachment.id in self.parts.exports.granted(placement, attachment.protocol):
            raise Failed("The target still publishes the volume to this host.")

        def commit(tx: Any) -> None:
            _remove(run, tx)
            self.parts.happened(tx, "attachment.deleted", attachment, run.context, run.operation.id)

        run.result.update({"attachment": attachment.id, "volume": attachment.volume})
        return commit


def read_attachment(parts: Parts, run: Run) -> tuple[Attachment, Placement, Host]:
    """The attachment of this run with the placement it was accepted for and its host."""
    with parts.database.read() as tx:
        attachment = nouns.attachments.get(tx, run.data["attachment"])
        placement = nouns.placements.get(tx, run.data["placement"])
        return attachment, placement, nouns.hosts.get(tx, attachment.host)


def attachment_in_error(run: Run, tx: Any) -> None:
    nouns.attachments.change(tx, run.data["attachment"], state=AttachmentState.ERROR.value, operation=run.operation.id)


def attachment_again(state: AttachmentState) -> Callable[[Run, Any], None]:
    """A hook for an operation that is retried: the attachment is in `state` again."""

    def hook(run: Run, tx: Any) -> None:
        nouns.attachments.change(tx, run.data["attachment"], state=state.value, operation=run.operation.id)

    return hook


def _remove(run: Run, tx: Any) -> None:
    nouns.attachments.delete(tx, run.data["attachment"])
    secrets.delete(tx, run.data["attachment"])
    nouns.volumes.change(tx, run.data["volume"])
