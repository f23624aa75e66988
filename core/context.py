"""On whose behalf something is done."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

MUST_CHANGE_PASSWORD = "must-change-password"  # noqa: S105 a word, no secret
"""Stands in place of all roles in the context of a user who must change the password first. It cannot be granted."""


def new_request_id() -> str:
    """A request id in OpenStack's form (`req-` and a UUID)."""
    return f"req-{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, for which tenant, with which roles, under which request id.

    `tenant` is None for an installation-wide administrator who acts for no tenant in particular.
    An operation keeps its context; its later steps act on that user's behalf.
    `parent` is the operation whose step makes this call, if one does.
    """

    tenant: str | None
    user: str
    roles: frozenset[str]
    request_id: str = field(default_factory=new_request_id)
    parent: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the caller administers the whole installation."""
        return "admin" in self.roles

    @property
    def must_change_password(self) -> bool:
        """Whether the caller may do nothing but change the own password."""
        return MUST_CHANGE_PASSWORD in self.roles

    def to_json(self) -> dict[str, object]:
        return {
            "tenant": self.tenant,
            "user": self.user,
            "roles": sorted(self.roles),
            "request_id": self.request_id,
            "parent": self.parent,
        }

    @classmethod
    def from_json(cls, document: dict[str, object]) -> Context:
        named = document.get("roles")
        roles = named if isinstance(named, list | tuple) else ()
        tenant, parent = document.get("tenant"), document.get("parent")
        return cls(
            tenant=None if tenant is None else str(tenant),
            user=str(document["user"]),
            roles=frozenset(str(role) for role in roles),
            request_id=str(document["request_id"]),
            parent=None if parent is None else str(parent),
        )
