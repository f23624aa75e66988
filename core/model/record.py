"""A record: durable state of a plugin's or driver's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

CONTRACT_VERSION = 1
LARGEST_RECORD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One record, named by `kind` and `id` within its owner, and by `key` within its kind if it has one.

    `body` is plain JSON of at most 64 KiB. `sealed` holds a secret that `Records.seal` closed, at most 64 KiB.
    A record whose `expires_at` (UTC, by the database's clock) has passed is not there any more. `version` and the
    two times are the store's: what a caller puts there counts only for comparing (`version` in `replace`).
    """

    kind: str
    id: str
    body: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    key: str | None = None
    sealed: bytes | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Records(Protocol):
    """The records of one owner. Others' records cannot be named.

    Every call is a transaction of its own, durable on return, and may raise `Unavailable`.
    """

    def get(self, kind: str, id: str) -> Record | None:
        """The record, or None."""

    def find_by_key(self, kind: str, key: str) -> Record | None:
        """The record of this kind that has this key, or None."""

    def list(
        self, kind: str, *, tenant: str | None = None, after: str | None = None, limit: int = 100
    ) -> Sequence[Record]:
        """Records of this kind in the order of their ids, at most `limit` (1 to 1000), those after the id `after`.

        `tenant` None means of every tenant.
        """

    def put(self, record: Record) -> Record:
        """Add a record; returns it as stored, at version 1.

        Raises `Conflict` when its id or its key is taken, `Invalid` when it is too large or not JSON.
        """

    def replace(self, record: Record) -> Record:
        """Put the record in the place of the one at `record.version`; returns it as stored, one version higher.

        Raises `Stale` when another version is there, `NotFound` when none is, `Conflict` when its key is taken.
        """

    def delete(self, kind: str, id: str, *, version: int | None = None) -> bool:
        """Remove the record; returns whether there was one. Raises `Stale` when `version` is given and not its own."""

    def seal(self, secret: bytes) -> bytes:
        """Close a secret for `Record.sealed`; only this owner's records can open it."""

    def open(self, sealed: bytes) -> bytes:
        """What `seal` closed."""
