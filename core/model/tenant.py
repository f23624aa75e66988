"""Tenants, users and their tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
"""Characters of a password, at least and at most."""

LOCKOUT_THRESHOLD = 5
"""Wrong passwords in a row after which the next one has to wait."""
LOCKOUT_SECONDS = 60
"""How long it waits at first; each further wrong one doubles that."""


class Role(StrEnum):
    """What a user may do; see `core/security/policy.py` for the table."""

    ADMIN = "admin"
    MANAGER = "manager"
    MEMBER = "member"
    READER = "reader"
    SERVICE = "service"


def standing(roles: Iterable[str], tenant: str | None) -> tuple[str, ...]:
    """The roles that count for who is bound to `tenant`: there `admin` is worth no more than `manager`, since an
    administrator of the installation is bound to none."""
    if tenant is None:
        return tuple(roles)
    return tuple(dict.fromkeys(Role.MANAGER.value if role == Role.ADMIN else role for role in roles))


@dataclass(frozen=True, slots=True)
class Tenant:
    """An owner of resources, kept apart from all others."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    enabled: bool = True
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in. `tenant` is None for administrators of the installation; `roles` are those that count
    (`standing`).

    The password's hash stays in the store; `has_password` says whether there is one. Who must change it may do nothing
    else before.
    """

    id: str
    name: str
    tenant: str | None
    roles: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    version: int = 1
    enabled: bool = True
    has_password: bool = False
    must_change_password: bool = False
    locked_until: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", standing(self.roles, self.tenant))


@dataclass(frozen=True, slots=True)
class Token:
    """A credential of a user, bound as its user is; `roles` are those that count (`standing`).

    The token itself is shown once, when it is made; the store keeps its SHA-256.
    """

    id: str
    user: str
    tenant: str | None
    roles: tuple[str, ...]
    name: str
    created_at: datetime
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", standing(self.roles, self.tenant))


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a tenant may have, and has. `profile` None means over all profiles; a limit None means no limit.

    `volumes` and `bytes` are what is used now, changed only with the rows they count; what is promised to snapshots
    counts among the bytes.
    """

    tenant: str
    profile: str | None
    volumes: int
    bytes: int
    max_volumes: int | None = None
    max_bytes: int | None = None
