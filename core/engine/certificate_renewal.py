"""Hosts' certificates are replaced while they are attached, well before they expire.

A target knows a host by the name in its certificate, which stays the same, so old and new are let in alike until the
old one expires: a host fetches the new one when it suits it. Hosts that are connected notice nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from ..context import Context
from ..duties.duty import Duty, DutyRun
from ..errors import IsthmusError
from ..model.attachment import Attachment, AttachmentState
from ..runtime.parts import Parts
from ..security.authority import Credential, needs_renewal
from ..store import nouns
from ..store.database import Tx

DUTY = "certificates.renew"
INTERVAL = 3600.0
_PROTOCOL = "nbd"
_log = logging.getLogger(__name__)


class CertificateRenewal:
    """Renews when two thirds of a certificate's life are over, or when the installation has another authority."""

    def __init__(self, parts: Parts, authority: Callable[[], Credential]) -> None:
        self._parts = parts
        self._authority = authority

    def duty(self) -> Duty:
        return Duty(DUTY, INTERVAL, self.run)

    def run(self, run: DutyRun, now: datetime | None = None) -> None:
        """Look at every attachment once; one that fails is tried again at the next run and holds up no other."""
        table = nouns.attachments.table.c
        with self._parts.database.read() as tx:
            attached = nouns.attachments.where(
                tx, table.protocol == _PROTOCOL, table.state == AttachmentState.ATTACHED.value
            )
        for attachment in attached:
            if not run.go_on():
                return
            try:
                self._look(attachment, now)
            except IsthmusError as error:
                _log.warning("the certificate of attachment %s is not renewed: %s", attachment.id, error)

    def _look(self, attachment: Attachment, now: datetime | None) -> None:
        parts = self._parts
        with parts.database.read() as tx:
            held = parts.exports.read_secrets(tx, attachment.id).get("certificate")
        # Without one the host comes in over a Unix socket of this node.
        if held is None or not needs_renewal(held.encode(), authority=self._authority(), now=now):
            return
        context = Context(attachment.tenant, "isthmus", frozenset())

        def renew(tx: Tx) -> bool:
            if not nouns.attachments.change(tx, attachment.id, states=(AttachmentState.ATTACHED,)):
                return False
            parts.exports.make_secrets(tx, attachment.id, attachment.protocol)
            parts.happened(tx, "attachment.renewed", nouns.attachments.get(tx, attachment.id), context)
            return True

        if parts.database.change(renew):
            _log.info("attachment %s has a new certificate", attachment.id)
