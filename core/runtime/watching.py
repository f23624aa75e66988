"""Watching the data path: targets are started, exports that vanished are published again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from sqlalchemy import select

from ..errors import IsthmusError
from ..model.backend import Health
from ..model.description import Finding
from ..store import nouns, schema
from ..targets.contract import Generations, Target
from .exports import attached_here
from .measuring import PATIENCE, Measuring
from .parts import Parts

_log = logging.getLogger(__name__)


class Watch:
    """`targets` are all of this node by protocol; `started` is filled with those that serve, `failures` with
    the reasons of the others."""

    def __init__(
        self,
        parts: Parts,
        measuring: Measuring,
        targets: dict[str, Target],
        started: dict[str, Target],
        failures: dict[str, str],
    ) -> None:
        self._parts = parts
        self._measuring = measuring
        self._generations: dict[str, str] = {}
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
            except Exception:
                # A target with a defect must not keep the server from starting.
                _log.exception("starting target %s", protocol)
                self.failures[protocol] = "It failed while starting; see the server's log."
                continue
            self.failures.pop(protocol, None)
            self._started[protocol] = target
            added = True
        return added

    def stop_targets(self) -> None:
        """Let go of the targets; what they publish stays."""
        for target in list(self._started.values()):
            target.stop()

    def restore(self, *, skip_failed: bool = False) -> None:
        """Publish again everything that the store says is attached.

        With `skip_failed` back ends that were just found not to answer are left to the next look.
        """
        with self._lock:
            generations = self._read_generations()
            down: dict[str, str] = {}
            if skip_failed:
                with self._parts.database.read() as tx:
                    failed = nouns.backends.where(tx, nouns.backends.table.c.health == Health.FAILED.value)
                down = {backend.id: backend.health_reason for backend in failed}
            self.unpublished = dict(self._parts.exports.restore(self._parts, down))
            self._generations = generations

    def look(self) -> None:
        """Find daemons that died and exports that are missing, and mend them."""
        if self.start_targets():
            self._measuring.measure_all(PATIENCE)
        missing = self.missing()
        reborn = self._read_generations() != self._generations
        if missing or reborn or self.unpublished:
            if missing or reborn:
                _log.warning("a daemon was started anew or exports are missing (%d): all are published", len(missing))
            self.restore()

    def missing(self) -> list[str]:
        """Placements with an attachment whose target does not publish them."""
        published = {protocol: self._published(target) for protocol, target in list(self._started.items())}
        with self._parts.database.read() as tx:
            attached = attached_here(tx, self._parts.settings.node)
        wanted = {(found.protocol, found.placement) for found in attached if found.protocol in published}
        return [
            placement
            for protocol, placement in wanted
            if (shown := published[protocol]) is None or placement not in shown
        ]

    def surplus(self) -> list[str]:
        """Placements that a target publishes though no attachment asks for them, not even one that comes or goes."""
        before = self._asked_for()
        published = [self._published(target) or frozenset() for target in list(self._started.values())]
        return sorted(frozenset().union(*published) - before - self._asked_for())

    def _asked_for(self) -> frozenset[str]:
        with self._parts.database.read() as tx:
            held = select(schema.attachments.c.volume)
            placed = select(schema.placements.c.id).where(schema.placements.c.volume.in_(held))
            return frozenset(str(row.id) for row in tx.execute(placed))

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

    def _read_generations(self) -> dict[str, str]:
        """Which life of its daemon each target is in; one that forgot everything is in another."""
        found: dict[str, str] = {}
        for protocol, target in list(self._started.items()):
            if isinstance(target, Generations):
                try:
                    found[protocol] = target.generation()
                except IsthmusError:
                    found[protocol] = ""
        return found

    def _published(self, target: Target) -> frozenset[str] | None:
        """What the target publishes now; None when it cannot say (its daemon died)."""
        try:
            target.check()
            return frozenset(target.inventory())
        except IsthmusError as error:
            _log.warning("target %s: %s", target.protocol, error)
            return None
