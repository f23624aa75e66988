"""The contract `Administration` over REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.model.backend import Backend
from ...core.model.description import Extension, Finding, Trial
from ...core.model.page import Page, Query
from ...core.model.request import BackendRequest, Changes, SystemRequest, TenantRequest, TokenRequest, UserRequest
from ...core.model.system import System
from ...core.model.tenant import Limit, Tenant, Token, User
from ..contract import administration as contract
from .bound import Bound, Caller, given, part, read


class _Tenants(Bound):
    def list(self, query: Query | None = None) -> Page[Tenant]:
        return self._caller.many(Tenant, "/v1/tenants", query)

    def get(self, tenant: str) -> Tenant:
        return self._caller.one(Tenant, "GET", f"/v1/tenants/{part(tenant)}")

    def create(self, wanted: TenantRequest) -> Tenant:
        return self._caller.one(Tenant, "POST", "/v1/tenants", body=given(wanted))

    def update(self, tenant: str, changes: Changes, *, if_version: int | None = None) -> Tenant:
        return self._caller.one(
            Tenant, "PATCH", f"/v1/tenants/{part(tenant)}", body=given(changes), if_version=if_version
        )

    def delete(self, tenant: str, *, if_version: int | None = None) -> None:
        self._caller.ask("DELETE", f"/v1/tenants/{part(tenant)}", if_version=if_version)

    def limits(self, tenant: str) -> Sequence[Limit]:
        return [read(Limit, item) for item in self._caller.ask("GET", f"/v1/tenants/{part(tenant)}/limits")["items"]]

    def set_limit(self, tenant: str, profile: str | None, *, max_volumes: int | None, max_bytes: int | None) -> Limit:
        body = {"profile": profile, "max_volumes": max_volumes, "max_bytes": max_bytes}
        return self._caller.one(Limit, "PUT", f"/v1/tenants/{part(tenant)}/limits", body=body)


class _Users(Bound):
    def list(self, query: Query | None = None) -> Page[User]:
        return self._caller.many(User, "/v1/users", query)

    def get(self, user: str) -> User:
        return self._caller.one(User, "GET", f"/v1/users/{part(user)}")

    def create(self, wanted: UserRequest) -> User:
        body = {"tenant": wanted.tenant, **given(wanted)}
        return self._caller.one(User, "POST", "/v1/users", body=body)

    def update(self, user: str, changes: Changes, *, if_version: int | None = None) -> User:
        return self._caller.one(User, "PATCH", f"/v1/users/{part(user)}", body=given(changes), if_version=if_version)

    def delete(self, user: str, *, if_version: int | None = None) -> None:
        self._caller.ask("DELETE", f"/v1/users/{part(user)}", if_version=if_version)


class _Tokens(Bound):
    def list(self, query: Query | None = None) -> Page[Token]:
        return self._caller.many(Token, "/v1/tokens", query)

    def create(self, wanted: TokenRequest) -> tuple[Token, str]:
        answer = self._caller.ask("POST", "/v1/tokens", body=given(wanted))
        return read(Token, answer), str(answer["token"])

    def revoke(self, token: str) -> None:
        self._caller.ask("DELETE", f"/v1/tokens/{part(token)}")


class _Backends(Bound):
    def list(self, query: Query | None = None) -> Page[Backend]:
        return self._caller.many(Backend, "/v1/backends", query)

    def get(self, backend: str) -> Backend:
        return self._caller.one(Backend, "GET", f"/v1/backends/{part(backend)}")

    def add(self, wanted: BackendRequest) -> Backend:
        return self._caller.one(Backend, "POST", "/v1/backends", body=given(wanted))

    def test(self, wanted: BackendRequest | str) -> Trial:
        if isinstance(wanted, str):
            return self._caller.one(Trial, "POST", f"/v1/backends/{part(wanted)}/test")
        return self._caller.one(Trial, "POST", "/v1/backends/test", body=given(wanted))

    def update(self, backend: str, changes: Changes, *, if_version: int | None = None) -> Backend:
        return self._caller.one(
            Backend, "PATCH", f"/v1/backends/{part(backend)}", body=given(changes), if_version=if_version
        )

    def remove(self, backend: str, *, if_version: int | None = None) -> None:
        self._caller.ask("DELETE", f"/v1/backends/{part(backend)}", if_version=if_version)


class _Systems(Bound):
    def list(self, query: Query | None = None) -> Page[System]:
        return self._caller.many(System, "/v1/systems", query)

    def get(self, system: str) -> System:
        return self._caller.one(System, "GET", f"/v1/systems/{part(system)}")

    def add(self, wanted: SystemRequest) -> System:
        return self._caller.one(System, "POST", "/v1/systems", body=given(wanted))

    def test(self, wanted: SystemRequest | str) -> Trial:
        if isinstance(wanted, str):
            return self._caller.one(Trial, "POST", f"/v1/systems/{part(wanted)}/test")
        return self._caller.one(Trial, "POST", "/v1/systems/test", body=given(wanted))

    def update(self, system: str, changes: Changes, *, if_version: int | None = None) -> System:
        return self._caller.one(
            System, "PATCH", f"/v1/systems/{part(system)}", body=given(changes), if_version=if_version
        )

    def remove(self, system: str, *, if_version: int | None = None) -> None:
        self._caller.ask("DELETE", f"/v1/systems/{part(system)}", if_version=if_version)


class _Extensions(Bound):
    def list(self) -> Sequence[Extension]:
        return [read(Extension, item) for item in self._caller.ask("GET", "/v1/extensions")["items"]]

    def get(self, namespace: str, name: str) -> Extension:
        return self._caller.one(Extension, "GET", f"/v1/extensions/{part(namespace)}/{part(name)}")

    def configure(
        self, namespace: str, name: str, *, enabled: bool | None = None, settings: Mapping[str, Any] | None = None
    ) -> Extension:
        asked = {"enabled": enabled, "settings": None if settings is None else dict(settings)}
        body = {key: value for key, value in asked.items() if value is not None}
        return self._caller.one(Extension, "PATCH", f"/v1/extensions/{part(namespace)}/{part(name)}", body=body)


class RemoteAdministration:
    """What an Isthmus elsewhere offers to those who run it."""

    def __init__(self, caller: Caller) -> None:
        self.context = caller.context
        self._caller = caller
        self.tenants: contract.Tenants = _Tenants(caller)
        self.users: contract.Users = _Users(caller)
        self.tokens: contract.Tokens = _Tokens(caller)
        self.backends: contract.Backends = _Backends(caller)
        self.systems: contract.Systems = _Systems(caller)
        self.extensions: contract.Extensions = _Extensions(caller)

    def doctor(self) -> Sequence[Finding]:
        return [read(Finding, item) for item in self._caller.ask("GET", "/v1/doctor")["items"]]
