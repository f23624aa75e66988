"""What a caller asks for. Sizes in bytes; names and metadata are checked by the engine, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .attachment import AccessMode
from .host import Initiator


@dataclass(frozen=True, slots=True)
class VolumeRequest:
    """A volume wanted. `profile` is an id or a name, None for the default profile.

    `size` may be 0 only with a source, and then means the source's size. `pool` is the id of the pool it is to lie in,
    None leaves that to the scheduler; a copy lies where its source does. `near` and `apart` name volumes whose pool
    (`scope` pool) or back end (`scope` backend) is to be used or avoided.
    """

    name: str
    size: int = 0
    profile: str | None = None
    description: str = ""
    zone: str | None = None
    pool: str | None = None
    source_volume: str | None = None
    source_snapshot: str | None = None
    near: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    scope: str = "pool"
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    volume: str
    name: str
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostRequest:
    """A host wanted. `installation` makes it one of the whole installation (administrators only).

    `take` lets it have initiators of other hosts of the same owner, as far as nothing is attached to those; a host that
    is left without any goes.
    """

    name: str
    initiators: tuple[Initiator, ...] = ()
    os_type: str = ""
    address: str | None = None
    installation: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    take: bool = False


@dataclass(frozen=True, slots=True)
class ChapCredential:
    """What the host is to prove itself with (CHAP, which iSCSI has), instead of what the engine would make.

    `secret` has 12 to 255 printable characters without blank, comma or equals sign (RFC 3720, 8.2.1: at least 96 bits;
    16 characters are the most that every initiator takes). `user`, up to 200 letters, digits and `. _ : @ -`, exists
    once among all attachments and does not begin with `isthmus`; without one the engine makes it.
    """

    secret: str = field(repr=False)
    user: str = ""


@dataclass(frozen=True, slots=True)
class AttachmentRequest:
    """A volume wanted at a host. `credential` is for volumes reached by a protocol with CHAP; it is sealed at once."""

    volume: str
    host: str
    mode: AccessMode = AccessMode.READ_WRITE
    metadata: Mapping[str, str] = field(default_factory=dict)
    credential: ChapCredential | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """New values for what a user may change directly; None leaves a value as it is.

    `metadata` replaces the whole document. `initiators`, `take` (as in `HostRequest`) and `address` are for hosts;
    `ratio`, `reserve` and `state` for pools and back ends; `properties`, `is_default` and `tenants` for profiles;
    `protection` is for volumes: what the volume says of its own snapshots, empty leaves it to the profile.
    `enabled` and `roles` for tenants and users; `password`, `must_change_password` and `unlock` (forget wrong
    passwords) for users: a new password need not be changed again, unless the same changes say so. `address`,
    `enabled`, `settings` and `secrets` are for systems: `settings` replace the former ones; a secret that is not named
    stays, one that is None goes.
    """

    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] | None = None
    initiators: tuple[Initiator, ...] | None = None
    take: bool | None = None
    address: str | None = None
    os_type: str | None = None
    ratio: float | None = None
    reserve: float | None = None
    zone: str | None = None
    protection: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] | None = None
    is_default: bool | None = None
    tenants: tuple[str, ...] | None = None
    enabled: bool | None = None
    roles: tuple[str, ...] | None = None
    password: str | None = field(default=None, repr=False)
    must_change_password: bool | None = None
    unlock: bool | None = None
    settings: Mapping[str, Any] | None = None
    secrets: Mapping[str, str | None] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BackendRequest:
    """A back end wanted: `secrets` are sealed at once and never shown again."""

    name: str
    driver: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    zone: str | None = None
    node: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemRequest:
    """A system wanted: `adapter` names an installed adapter; `secrets` are sealed at once and never shown again."""

    name: str
    adapter: str
    address: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    storage_type: str = "block"
    description: str = ""
    is_default: bool = False
    tenants: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TenantRequest:
    name: str
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserRequest:
    """A user wanted; `tenant` None makes an administrator of the installation (role admin)."""

    name: str
    tenant: str | None
    roles: tuple[str, ...]
    password: str | None = field(default=None, repr=False)
    must_change_password: bool = False
    enabled: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token wanted: for `user` (None: the caller), with at most that user's roles, for `lifetime` seconds."""

    name: str
    user: str | None = None
    roles: tuple[str, ...] = ()
    lifetime: int | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """What a caller shows: a token, or a user's name and password."""

    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
