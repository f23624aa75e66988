"""Snapshots are taken when a volume's schedule says so, and go when they have been kept for long enough.

The schedule is that of the volume's profile, or the volume's own. A scheduled snapshot is marked in its metadata with
the time that it was due; whoever takes the mark away keeps the snapshot.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select

from ..context import Context
from ..duties.duty import Duty, DutyRun
from ..errors import IsthmusError, Overloaded
from ..model.identity import now
from ..model.protection import MARK, Protection
from ..model.request import SnapshotRequest
from ..model.snapshot import Snapshot, SnapshotState
from ..model.volume import Volume, VolumeState
from ..runtime.parts import Parts
from ..store import nouns, schema
from .snapshots import Snapshots

DUTY = "snapshots.schedule"
INTERVAL = 60.0
USER = "isthmus"
_log = logging.getLogger(__name__)


class Protecting:
    """One snapshot for each time that is due: a time that was missed is made up for once, however many were."""

    def __init__(self, parts: Parts, snapshots: Snapshots) -> None:
        self._parts, self._snapshots = parts, snapshots
        self._settled: dict[str, tuple[datetime, datetime]] = {}
        self._refused: dict[str, datetime] = {}

    def duty(self) -> Duty:
        """The duty `snapshots.schedule`, every minute."""
        return Duty(DUTY, INTERVAL, self.run)

    def run(self, run: DutyRun, moment: datetime | None = None) -> None:
        """Look at every volume that has a schedule; one that cannot be protected now holds up no other."""
        moment = moment or now()
        hour = moment.replace(minute=0, second=0, microsecond=0)
        profiles = self._profiles()
        known = self._settled
        self._settled = {}
        for identifier in self._volumes(profiles):
            if not run.go_on():
                return
            try:
                volume, protection = self._read(identifier, profiles)
                due = None if protection is None else protection.due(moment)
                if volume is None or protection is None or due is None:
                    continue
                # What was found in order stays so until the next time is due; what grows old is seen within an hour.
                if known.get(identifier) == (due, hour) or self._look(volume, protection, due, moment):
                    self._settled[identifier] = (due, hour)
            except Overloaded:
                return  # The next run goes on.
            except IsthmusError as error:
                _log.warning("the schedule of volume %s was not kept: %s", identifier, error)

    def _look(self, volume: Volume, protection: Protection, due: datetime, moment: datetime) -> bool:
        """Take what is due and let go of what is over; whether nothing more is to be done until the next time."""
        with self._parts.database.read() as tx:
            marked = [each for each in nouns.snapshots_of_volume.all(tx, volume.id) if MARK in each.metadata]
        there = [each for each in marked if each.state is SnapshotState.AVAILABLE]
        taken = any(each.metadata[MARK] == due.isoformat() for each in marked)
        if not taken and due > volume.created_at:
            # What is too old goes even when no new one can be taken, a full pool would stay full; the last one stays.
            there.sort(key=lambda each: each.created_at, reverse=True)
            for snapshot in there[1:]:
                if protection.expired(snapshot.created_at, moment):
                    self._discard(volume, snapshot, moment)
            self._take(volume, protection, due, moment)
            return False
        over = protection.over(there, moment)
        for snapshot in over:
            self._discard(volume, snapshot, moment)
        return not over and all(each.state is SnapshotState.AVAILABLE for each in marked)

    def _take(self, volume: Volume, protection: Protection, due: datetime, moment: datetime) -> None:
        name = f"{protection.occurrence.lower()} {due:%Y-%m-%d %H.%M}"
        wanted = SnapshotRequest(volume.id, name, metadata={MARK: due.isoformat()})
        context = _context(volume)
        try:
            # The key makes it one try an hour: what failed is not tried again every minute.
            key = f"schedule/{volume.id}/{due.isoformat()}/{moment:%Y-%m-%dT%H}"
            self._snapshots.create(context, wanted, key=key)
        except Overloaded:
            raise
        except IsthmusError as error:
            if self._refused.get(volume.id) != due:
                self._refused[volume.id] = due
                self._parts.refused(context, error, "snapshot")
            raise

    def _discard(self, volume: Volume, snapshot: Snapshot, moment: datetime) -> None:
        key = f"schedule/{snapshot.id}/{moment:%Y-%m-%d}"
        try:
            self._snapshots.delete(_context(volume), snapshot.id, key=key)
        except Overloaded:
            raise
        except IsthmusError as error:
            _log.info("the snapshot %s is kept longer than it was to be: %s", snapshot.id, error)

    def _profiles(self) -> Mapping[str, Protection]:
        """The schedules of profiles, by id."""
        with self._parts.database.read() as tx:
            profiles = nouns.profiles.where(tx)
        found: dict[str, Protection] = {}
        for each in profiles:
            try:
                protection = Protection.of(each.properties.get("snapshotProperties", {}))
            except IsthmusError as error:
                _log.warning("the profile %s has no usable schedule: %s", each.name, error)
                continue
            if protection is not None:
                found[each.id] = protection
        return found

    def _volumes(self, profiles: Mapping[str, Protection]) -> Sequence[str]:
        columns = schema.volumes.c
        scheduled = or_(columns.profile.in_(list(profiles)), columns.protection != {})
        available = columns.state == VolumeState.AVAILABLE.value
        with self._parts.database.read() as tx:
            return [row.id for row in tx.execute(select(columns.id).where(available, scheduled).order_by(columns.id))]

    def _read(self, identifier: str, profiles: Mapping[str, Protection]) -> tuple[Volume | None, Protection | None]:
        with self._parts.database.read() as tx:
            volume = nouns.volumes.find(tx, identifier)
        if volume is None:
            return None, None
        return volume, Protection.of(volume.protection) or profiles.get(volume.profile)


def _context(volume: Volume) -> Context:
    return Context(volume.tenant, USER, frozenset({"member"}))
