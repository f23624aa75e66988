"""A host: a machine that uses storage. The machine that runs storage is a node, never a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Initiator:
    """A name under which a host speaks a protocol; it exists once in the installation.

    `protocol` is `iscsi` (the name is an IQN, EUI or NAA name) or `nbd` (the name is free: what lets a host in is the
    certificate of its attachment).
    """

    protocol: str
    name: str


@dataclass(frozen=True, slots=True)
class Host:
    """A consumer of volumes. `tenant` is None for a host of the whole installation."""

    id: str
    tenant: str | None
    name: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    os_type: str = ""
    address: str | None = None
    initiators: tuple[Initiator, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
