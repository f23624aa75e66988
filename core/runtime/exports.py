"""Publishing: how a placement's attachments are given to targets and arrays, and given again after a restart."""

from __future__ import annotations

import json
import logging
import secrets as randomness
import string
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select

from ..drivers.contract import Allocated, Export, Grant, Publishes, Resized
from ..errors import Failed, IsthmusError
from ..model.attachment import Attachment, AttachmentState, Connection
from ..model.host import Host
from ..model.placement import Placement
from ..model.request import ChapCredential
from ..security.authority import Credential, client_name, issue_client_certificate
from ..security.sealing import Sealer
from ..store import nouns, schema, secrets
from ..store.database import Database, Tx

if TYPE_CHECKING:
    from .live_backends import LiveBackends
    from .parts import Parts

_log = logging.getLogger(__name__)
_LETTERS = string.ascii_letters + string.digits
_CHAP_LENGTH = 16
CHAP_PROTOCOLS = frozenset({"iscsi", "memory"})
"""The protocols by which a host proves itself with a user name and a secret. `memory` does when they are chosen."""


class Exports:
    """Grants and withdraws under the placement's lock; `authority` issues certificates for hosts."""

    def __init__(
        self, database: Database, live: LiveBackends, sealer: Sealer, authority: Callable[[], Credential] | None
    ) -> None:
        self._database = database
        self._live = live
        self._sealer = sealer
        self._authority = authority

    def make_secrets(self, tx: Tx, attachment: str, protocol: str, credential: ChapCredential | None = None) -> None:
        """Make what proves the host to the target, sealed in the store under the attachment's id.

        CHAP secrets have 16 characters, the most that common initiators take (RFC 3720 asks for 12 or more). A
        `credential` that somebody has chosen is taken instead.
        """
        if protocol == "iscsi" or credential is not None:
            chosen = credential or ChapCredential("".join(randomness.choice(_LETTERS) for _ in range(_CHAP_LENGTH)))
            made = {
                "chap_user": chosen.user or "isthmus-" + attachment.replace("-", "")[:12],
                "chap_secret": chosen.secret,
            }
        elif protocol == "nbd" and self._authority is not None:
            issued = issue_client_certificate(self._authority(), attachment)
            made = {
                "certificate": issued.certificate.decode(),
                "key": issued.key.decode(),
                "ca": self._authority().certificate.decode(),
            }
        else:
            return
        secrets.put(tx, attachment, "access", self._sealer.seal(attachment, json.dumps(made).encode()))

    def read_secrets(self, tx: Tx, attachment: str) -> dict[str, str]:
        """The attachment's own secrets, opened."""
        sealed = secrets.get(tx, attachment, "access")
        return {} if sealed is None else json.loads(self._sealer.open(attachment, sealed))

    def grant(self, placement: Placement, attachment: Attachment, host: Host) -> Connection:
        """Let the host reach the placement; the caller holds its lock. Idempotent."""
        with self._database.read() as tx:
            access = self.read_secrets(tx, attachment.id)
        names = tuple(i.name for i in host.initiators if i.protocol == attachment.protocol)
        wanted = Grant(
            attachment=attachment.id,
            host=host.id,
            mode=attachment.mode,
            initiators=names,
            shared=attachment.shared,
            user=access.get("chap_user", ""),
            secret=access.get("chap_secret", ""),
            subject=client_name(attachment.id) if "certificate" in access else "",
        )
        return self._publishes(placement, attachment.protocol).grant(export_of(placement), wanted)

    def withdraw(self, placement: Placement, protocol: str, attachment: str) -> None:
        """End the host's access and its sessions; the caller holds the lock. Idempotent."""
        self._publishes(placement, protocol).withdraw(export_of(placement), attachment)

    def granted(self, placement: Placement, protocol: str) -> frozenset[str]:
        """The attachments that can reach the placement now."""
        return self._publishes(placement, protocol).granted(export_of(placement))

    def published(self, placement: Placement, protocol: str) -> bool:
        """Whether any host may reach the placement now; the caller holds its lock.

        Nothing is granted before its attachment is in the store, nor after that is gone: a volume without one is not
        published, whether or not its target can answer.
        """
        with self._database.read() as tx:
            attached = nouns.attachments_of_volume.all(tx, placement.volume)
        return bool(attached) and bool(self.granted(placement, protocol))

    def resize(self, placement: Placement, protocol: str, grow: Callable[[], Allocated]) -> Resized:
        """Grow a published placement."""
        return self._publishes(placement, protocol).resize(export_of(placement), grow)

    def _publishes(self, placement: Placement, protocol: str) -> Publishes:
        return self._live.get(placement.backend).publisher.for_protocol(protocol)

    def connection(self, tx: Tx, attachment: Attachment) -> Connection:
        """What the host needs, secrets included."""
        access = self.read_secrets(tx, attachment.id)
        shown = {name: value for name, value in access.items() if name != "chap_user"}
        return Connection(attachment.protocol, dict(attachment.connection), shown)

    def restore(self, parts: Parts, down: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """Publish again every export of this node that the store says is attached, under the same identifiers.

        `down` names back ends that are known not to answer, with the reason; they are not asked. Returns the
        attachments that could not be published, each with the reason; those are retried by the watch.
        """
        failures: dict[str, str] = {}
        reasons = dict(down or {})
        with self._database.read() as tx:
            attached = attached_here(tx, parts.settings.node)
        for found in attached:
            reason = reasons.get(found.backend)
            if reason is None:
                try:
                    self._live.get(found.backend)
                except IsthmusError as error:
                    # Asked once: with many exports it would take for ever to ask for each.
                    reason = reasons[found.backend] = str(error)
            if reason is None:
                reason = self._restored(parts, found.attachment)
            if reason is not None:
                failures[found.attachment] = reason
        return failures

    def _restored(self, parts: Parts, identifier: str) -> str | None:
        """None when the attachment is published (or is none any more), else the reason why not."""
        try:
            self._restore_one(parts, identifier)
        except IsthmusError as error:
            _log.warning("attachment %s is not published: %s", identifier, error)
            return str(error)
        except Exception:
            # One export that meets a defect must not keep all others from coming back.
            _log.exception("publishing attachment %s", identifier)
            return "Publishing it failed; see the server's log."
        return None

    def _restore_one(self, parts: Parts, identifier: str) -> None:
        with self._database.read() as tx:
            found = read_attached(tx, identifier)
        if found is None:
            return
        with parts.holding(found[1].id):
            # It may have been detached while the lock was waited for.
            with self._database.read() as tx:
                found = read_attached(tx, identifier)
            if found is None:
                return
            attachment, placement, host = found
            connection = self.grant(placement, attachment, host)
            if dict(connection.public) != dict(attachment.connection):
                raise Failed(f"The export of {placement.id} came back under another address.")


_ATTACHED_HERE = (
    select(
        schema.attachments.c.id.label("attachment"),
        schema.attachments.c.protocol,
        schema.placements.c.id.label("placement"),
        schema.placements.c.backend,
    )
    .join(schema.volumes, schema.volumes.c.id == schema.attachments.c.volume)
    .join(schema.placements, schema.placements.c.id == schema.volumes.c.placement)
    .join(schema.backends, schema.backends.c.id == schema.placements.c.backend)
    .where(
        schema.attachments.c.state == AttachmentState.ATTACHED.value,
        or_(schema.backends.c.node.is_(None), schema.backends.c.node == bindparam("here")),
    )
    .order_by(schema.attachments.c.created_at)
)


def attached_here(tx: Tx, node: str) -> Sequence[Any]:
    """What is attached and reached from this node, oldest first: attachment, protocol, placement, backend."""
    return tx.execute(_ATTACHED_HERE, {"here": node}).all()


def read_attached(tx: Tx, identifier: str) -> tuple[Attachment, Placement, Host] | None:
    """The attachment with its placement and host; None when it is not (any longer) attached."""
    attachment = nouns.attachments.find(tx, identifier)
    if attachment is None or attachment.state is not AttachmentState.ATTACHED:
        return None
    volume, host = nouns.volumes.find(tx, attachment.volume), nouns.hosts.find(tx, attachment.host)
    placement = None if volume is None else nouns.placements.find(tx, str(volume.placement))
    # READ COMMITTED: they may be gone since the attachment was read.
    return None if placement is None or host is None else (attachment, placement, host)


def export_of(placement: Placement) -> Export:
    """The placement as targets and arrays know it."""
    return Export(placement.id, placement.identifier, placement.reference)


def public_of(connection: Connection) -> dict[str, Any]:
    """What of a connection may be kept in the open."""
    return dict(connection.public)
