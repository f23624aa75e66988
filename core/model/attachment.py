"""An attachment: one volume made reachable for one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class AttachmentState(StrEnum):
    ATTACHING = "attaching"
    ATTACHED = "attached"
    DETACHING = "detaching"
    ERROR = "error"


class AccessMode(StrEnum):
    READ_WRITE = "rw"
    READ_ONLY = "ro"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One volume, one host, a mode, and the connection handed out.

    `shared` says that the volume may be attached to several hosts, which then share one target.

    `connection` is what the host needs to reach the volume, without secrets (see `Connection`).
    The secrets of an attachment are sealed in the store and given only by `connection(attachment)` to the
    attachment's owner or a service.
    """

    id: str
    tenant: str
    volume: str
    host: str
    mode: AccessMode
    state: AttachmentState
    protocol: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    shared: bool = False
    operation: str | None = None
    connection: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """How a host reaches an attached volume.

    `public` holds the plain facts: for iscsi `portals` (list of `address:port`), `iqn`, `lun`, `identifier`,
    `chap_user`; for nbd `address`, `port` or `socket`, `export`, `tls`.
    `secrets` holds what must not be shown around: `chap_secret`, or `ca`, `certificate` and `key` in PEM.
    """

    protocol: str
    public: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
