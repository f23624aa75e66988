"""Accounts: the core's users, each with the one Redfish role that its roles come to.

An administrator of the installation makes accounts of the installation: an Administrator runs it, an Operator or
ReadOnly of no tenant may log in and see what every tenant sees of the installation, but no tenant's things. A tenant's
manager makes accounts of that tenant, and so does an administrator who is bound to one. A tenant's other accounts are
made by `isthmus user create` or over Isthmus's own API: the standard knows no tenants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ....core.model.identity import now
from ....core.model.page import Query
from ....core.model.request import Changes, UserRequest
from ....core.model.tenant import LONGEST_PASSWORD, SHORTEST_PASSWORD, User
from .. import uris
from ..accounts.privileges import CORE_ROLES, check_properties, held, role_of
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import NULL, Body, Collection, Creation, Outcome, Property, Resource, Window
from ..uris import link

_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_PASSWORD = {
    "type": "string",
    "minLength": SHORTEST_PASSWORD,
    "maxLength": LONGEST_PASSWORD,
    "writeOnly": True,
}
_ROLE = {"enum": list(CORE_ROLES)}
_FLAG = {"type": "boolean"}
_UNLOCKED = {"const": False}
_TYPES = {"const": ["Redfish"]}


def _role(user: User) -> str:
    return role_of(held(user.roles, user.tenant))


def _load(request: Request) -> User:
    user = request.administration.users.get(request.params["account"])
    if user.id != request.params["account"]:
        raise request.missing()
    return user


def _list(request: Request, after: str | None, limit: int) -> Window:
    page = request.administration.users.list(Query(limit=max(limit, 1), cursor=after, with_total=True))
    return Window(page.items, page.total or 0, page.next)


def _create(request: Request, values: Mapping[str, Any]) -> Outcome:
    wanted = UserRequest(
        name=values["UserName"],
        tenant=request.context.tenant,
        roles=(CORE_ROLES[values["RoleId"]],),
        password=values["Password"],
        must_change_password=values.get("PasswordChangeRequired", False),
        enabled=values.get("Enabled", True),
    )
    return uris.account(request.administration.users.create(wanted).id)


def _update(request: Request, user: User, changes: Mapping[str, Any]) -> Outcome:
    check_properties(request.context, "ManagerAccount", "PATCH", changes)
    wanted = Changes(
        password=changes.get("Password"),
        enabled=changes.get("Enabled"),
        must_change_password=changes.get("PasswordChangeRequired"),
        unlock=True if changes.get("Locked") is False else None,
    )
    # A role that the account shows already is not given again: it may stand for a stronger one of the core.
    if changes.get("RoleId", _role(user)) != _role(user):
        if changes["RoleId"] == "Administrator" and user.tenant is not None and request.context.is_admin:
            advice = "An account of a tenant does not administer the installation. Give it Operator or ReadOnly."
            raise refuse(
                400, "PropertyValueNotInList", "Administrator", "RoleId", related=("/RoleId",), resolution=advice
            )
        wanted = replace(wanted, roles=(CORE_ROLES[changes["RoleId"]],))
    request.administration.users.update(user.id, wanted, if_version=request.expected(user))
    return None


def _delete(request: Request, user: User) -> Outcome:
    request.administration.users.delete(user.id, if_version=request.expected(user))
    return None


ACCOUNT = Resource(
    type="ManagerAccount",
    version="v1_14_1",
    path=uris.account("{account}"),
    load=_load,
    id_of=lambda user: str(user.id),
    name=lambda user, request: f"Account {user.name}",
    update=_update,
    delete=_delete,
    properties=(
        Property("UserName", lambda user, request: user.name),
        Property("Password", lambda user, request: NULL, write=_PASSWORD, core="password"),
        Property(
            "PasswordChangeRequired",
            lambda user, request: user.must_change_password,
            write=_FLAG,
            core="must_change_password",
        ),
        Property("RoleId", lambda user, request: _role(user), write=_ROLE, core="roles"),
        Property("Enabled", lambda user, request: user.enabled, write=_FLAG, core="enabled"),
        Property(
            "Locked",
            lambda user, request: user.locked_until is not None and user.locked_until > now(),
            write=_UNLOCKED,
            core="unlock",
        ),
        Property("AccountTypes", lambda user, request: ["Redfish"], write=_TYPES),
        Property("Links", lambda user, request: {"Role": link(uris.role(_role(user)))}),
    ),
)

ACCOUNTS = Collection(
    type="ManagerAccountCollection",
    path=uris.ACCOUNTS,
    name="Accounts",
    member=ACCOUNT,
    list=_list,
    uri_of=lambda user, request: uris.account(user.id),
    creation=Creation(
        Body(
            {
                "UserName": _NAME,
                "Password": _PASSWORD,
                "RoleId": _ROLE,
                "Enabled": _FLAG,
                "PasswordChangeRequired": _FLAG,
                "AccountTypes": _TYPES,
            },
            required=("UserName", "Password", "RoleId"),
            core={"name": "/UserName", "password": "/Password", "roles": "/RoleId"},
        ),
        _create,
    ),
)

SERVED = (ACCOUNTS, ACCOUNT)
