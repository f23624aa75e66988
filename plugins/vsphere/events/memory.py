"""What was told of each object of a vCenter, as records: so nothing is told twice, by whatever process.

A notice is written down before it is posted and struck out afterwards. Who finds one written down looks in the vCenter
whether it is there, and posts it only if it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ....core.errors import Conflict, NotFound, Stale
from ....core.model.record import Record, Records
from ..inventory.item import Reference
from .notice import Notice

KIND = "told"
FEED = "feed"
_PIECE = 500


@dataclass(frozen=True, slots=True)
class Behind:
    """The volume behind a datastore: in which system, its id there, its name, its name on the wire."""

    system: str
    volume: str
    name: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Raised:
    """What was told last of an object for one alarm: the kind of the event, and of what (`Condition.facts`, as the last
    survey found them)."""

    kind: str
    facts: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Posting:
    """Notices that are to be posted; `since` is the vCenter's time before the first try."""

    notices: tuple[Notice, ...]
    since: datetime

    def to_json(self) -> dict[str, Any]:
        return {"notices": [each.to_json() for each in self.notices], "since": self.since.isoformat()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Posting:
        notices = tuple(Notice.from_json(each) for each in found["notices"])
        return cls(notices, datetime.fromisoformat(found["since"]))


@dataclass(frozen=True, slots=True)
class Told:
    """One object: what was told of it by alarm; of a datastore, its volume; of the root, the hosts (ids of storage
    systems, `SYSTEM/ID`) that are known to be the vCenter's. `version` is 0 before it was kept."""

    entity: Reference
    raised: Mapping[str, Raised] = field(default_factory=dict)
    behind: Behind | None = None
    hosts: tuple[str, ...] = ()
    posting: Posting | None = None
    version: int = 0

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.raised or self.behind or self.hosts or self.posting)


@dataclass(frozen=True, slots=True)
class Position:
    """How far the core's events were read; `posting` is what is to be posted before `number` counts."""

    number: int
    posting: Posting | None = None
    version: int = 0


class Memory:
    """That of one vCenter. Raises `Stale` when another process writes as well: whoever meets that stops."""

    def __init__(self, records: Records, guid: str) -> None:
        self._records, self._guid = records, guid
        self._prefix = f"{guid.replace('-', '')}."

    def all(self) -> Mapping[Reference, Told]:
        """Every object of which something was told or is known."""
        return {each.entity: each for each in self._listed()}

    def get(self, entity: Reference) -> Told:
        """One object; of one of which nothing was told it says nothing."""
        record = self._records.get(KIND, self._id(entity))
        return Told(entity) if record is None else _told(record)

    def put(self, told: Told) -> Told:
        """Keep it, or forget it when it says nothing; as kept."""
        if told.empty:
            self._records.delete(KIND, self._id(told.entity), version=told.version or None)
            return replace(told, version=0)
        body = {
            "entity": [told.entity.kind, told.entity.moid],
            "raised": {name: [each.kind, each.facts] for name, each in told.raised.items()},
            "behind": None
            if told.behind is None
            else [told.behind.system, told.behind.volume, told.behind.name, told.behind.identifier],
            "hosts": list(told.hosts),
            "posting": None if told.posting is None else told.posting.to_json(),
        }
        return replace(told, version=self._write(KIND, self._id(told.entity), body, told.version))

    def position(self) -> Position | None:
        """None before the first."""
        record = self._records.get(FEED, self._guid)
        if record is None:
            return None
        posting = record.body.get("posting")
        return Position(
            int(record.body["number"]), None if posting is None else Posting.from_json(posting), record.version
        )

    def go_to(self, position: Position) -> Position:
        """Keep the position."""
        body = {
            "number": position.number,
            "posting": None if position.posting is None else position.posting.to_json(),
        }
        return replace(position, version=self._write(FEED, self._guid, body, position.version))

    def forget(self) -> None:
        """The vCenter is no longer served."""
        for each in self._listed():
            self._records.delete(KIND, self._id(each.entity))
        self._records.delete(FEED, self._guid)

    def _id(self, entity: Reference) -> str:
        return f"{self._prefix}{entity.moid}"

    def _write(self, kind: str, identifier: str, body: Mapping[str, Any], version: int) -> int:
        record = Record(kind, identifier, body, version=version or 1)
        try:
            return (self._records.replace(record) if version else self._records.put(record)).version
        except (Conflict, NotFound) as error:
            raise Stale(f"Another process tells vCenter {self._guid} of events as well.") from error

    def _listed(self) -> Iterator[Told]:
        after = self._prefix[:-1]
        while records := self._records.list(KIND, after=after, limit=_PIECE):
            for record in records:
                if not record.id.startswith(self._prefix):
                    return
                yield _told(record)
            after = records[-1].id


def _told(record: Record) -> Told:
    body = record.body
    behind, posting = body.get("behind"), body.get("posting")
    return Told(
        Reference(*body["entity"]),
        {name: Raised(*each) for name, each in body["raised"].items()},
        None if behind is None else Behind(*behind),
        tuple(body["hosts"]),
        None if posting is None else Posting.from_json(posting),
        record.version,
    )
