"""What a driver promises. A required core of eight methods, and optional abilities as small Protocols.

A driver has an ability when it implements the Protocol; there is no other declaration. A driver whose abilities
depend on where it runs (a file system with or without reflink) is a factory that returns an object of the right
class. All sizes are in bytes.

Rules for every method that changes something:

- It is idempotent and looks before it acts: the object is found on the back end by the placement's or snapshot's
  id, because an interrupted step runs again, perhaps in another process.
- It returns only when the change can be read back, and survives a crash of the process.
- It raises `Transient` or `Busy` (worth another try), `Refused` or `Failed` (not), and nothing else on purpose. The
  sentence is for the user. A full back end is `Refused` with the free and needed bytes.
- It may block, but no longer than `DriverSetup.timeout` seconds without getting further. A call that copies much says
  how far it is with `core.progress.report`, which gives the call its time anew; one that falls silent is turned away
  from with `Transient`. What is reported is shown as the operation's progress. When the operation is to be taken back
  the report raises `Stopped`, which the driver lets through, cleaning up as after any error.
- It is called from several threads and several processes at once, never for the same object (the engine holds a lock
  named after the object).

`reference` is the driver's own note, returned by `create` and kept by the engine; a driver must not depend on it
(the process may have died before it was kept).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from ..model.attachment import AccessMode, Connection

CONTRACT_VERSION = 1


@dataclass(frozen=True, slots=True)
class DriverSetup:
    """What a driver is made with.

    `backend` is the back end's id, `name` what the administrator calls it. `settings` satisfy the driver's
    `settings_schema`; `secrets` are those named by it as `writeOnly`. `state` is a private folder of this back end on
    this node, kept between starts; `runtime` one for sockets and pid files (short path, may be emptied by a reboot).
    `timeout` is how many seconds a call may go without getting further. `user` is the unprivileged account that daemons
    run as where the kernel lets them, the same as `TargetSetup.user`: what a target's daemons are to open belongs to
    it. None: they run as this process's own.
    """

    backend: str
    name: str
    node: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    state: Path
    runtime: Path
    timeout: float = 30.0
    user: str | None = None


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What a driver measures of one pool.

    `used` is everything occupied, `ours` the part of it that this driver's objects occupy. `granularity` is the
    unit of allocation; the engine rounds sizes up to it before it reserves. `capabilities` is the nested document
    that profiles are matched against, in OpenSDS's names (dataStorage, ioConnectivity, dataProtection, advanced).
    """

    name: str
    total: int
    used: int
    ours: int
    granularity: int = 1
    thin: bool = True
    thick: bool = True
    zone: str | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be allocated: `size` is already a multiple of the pool's granularity."""

    placement: str
    pool: str
    size: int
    thin: bool


@dataclass(frozen=True, slots=True)
class Allocated:
    """What is on the back end: `size` is what a host sees, read back, never what was asked for."""

    placement: str
    pool: str
    size: int
    reference: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot on the back end; `size` is that of the volume at that moment."""

    snapshot: str
    size: int
    reference: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One object of ours on the back end: `kind` is `volume` or `snapshot`, `id` the placement's or snapshot's.

    Objects that the driver keeps only for others' sake (a hidden parent of a clone) are not listed.
    """

    kind: str
    id: str
    pool: str
    size: int


@runtime_checkable
class Driver(Protocol):
    """The required core. `settings_schema` is a JSON Schema (2020-12); secret properties say `writeOnly: true`."""

    name: ClassVar[str]
    settings_schema: ClassVar[Mapping[str, Any]]

    def start(self) -> None:
        """Make ready in this process. Idempotent. Raises `Misconfigured` or `Unavailable`."""

    def stop(self) -> None:
        """Let go of what this process holds. Objects and exports stay. Idempotent, never raises."""

    def check(self) -> None:
        """Raise `StorageError` with the reason when the back end cannot serve now; quick (1 s), changes nothing."""

    def pools(self) -> Sequence[PoolReport]:
        """Measure the pools. May take seconds; changes nothing."""

    def create(self, wanted: Wanted) -> Allocated:
        """Allocate an empty object that reads as zeros; if it exists with this size, return it."""

    def delete(self, placement: str, reference: Mapping[str, Any]) -> None:
        """Remove the object; absent is success. Snapshots taken of it and clones made from it keep their content."""

    def inspect(self, placement: str, reference: Mapping[str, Any]) -> Allocated | None:
        """Read the object back; None when there is none."""

    def inventory(self) -> Iterable[Item]:
        """All objects of ours on the back end, whatever any database says."""


@runtime_checkable
class Extends(Protocol):
    def extend(self, placement: str, reference: Mapping[str, Any], size: int) -> Allocated:
        """Grow the object to `size`; new bytes read as zeros. At that size or larger already: success.

        Works detached; while a target holds the object it is called from within `Target.resize`.
        """


@runtime_checkable
class Snapshots(Protocol):
    def snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        """Keep the content of a detached object under the id `snapshot`; if it is kept already, return it."""

    def delete_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> None:
        """Forget a snapshot; absent is success. Other snapshots, the volume and clones keep their content."""

    def inspect_snapshot(self, snapshot: str, reference: Mapping[str, Any]) -> Taken | None:
        """Read the snapshot back; None when there is none."""


@runtime_checkable
class LiveSnapshots(Protocol):
    def live_snapshot(self, placement: str, reference: Mapping[str, Any], snapshot: str) -> Taken:
        """As `snapshot`, while hosts write: the content is that of one moment between two writes."""


