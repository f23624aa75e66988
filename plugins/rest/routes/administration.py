"""Tenants with their limits, users and tokens."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json, to_json
from ....core.model.request import Changes, TenantRequest, TokenRequest, UserRequest
from ..exchange import Exchange, Reply
from ..route import Route, listing, made

_TENANT, _USER = "/v1/tenants/{tenant}", "/v1/users/{user}"


def _tenants(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.tenants.list(x.query()))


def _tenant(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.tenants.get(x.path["tenant"]))


def _create_tenant(x: Exchange, body: Any) -> Reply:
    tenant = x.administration.tenants.create(from_json(TenantRequest, body))
    return made(tenant, f"/v1/tenants/{tenant.id}")


def _update_tenant(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.administration.tenants.update(x.path["tenant"], changes, if_version=x.if_version))


def _delete_tenant(x: Exchange, body: Any) -> Reply:
    x.administration.tenants.delete(x.path["tenant"], if_version=x.if_version)
    return Reply(status=204)


def _limits_of(x: Exchange, body: Any) -> Reply:
    return Reply({"items": x.administration.tenants.limits(x.path["tenant"])})


def _set_limit(x: Exchange, body: Any) -> Reply:
    return Reply(
        x.administration.tenants.set_limit(
            x.path["tenant"],
            body.get("profile"),
            max_volumes=body.get("max_volumes"),
            max_bytes=body.get("max_bytes"),
        )
    )


def _limits(x: Exchange, body: Any) -> Reply:
    return Reply({"items": x.storage.limits.list()})


def _users(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.users.list(x.query()))


def _user(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.users.get(x.path["user"]))


def _create_user(x: Exchange, body: Any) -> Reply:
    user = x.administration.users.create(from_json(UserRequest, body))
    return made(user, f"/v1/users/{user.id}")


def _update_user(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.administration.users.update(x.path["user"], changes, if_version=x.if_version))


def _delete_user(x: Exchange, body: Any) -> Reply:
    x.administration.users.delete(x.path["user"], if_version=x.if_version)
    return Reply(status=204)


def _tokens(x: Exchange, body: Any) -> Reply:
    return Reply(x.administration.tokens.list(x.query()))


def _create_token(x: Exchange, body: Any) -> Reply:
    token, text = x.administration.tokens.create(from_json(TokenRequest, body))
    return Reply({**to_json(token), "token": text}, 201)


def _revoke_token(x: Exchange, body: Any) -> Reply:
    x.administration.tokens.revoke(x.path["token"])
    return Reply(status=204)


def _whoami(x: Exchange, body: Any) -> Reply:
    return Reply(x.context.to_json())


ROUTES = (
    listing("tenants", "/v1/tenants", "tenant", _tenants, ("name", "enabled"), ("created_at", "name")),
    Route(
        "POST",
        "/v1/tenants",
        "create_tenant",
        "Make a tenant",
        _create_tenant,
        "tenants",
        201,
        "tenant-request",
        "tenant",
    ),
    Route("GET", _TENANT, "get_tenant", "One tenant, by id or name", _tenant, "tenants", response="tenant"),
    Route(
        "PATCH",
        _TENANT,
        "update_tenant",
        "Change a tenant, or disable it",
        _update_tenant,
        "tenants",
        request="tenant-changes",
        response="tenant",
        conditional=True,
    ),
    Route(
        "DELETE", _TENANT, "delete_tenant", "Delete an empty tenant", _delete_tenant, "tenants", 204, conditional=True
    ),
    Route(
        "GET",
        f"{_TENANT}/limits",
        "list_tenant_limits",
        "A tenant's usage and limits",
        _limits_of,
        "tenants",
        response="limit-list",
    ),
    Route(
        "PUT",
        f"{_TENANT}/limits",
        "set_limit",
        "Set a limit, over all profiles or for one",
        _set_limit,
        "tenants",
        request="limit-request",
        response="limit",
    ),
    Route("GET", "/v1/limits", "list_limits", "Your usage and limits", _limits, "tenants", response="limit-list"),
    listing("users", "/v1/users", "user", _users, ("name", "tenant", "enabled"), ("created_at", "name")),
    Route("POST", "/v1/users", "create_user", "Make a user", _create_user, "users", 201, "user-request", "user"),
    Route("GET", _USER, "get_user", "One user, by id or name", _user, "users", response="user"),
    Route(
        "PATCH",
        _USER,
        "update_user",
        "Change a user's roles, password or state",
        _update_user,
        "users",
        request="user-changes",
        response="user",
        conditional=True,
    ),
    Route("DELETE", _USER, "delete_user", "Delete a user", _delete_user, "users", 204, conditional=True),
    listing("tokens", "/v1/tokens", "token", _tokens, ("user", "name"), ("created_at", "name")),
    Route(
        "POST",
        "/v1/tokens",
        "create_token",
        "Make a token; its text is shown this once",
        _create_token,
        "tokens",
        201,
        "token-request",
        "new-token",
    ),
    Route("DELETE", "/v1/tokens/{token}", "revoke_token", "End a token at once", _revoke_token, "tokens", 204),
    Route("GET", "/v1/whoami", "whoami", "Who you are here", _whoami, "users", response="context"),
)
