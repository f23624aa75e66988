"""Attachments: a volume for a host."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.exc import IntegrityError

from ..context import Context
from ..errors import Conflict, InUse, Invalid, NotOffered, Occupied
from ..model.attachment import Attachment, AttachmentState, Connection
from ..model.host import Host
from ..model.identity import new_id, now
from ..model.operation import Operation
from ..model.request import AttachmentRequest, Changes
from ..model.volume import Volume, VolumeState
from ..profiles.requirement import Requirement
from ..runtime.exports import CHAP_PROTOCOLS
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns
from ..store.database import Tx
from .acceptance import accept, planned, repeated
from .checks import check_credential, check_metadata
from .collection import Collection, plain_changes
from .hosts import Hosts
from .superseding import supersede
from .volume_guards import refuse_copies, refuse_occupied, way_out
from .volumes import Volumes

_log = logging.getLogger(__name__)


class Attachments(Collection[Attachment]):
    def __init__(self, parts: Parts, volumes: Volumes, hosts: Hosts) -> None:
        super().__init__(
            parts,
            nouns.attachments,
            "attachment",
            sorts=("created_at",),
            filters=("state", "volume", "host", "mode", "protocol"),
        )
        self.volumes = volumes
        self.hosts = hosts

    def create(
        self, context: Context, wanted: AttachmentRequest, *, key: str | None = None, dry_run: bool = False
    ) -> Operation:
        """Make a volume reachable for a host."""

        def request() -> Mapping[str, Any]:
            return _asked(wanted, self.parts.signer)

        again = repeated(self.parts, context, "attachment.create", request, None if dry_run else key)
        if again is not None:
            return again
        metadata = check_metadata(wanted.metadata)
        credential = None if wanted.credential is None else check_credential(wanted.credential)
        with self.parts.database.read() as tx:
            volume = self.volumes.seen(tx, context, wanted.volume)
            authorise(context, "attachment:create", volume.tenant)
            host = self.hosts.seen(tx, context, wanted.host)
            pool = nouns.pools.get(tx, str(volume.pool))
            requirement = Requirement.of(nouns.profiles.get(tx, volume.profile))
        if host.tenant is not None and host.tenant != volume.tenant:
            raise Invalid("The host belongs to another tenant than the volume.", field="host")
        if volume.protocol not in pool.protocols:
            raise NotOffered(
                f"Volumes of this pool cannot be reached over {volume.protocol} now.",
                next_step="See why with `isthmus backend test`.",
                protocol=volume.protocol,
            )
        if volume.protocol == "iscsi" and not any(i.protocol == "iscsi" for i in host.initiators):
            raise Invalid(
                f"The host {host.name} has no iSCSI initiator name.",
                next_step="Add the host's IQN to it (see /etc/iscsi/initiatorname.iscsi on the host).",
                field="host",
            )
        if credential is not None and volume.protocol not in CHAP_PROTOCOLS:
            raise Invalid(
                f"This volume is reached over {volume.protocol}, which has no CHAP.",
                next_step="Leave the credential out.",
                field="credential",
            )
        attachment, moment = new_id(), now()
        user = "" if credential is None else credential.user

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            if not nouns.volumes.change(tx, volume.id, states=(VolumeState.AVAILABLE,)):
                refuse_occupied(tx, nouns.volumes.get(tx, volume.id))
            if "live_snapshot" not in pool.abilities:
                # What is being copied there must not be written to meanwhile.
                refuse_copies(tx, volume.id, [])
            _check_free(tx, volume, host, requirement.multi_attach)
            current = nouns.volumes.get(tx, volume.id)
            placement = nouns.placements.get(tx, str(current.placement))
            # Raising the host's version serialises with its deletion and with a change of its initiators.
            if not nouns.hosts.change(tx, host.id):
                raise self.hosts.absent(host.id)
            _check_user(tx, user)
            nouns.attachments.insert(
                tx,
                Attachment(
                    id=attachment,
                    tenant=volume.tenant,
                    volume=volume.id,
                    host=host.id,
                    mode=wanted.mode,
                    state=AttachmentState.ATTACHING,
                    protocol=volume.protocol,
                    created_at=moment,
                    updated_at=moment,
                    shared=requirement.multi_attach,
                    operation=operation,
                    metadata=metadata,
                ),
                chap_user=user or None,
            )
            self.parts.exports.make_secrets(tx, attachment, volume.protocol, credential)
            return self._about(tx, attachment, volume, host.id, placement.id, placement.backend)

        if dry_run:
            plan = {"protocol": volume.protocol, "pool": pool.id, "host": host.id}
            return planned(self.parts, context, "attachment.create", "attachment", None, plan, work)
        try:
            return accept(
                self.parts,
                context,
                "attachment.create",
                "attachment",
                attachment,
                request,
                work,
                key=key,
                tenant=volume.tenant,
            )
        except IntegrityError:
            if not user:
                raise
            # It was free when it was looked up; somebody else has chosen it in this very moment.
            raise _taken() from None

    def update(
        self, context: Context, attachment: str, changes: Changes, *, if_version: int | None = None
    ) -> Attachment:
        return self.change_now(context, attachment, plain_changes(None, None, changes.metadata), if_version=if_version)

    def connection(self, context: Context, attachment: str) -> Connection:
        """How the host reaches the volume, secrets included; who asked is logged."""
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, attachment, "connection")
            if known.state is not AttachmentState.ATTACHED:
                if known.state is AttachmentState.ERROR:
                    said, way = "in error", way_out(tx, "attachment", known.operation)
                else:
                    said, way = known.state.value, f"Wait for operation {known.operation}."
                raise Conflict(f"The attachment is {said}.", next_step=way, operation=known.operation)
            _log.info("connection of attachment %s read by %s", known.id, context.user)
            return self.parts.exports.connection(tx, known)

    def delete(
        self,
        context: Context,
        attachment: str,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        """Detach: ends the host's sessions."""
        again = repeated(
            self.parts, context, "attachment.delete", lambda: {"attachment": attachment}, None if dry_run else key
        )
        if again is not None:
            return again
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, attachment, "delete")
            volume = nouns.volumes.get(tx, known.volume)

        def work(tx: Tx, operation: str) -> Mapping[str, Any]:
            before = nouns.attachments.get(tx, attachment)
            if not nouns.volumes.change(tx, volume.id, states=(VolumeState.AVAILABLE, VolumeState.ERROR)):
                refuse_occupied(tx, nouns.volumes.get(tx, volume.id))
            if not nouns.attachments.change(
                tx,
                attachment,
                states=(AttachmentState.ATTACHED, AttachmentState.ERROR),
                if_version=if_version,
                state=AttachmentState.DETACHING.value,
                operation=operation,
            ):
                current = nouns.attachments.require_version(tx, attachment, if_version)
                raise Occupied(
                    f"The attachment is {current.state.value}.",
                    next_step=f"Wait for operation {current.operation}.",
                    operation=current.operation,
                )
            supersede(tx, before.operation)
            placement = nouns.placements.get(tx, str(nouns.volumes.get(tx, volume.id).placement))
            return self._about(tx, attachment, volume, known.host, placement.id, placement.backend)

        if dry_run:
            plan = {"volume": known.volume, "host": known.host}
            return planned(self.parts, context, "attachment.delete", "attachment", attachment, plan, work)
        return accept(
            self.parts,
            context,
            "attachment.delete",
            "attachment",
            attachment,
            lambda: {"attachment": attachment},
            work,
            key=key,
            tenant=known.tenant,
        )

    def _about(
        self, tx: Tx, attachment: str, volume: Volume, host: str, placement: str, backend: str
    ) -> dict[str, Any]:
        return {
            "attachment": attachment,
            "volume": volume.id,
            "host": host,
            "placement": placement,
            "backend": backend,
            "node": self.parts.live.node_of(tx, backend),
            "protocol": volume.protocol,
        }


