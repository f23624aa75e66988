"""What platform plugins program against; third parties implement it, in part where `describe()` says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ...core.context import Context
from ...core.model.attachment import Attachment, Connection
from ...core.model.description import Description, Explanation
from ...core.model.event import Event
from ...core.model.host import Host
from ...core.model.measurement import Measurement
from ...core.model.message import Message
from ...core.model.operation import Operation
from ...core.model.page import Page, Query
from ...core.model.pool import Pool
from ...core.model.profile import Profile
from ...core.model.request import (
    AttachmentRequest,
    Changes,
    HostRequest,
    ProfileRequest,
    SnapshotRequest,
    VolumeRequest,
)
from ...core.model.snapshot import Snapshot
from ...core.model.tenant import Limit
from ...core.model.volume import Volume


class Volumes(Protocol):
    """Volumes of the context's tenant. A change is accepted at once and done by the operation that comes back."""

    def list(self, query: Query | None = None) -> Page[Volume]: ...

    def get(self, volume: str) -> Volume: ...

    def create(self, wanted: VolumeRequest, *, key: str | None = None, dry_run: bool = False) -> Operation: ...

    def update(self, volume: str, changes: Changes, *, if_version: int | None = None) -> Volume:
        """Name, description, metadata and protection, at once. `describe()` offers `volumes.protection` where a volume
        may say when its snapshots are taken."""

    def extend(
        self,
        volume: str,
        size: int,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        """Grow to `size` bytes. `result["online"]` False: hosts see the size only after they reconnect."""

    def revert(
        self,
        volume: str,
        snapshot: str,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        """Back to the content of a snapshot of this volume; needs it detached; all snapshots stay."""

    def delete(
        self,
        volume: str,
        *,
        with_snapshots: bool = False,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        """`InUse` while attached, or while it has snapshots unless they are to go with it."""


class Snapshots(Protocol):
    def list(self, query: Query | None = None) -> Page[Snapshot]: ...

    def get(self, snapshot: str) -> Snapshot: ...

    def create(self, wanted: SnapshotRequest, *, key: str | None = None, dry_run: bool = False) -> Operation: ...

    def update(self, snapshot: str, changes: Changes, *, if_version: int | None = None) -> Snapshot: ...

    def delete(
        self, snapshot: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation: ...


class Hosts(Protocol):
    """Hosts change at once: nothing on a back end depends on them until something is attached."""

    def list(self, query: Query | None = None) -> Page[Host]:
        """The filter `initiator` finds who has this name, `protocol` who has a name for this protocol."""

    def get(self, host: str) -> Host: ...

    def create(self, wanted: HostRequest) -> Host:
        """`Conflict` when an initiator name is another host's and not to be taken, `InUse` when it cannot be taken."""

    def ensure(self, wanted: HostRequest) -> Host:
        """The host that has these initiators, made if there is none, completed if it lacks some. Idempotent."""

    def update(self, host: str, changes: Changes, *, if_version: int | None = None) -> Host: ...

    def delete(self, host: str, *, if_version: int | None = None) -> None:
        """`InUse` while anything is attached to it."""


class Attachments(Protocol):
    def list(self, query: Query | None = None) -> Page[Attachment]: ...

    def get(self, attachment: str) -> Attachment: ...

    def create(self, wanted: AttachmentRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        """`Invalid` (field `credential`) for a credential where the volume's protocol has no CHAP, `InUse` when its
        user name is another attachment's."""

    def update(self, attachment: str, changes: Changes, *, if_version: int | None = None) -> Attachment: ...

    def connection(self, attachment: str) -> Connection:
        """How the host reaches the volume, secrets included; for the owner and services only."""

    def delete(
        self, attachment: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        """Detach: ends the host's live sessions."""


class Pools(Protocol):
    def list(self, query: Query | None = None) -> Page[Pool]: ...

    def get(self, pool: str) -> Pool: ...

    def update(self, pool: str, changes: Changes, *, if_version: int | None = None) -> Pool:
        """Over-subscription ratio, reserve and metadata (administrators)."""


class Profiles(Protocol):
    def list(self, query: Query | None = None) -> Page[Profile]: ...

    def get(self, profile: str) -> Profile:
        """By id or by name."""

    def create(self, wanted: ProfileRequest) -> Profile: ...

    def update(self, profile: str, changes: Changes, *, if_version: int | None = None) -> Profile: ...

    def delete(self, profile: str, *, if_version: int | None = None) -> None: ...


class Operations(Protocol):
    def list(self, query: Query | None = None) -> Page[Operation]: ...

    def get(self, operation: str) -> Operation: ...

    def wait(self, operation: str, timeout: float = 30.0) -> Operation:
        """The operation as soon as it is no longer live, or as it is after `timeout` seconds (at most 30)."""

    def cancel(self, operation: str) -> Operation: ...

    def retry(self, operation: str) -> Operation:
        """Go on with one that needs attention, from the step where it stands."""

    def abandon(self, operation: str) -> Operation:
        """Give up one that needs attention; its resource stays in error until it is deleted.

        But for a volume that was being extended or reverted: another operation then reads back what is there and
        makes the volume available.
        """

    def explain(self, request_id: str) -> Explanation: ...


class Messages(Protocol):
    def list(self, query: Query | None = None) -> Page[Message]: ...


class Feed(Protocol):
    """An open event stream: rendered events, and the comment `:` with two line ends at least every 10 s. It ends after
    an hour or when the system stops; the reader comes back with its last number. Close it in any case."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class Events(Protocol):
    def newest(self) -> int:
        """The number of the newest event of the system, whoever may see it; 0 before the first."""

    def after(self, number: int, limit: int = 100) -> Sequence[Event]:
        """Events with a greater number, oldest first; `Gone` when some of them were discarded already."""

    def stream(self, after: int | None = None, *, render: Callable[[Event], bytes]) -> Feed:
        """Events as they come, from after number `after` (None: from now), each written by `render`.

        Pass the same function each time: one rendering serves all listeners. `Overloaded` beyond the cap, `Gone` as
        in `after`."""


class Limits(Protocol):
    def list(self) -> Sequence[Limit]:
        """The tenant's usage and limits: over all profiles first, then by profile. What is promised to snapshots
        counts among the bytes."""


class Metrics(Protocol):
    """What is measured, for whoever may read the thing. `describe()` offers `metrics.volume`, `metrics.pool` and
    `metrics.history` one by one. A back end that does not answer within a few seconds is a `StorageError`."""

    def volume(self, volume: str) -> Measurement:
        """The volume as it is measured now. What nobody measures is None."""

    def pool(self, pool: str) -> Measurement:
        """The pool as it is measured now."""

    def history(self, resource_type: str, resource: str) -> Sequence[Measurement]:
        """What was sampled of a `volume` while it was attached, or of a `pool`, oldest first; it may have holes. It is
        short (an hour or a day) and may begin anew at any time."""


class Storage(Protocol):
    """A storage system on behalf of `context`."""

    context: Context
    volumes: Volumes
    snapshots: Snapshots
    hosts: Hosts
    attachments: Attachments
    pools: Pools
    profiles: Profiles
    operations: Operations
    messages: Messages
    events: Events
    limits: Limits
    metrics: Metrics

    def describe(self) -> Description: ...
