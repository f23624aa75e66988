"""What a target promises: it publishes devices of this node to hosts over one protocol.

The rules of `core/drivers/contract.py` hold: idempotent, found by id, read back before return, the journal's error
classes, called from several threads and processes at once but never for the same placement.

What a target publishes outlives this process; `adopt` finds it again after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from ..drivers.contract import Allocated, Counters, Device, Export, Grant, Resized
from ..model.attachment import Connection

CONTRACT_VERSION = 1


@dataclass(frozen=True, slots=True)
class TargetSetup:
    """What a target is made with.

    `address` is where hosts reach this node. `state` and `runtime` are private folders as in `DriverSetup`.
    `certificate`, `key` and `ca` are PEM files of this node for TLS, None where TLS is off. `user` is the
    unprivileged account that daemons run as where the kernel lets them, None to run as this process's own.
    """

    node: str
    address: str
    state: Path
    runtime: Path
    settings: Mapping[str, Any]
    user: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    timeout: float = 30.0


@runtime_checkable
class Target(Protocol):
    """`form` is the form of device it needs (`path` or `image`); see `Serves.forms`."""

    name: ClassVar[str]
    protocol: ClassVar[str]
    form: ClassVar[str]
    settings_schema: ClassVar[Mapping[str, Any]]

    def start(self) -> None:
        """Make ready: start the daemon or adopt the one that lives. Idempotent. `Unavailable` with the reason when
        this machine cannot (program missing, no permission)."""

    def stop(self) -> None:
        """Let go of what this process holds; daemons and exports stay. Idempotent, never raises."""

    def end(self) -> None:
        """End the daemons: nothing is published any longer. Idempotent."""

    def check(self) -> None:
        """Raise `StorageError` with the reason when the target cannot serve now; quick, changes nothing."""

    def grant(self, export: Export, device: Device, grant: Grant) -> Connection:
        """As `Publishes.grant`."""

    def withdraw(self, export: Export, attachment: str) -> None:
        """As `Publishes.withdraw`. With the last attachment nothing of the placement remains published."""

    def granted(self, export: Export) -> frozenset[str]:
        """As `Publishes.granted`."""

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        """As `Publishes.resize`."""

    def inventory(self) -> Iterable[str]:
        """The ids of the placements that are published now, whatever any database says."""


@runtime_checkable
class ChecksSettings(Protocol):
    """For targets whose settings must agree with each other, which a schema cannot say."""

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise `Invalid` for settings that satisfy `settings_schema` and cannot be used. Asked before they are kept;
        touches nothing."""


@runtime_checkable
class Generations(Protocol):
    """For targets whose daemon forgets everything when it dies."""

    def generation(self) -> str:
        """Names this life of the daemon; empty while it is dead.

        When it differs from what it was, every export that the store says is attached must be granted again: a
        `grant` may have started a new daemon that publishes nothing else yet.
        """


@runtime_checkable
class Counts(Protocol):
    """For targets whose daemon counts what hosts read and write; a target that has no true figures has not this."""

    def count(self, export: Export) -> Counters | None:
        """What the hosts that are connected now have done; None when nothing of it is published. Quick, changes
        nothing, and waits for no grant or withdrawal of another export."""