def _asked(wanted: AttachmentRequest, key: bytes) -> dict[str, Any]:
    """What is asked for, by which a repeated request is known again.

    A digest of it is kept in the open, so a chosen secret stands in it under a key: nobody can try out secrets on it.
    """
    asked = asdict(wanted)
    credential = asked.pop("credential")
    if credential is not None:
        text = json.dumps(credential, sort_keys=True)
        asked["credential"] = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return asked


def _check_user(tx: Tx, user: str) -> None:
    """A chosen CHAP user name exists once: the targets of a node know their users by name alone."""
    table = nouns.attachments.table
    if user and nouns.attachments.where(tx, table.c.chap_user == user, limit=1):
        raise _taken()


def _taken() -> InUse:
    return InUse(
        "Another attachment has this CHAP user name.",
        next_step="Choose a name for each attachment, or leave it out and have one made.",
    )


def _check_free(tx: Tx, volume: Volume, host: Host, multi_attach: bool) -> None:
    others = nouns.attachments_of_volume.all(tx, volume.id)
    for other in others:
        if other.host == host.id:
            raise InUse(
                "The volume is attached to this host already.",
                next_step=f"See attachment {other.id}.",
                attachment=other.id,
            )
    if multi_attach and not all(other.shared for other in others):
        # A target of its own and one that is shared would know nothing of each other's reservations.
        raise InUse(
            "The volume is attached to another host from before its profile allowed several at a time.",
            next_step="Detach it first, then attach it to each host.",
            attachments=[other.id for other in others],
        )
    if others and not multi_attach:
        raise InUse(
            "The volume is attached to another host, and its profile allows one host at a time.",
            next_step="Detach it first, or use a profile with `capabilities:multiAttach` `<is> true`.",
            attachments=[other.id for other in others],
        )
