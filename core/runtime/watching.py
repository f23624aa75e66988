"""Watching the data path: targets are started, exports that vanished are published again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from ..errors import IsthmusError
from ..model.attachment import AttachmentState
from ..model.description import Finding
from ..store import nouns
from ..targets.contract import Target
from .parts import Parts

_log = logging.getLogger(__name__)


class Watch:
    """`targets` are all of this node by protocol; `started` is filled with those that serve, `failures` with
    the reasons of the others."""

    def __init__(
        self, parts: Parts, targets: dict[str, Target], started: dict[str, Target], failures: dict[str, str]
    ) -> None:
        self._parts = parts
        self._targets = targets
        self._started = started
        self._lock = threading.Lock()
        self.failures = failures
        self.unpublished: dict[str, str] = {}

    def start_targets(self) -> bool:
        """Start or adopt every target that does not serve yet; returns whether one was added."""
        added = False
        for protocol, target in self._targets.items():
            if protocol in self._started:
                continue
            try:
                target.start()
            except IsthmusError as error:
                if self.failures.get(protocol) != str(error):
                    _log.warning("target %s is not offered: %s", protocol, error)
                self.failures[protocol] = str(error)
                continue
            self.failures.pop(protocol, None)
            self._started[protocol] = target
            added = True
        return added

    def stop_targets(self) -> None:
        """Let go of the targets; what they publish stays."""
        for target in self._started.values():
            target.stop()

    def restore(self) -> None:
        """Publish again everything that the store says is attached."""
        with self._lock:
            self.unpublished = dict(self._parts.exports.restore(self._parts))

    def look(self) -> None:
        """Find daemons that died and exports that are missing, and mend them."""
        if self.start_targets():
            from .measuring import measure_all

            measure_all(self._parts)
        missing = self.missing()
        if missing or self.unpublished:
            if missing:
                _log.warning("%d exports are missing and are published again", len(missing))
            self.restore()

    def missing(self) -> list[str]:
        """Placements with an attachment whose target does not publish them."""
        published = {protocol: self._published(target) for protocol, target in list(self._started.items())}
        with self._parts.database.read() as tx:
            table = nouns.attachments.table
            attached = nouns.attachments.where(tx, table.c.state == AttachmentState.ATTACHED.value)
            wanted = {
                (attachment.protocol, str(nouns.volumes.get(tx, attachment.volume).placement))
                for attachment in attached
                if attachment.protocol in published
            }
        return [
            placement
            for protocol, placement in wanted
            if (shown := published[protocol]) is None or placement not in shown
        ]

    def findings(self) -> Sequence[Finding]:
        """What of the data path is wrong, as warnings: the control plane serves nevertheless."""
        found = [
            Finding(f"target {protocol}", "warning", reason, "Mend the cause; it is tried again by itself.")
            for protocol, reason in self.failures.items()
        ]
        found += [
            Finding(f"attachment {attachment}", "warning", f"Not published: {reason}", "It is tried again by itself.")
            for attachment, reason in self.unpublished.items()
        ]
        return found

    def _published(self, target: Target) -> frozenset[str] | None:
        """What the target publishes now; None when it cannot say (its daemon died)."""
        try:
            target.check()
            return frozenset(target.inventory())
        except IsthmusError as error:
            _log.warning("target %s: %s", target.protocol, error)
            return None