@runtime_checkable
class Reverts(Protocol):
    def revert(
        self, wanted: Wanted, placement: str, reference: Mapping[str, Any], snapshot: str, taken: Mapping[str, Any]
    ) -> Allocated:
        """Make the object `wanted.placement` with the content of `snapshot` (taken of `placement`, detached).

        Nothing is overwritten: `placement` stays until the engine has switched over and deletes it. All snapshots
        stay. The new object has `wanted.size` bytes or the snapshot's size, whichever is larger.
        """


@runtime_checkable
class Clones(Protocol):
    def clone_snapshot(self, wanted: Wanted, snapshot: str, taken: Mapping[str, Any]) -> Allocated:
        """Make an independent object from a snapshot; `wanted.size` is not smaller than the snapshot's."""

    def clone(self, wanted: Wanted, placement: str, reference: Mapping[str, Any]) -> Allocated:
        """Make an independent object from a volume as it is now; attached only where it also has LiveSnapshots."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One attachment as a target or an array must know it.

    `initiators` are the host's names for the protocol; empty means any name that knows the secret. `shared` says
    that the volume allows several hosts: they then share one target, so that SCSI reservations hold between them.
    `user` and `secret` are the CHAP credentials of this attachment (iscsi); `subject` is the distinguished name of
    its certificate (nbd over TLS).
    """

    attachment: str
    host: str
    mode: AccessMode
    initiators: tuple[str, ...] = ()
    shared: bool = False
    user: str = ""
    secret: str = field(default="", repr=False)
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """A placement as the outside sees it: `identifier` is its durable wire identifier (`naa.6…`)."""

    placement: str
    identifier: str
    reference: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Publishes(Protocol):
    """For arrays and clusters that export by themselves; others are published by a target of the node."""

    def protocols(self) -> Sequence[str]:
        """The protocols it can export with here and now."""

    def grant(self, export: Export, grant: Grant) -> Connection:
        """Let the host of `grant` reach the object, and no other. Granted already: the same connection again.

        Called again for every live attachment after a restart or a daemon's death: identifier, address inside the
        target and credentials must come out the same.
        """

    def withdraw(self, export: Export, attachment: str) -> None:
        """End the host's access, its live sessions included, and verify that; others' I/O goes on. Absent: success."""

    def granted(self, export: Export) -> frozenset[str]:
        """The ids of the attachments that can reach the object now, read from where the export lives."""

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        """Call `grow` at the moment the export allows it, and make the new size known to the hosts."""


@dataclass(frozen=True, slots=True)
class Resized:
    """`online` is False when a host sees the new size only after it reconnects."""

    allocated: Allocated
    online: bool


@dataclass(frozen=True, slots=True)
class Device:
    """An object of a node, ready for a target: a `path` of the given `format` (`raw` or `qcow2`).

    `control` is the control socket of the image daemon that already has an `image` open, because the driver changes
    the image while hosts use it; the target exports from that daemon. None: the target opens `path` itself.
    `thin` says that a host may give blocks back (discard, UNMAP); a target offers that only then.
    """

    path: Path
    format: str
    size: int
    control: Path | None = None
    thin: bool = False


@dataclass(frozen=True, slots=True)
class Counters:
    """What hosts have read and written, as that which serves them counted it.

    The counters run up from zero and fall back to it when what counts begins anew. `series` names one such run: two
    sets of counters with the same `series` may be subtracted, others never. `since` (UTC) is when this run began,
    None where what counts does not say.
    """

    read_operations: int
    read_bytes: int
    written_operations: int
    written_bytes: int
    series: str
    since: datetime | None = None

    def plus(self, other: Counters) -> Counters:
        """Both together. The sum began with the later of the two, and is comparable while both are."""
        began = [since for since in (self.since, other.since) if since is not None]
        return Counters(
            self.read_operations + other.read_operations,
            self.read_bytes + other.read_bytes,
            self.written_operations + other.written_operations,
            self.written_bytes + other.written_bytes,
            f"{self.series}+{other.series}",
            max(began) if len(began) == 2 else None,
        )


@dataclass(frozen=True, slots=True)
class Metered:
    """What was measured of one object.

    `allocated` are the bytes that its content occupies on the back end, those that it shares with snapshots and
    clones included. Whatever is not measured is None, never an estimate.
    """

    allocated: int | None = None
    counters: Counters | None = None


@runtime_checkable
class Meters(Protocol):
    def meter(self, placement: str, reference: Mapping[str, Any]) -> Metered | None:
        """Measure the object as it is now, while hosts use it; None when there is none. Quick (1 s), changes nothing.

        `counters` only where the driver itself serves the hosts; what a target counts is added to it.
        """


@runtime_checkable
class Serves(Protocol):
    """For drivers whose objects are files or devices of this node, published by a target."""

    def forms(self) -> Mapping[str, str]:
        """The forms it can give, each with "" or the reason why not here: `image` (a file that
        qemu-storage-daemon opens in its own format), `path` (a raw view that any daemon can open)."""

    def device(self, placement: str, reference: Mapping[str, Any], form: str) -> Device:
        """Make the object ready in that form; idempotent."""

    def release(self, placement: str, reference: Mapping[str, Any]) -> None:
        """No target uses the object any longer; idempotent."""


ABILITIES: Mapping[str, type] = {
    "extend": Extends,
    "snapshot": Snapshots,
    "live_snapshot": LiveSnapshots,
    "revert": Reverts,
    "clone": Clones,
    "publish": Publishes,
    "serve": Serves,
    "meter": Meters,
}


def abilities(driver: object) -> tuple[str, ...]:
    """The names of the abilities that `driver` has, derived from the Protocols it implements."""
    return tuple(name for name, protocol in ABILITIES.items() if isinstance(driver, protocol))
