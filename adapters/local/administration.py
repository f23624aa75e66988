"""The engine's services as the contract `Administration`, bound to a context."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ...core.context import Context
from ...core.engine.engine import Engine
from ...core.engine.systems import Systems
from ...core.model.backend import Backend
from ...core.model.description import Extension, Finding, Trial
from ...core.model.page import Page, Query
from ...core.model.request import BackendRequest, Changes, SystemRequest, TenantRequest, TokenRequest, UserRequest
from ...core.model.system import System
from ...core.model.tenant import Limit, Tenant, Token, User
from ...core.security.policy import authorise
from ..contract import administration as contract
from .bound import Bound


class ExtensionManager(Protocol):
    """What the plugin manager says of extensions; it is given by the composition root."""

    def list(self) -> Sequence[Extension]: ...

    def get(self, namespace: str, name: str) -> Extension: ...

    def configure(
        self, namespace: str, name: str, *, enabled: bool | None = None, settings: Mapping[str, Any] | None = None
    ) -> Extension: ...


class _Tenants(Bound):
    def list(self, query: Query | None = None) -> Page[Tenant]:
        return self._engine.tenants.list(self._context, query)

    def get(self, tenant: str) -> Tenant:
        return self._engine.tenants.get(self._context, tenant)

    def create(self, wanted: TenantRequest) -> Tenant:
        return self._engine.tenants.create(self._context, wanted)

    def update(self, tenant: str, changes: Changes, *, if_version: int | None = None) -> Tenant:
        return self._engine.tenants.update(self._context, tenant, changes, if_version=if_version)

    def delete(self, tenant: str, *, if_version: int | None = None) -> None:
        self._engine.tenants.delete(self._context, tenant, if_version=if_version)

    def limits(self, tenant: str) -> Sequence[Limit]:
        return self._engine.tenants.limits(self._context, tenant)

    def set_limit(self, tenant: str, profile: str | None, *, max_volumes: int | None, max_bytes: int | None) -> Limit:
        return self._engine.tenants.set_limit(
            self._context, tenant, profile, max_volumes=max_volumes, max_bytes=max_bytes
        )


class _Users(Bound):
    def list(self, query: Query | None = None) -> Page[User]:
        return self._engine.users.list(self._context, query)

    def get(self, user: str) -> User:
        return self._engine.users.get(self._context, user)

    def create(self, wanted: UserRequest) -> User:
        return self._engine.users.create(self._context, wanted)

    def update(self, user: str, changes: Changes, *, if_version: int | None = None) -> User:
        return self._engine.users.update(self._context, user, changes, if_version=if_version)

    def delete(self, user: str, *, if_version: int | None = None) -> None:
        self._engine.users.delete(self._context, user, if_version=if_version)


class _Tokens(Bound):
    def list(self, query: Query | None = None) -> Page[Token]:
        return self._engine.tokens.list(self._context, query)

    def create(self, wanted: TokenRequest) -> tuple[Token, str]:
        return self._engine.tokens.create(self._context, wanted)

    def revoke(self, token: str) -> None:
        self._engine.tokens.revoke(self._context, token)


class _Backends(Bound):
    def list(self, query: Query | None = None) -> Page[Backend]:
        return self._engine.backends.list(self._context, query)

    def get(self, backend: str) -> Backend:
        return self._engine.backends.get(self._context, backend)

    def add(self, wanted: BackendRequest) -> Backend:
        return self._engine.backends.add(self._context, wanted)

    def test(self, wanted: BackendRequest | str) -> Trial:
        return self._engine.backends.test(self._context, wanted)

    def update(self, backend: str, changes: Changes, *, if_version: int | None = None) -> Backend:
        return self._engine.backends.update(self._context, backend, changes, if_version=if_version)

    def remove(self, backend: str, *, if_version: int | None = None) -> None:
        self._engine.backends.remove(self._context, backend, if_version=if_version)


class _Systems:
    def __init__(self, systems: Systems, context: Context) -> None:
        self._systems = systems
        self._context = context

    def list(self, query: Query | None = None) -> Page[System]:
        return self._systems.list(self._context, query)

    def get(self, system: str) -> System:
        return self._systems.get(self._context, system)

    def add(self, wanted: SystemRequest) -> System:
        return self._systems.add(self._context, wanted)

    def test(self, wanted: SystemRequest | str) -> Trial:
        return self._systems.test(self._context, wanted)

    def update(self, system: str, changes: Changes, *, if_version: int | None = None) -> System:
        return self._systems.update(self._context, system, changes, if_version=if_version)

    def remove(self, system: str, *, if_version: int | None = None) -> None:
        self._systems.remove(self._context, system, if_version=if_version)


class _Extensions:
    def __init__(self, manager: ExtensionManager, context: Context) -> None:
        self._manager = manager
        self._context = context

    def list(self) -> Sequence[Extension]:
        authorise(self._context, "plugin:read", None)
        return self._manager.list()

    def get(self, namespace: str, name: str) -> Extension:
        authorise(self._context, "plugin:read", None)
        return self._manager.get(namespace, name)

    def configure(
        self, namespace: str, name: str, *, enabled: bool | None = None, settings: Mapping[str, Any] | None = None
    ) -> Extension:
        authorise(self._context, "plugin:write", None)
        return self._manager.configure(namespace, name, enabled=enabled, settings=settings)


class LocalAdministration:
    """What the engine and the plugin manager offer to those who run the installation."""

    def __init__(
        self,
        engine: Engine,
        context: Context,
        extensions: ExtensionManager,
        systems: Systems,
        plugins: Callable[[], Sequence[Finding]],
    ) -> None:
        self.context = context
        self._plugins = plugins
        self._engine = engine
        self._registry = systems
        self.tenants: contract.Tenants = _Tenants(engine, context)
        self.users: contract.Users = _Users(engine, context)
        self.tokens: contract.Tokens = _Tokens(engine, context)
        self.backends: contract.Backends = _Backends(engine, context)
        self.systems: contract.Systems = _Systems(systems, context)
        self.extensions: contract.Extensions = _Extensions(extensions, context)

    def doctor(self) -> Sequence[Finding]:
        examined = [*self._engine.doctor.examine(self.context), *self._registry.examine(self.context)]
        return [*examined, *self._plugins()]
