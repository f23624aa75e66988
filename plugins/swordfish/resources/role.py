"""Roles: the three of the standard, which nobody can change (DSP0266, Roles)."""

from __future__ import annotations

from .. import uris
from ..accounts.privileges import ALL, ROLES
from ..protocol.request import Request
from ..protocol.resource import Collection, Property, Resource
from ..protocol.windows import window_of


def _load(request: Request) -> str:
    role = request.params["role"]
    if role not in ROLES:
        raise request.missing()
    return role


ROLE = Resource(
    type="Role",
    version="v1_3_3",
    path=uris.role("{role}"),
    load=_load,
    id_of=lambda role: str(role),
    name=lambda role, request: f"Role {role}",
    properties=(
        Property("RoleId", lambda role, request: role),
        Property("IsPredefined", lambda role, request: True),
        Property("AssignedPrivileges", lambda role, request: [one for one in ALL if one in ROLES[role]]),
    ),
)

ROLE_COLLECTION = Collection(
    type="RoleCollection",
    path=uris.ROLES,
    name="Roles",
    member=ROLE,
    list=lambda request, after, limit: window_of([uris.role(role) for role in ROLES], after, limit),
    uri_of=lambda role, request: uris.role(role),
)

SERVED = (ROLE_COLLECTION, ROLE)
