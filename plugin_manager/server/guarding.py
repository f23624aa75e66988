"""Rights of this installation, checked before a configured system is asked.

A configured system knows one credential and cannot tell who asks here. So what a caller may do here is what he may do
there, and no more: a reader does not create volumes by way of another system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ...adapters.contract import Adapter, Administration, Storage
from ...core.context import Context
from ...core.model.request import Credential
from ...core.security.policy import TABLE, authorise

_READING = frozenset({"list", "get", "after", "stream", "wait", "explain"})
_VERBS = {"ensure": "create"}
_INSTALLATION = frozenset({"pool", "profile"})


class GuardedAdapter:
    """An adapter behind the rules of `core.security.policy`. A context that the system itself gave (`authenticate`) has
    the roles that the system said."""

    def __init__(self, inner: Adapter) -> None:
        self._inner = inner

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        return self._inner.authenticate(credential, tenant=tenant, request_id=request_id)

    def storage(self, context: Context) -> Storage:
        return cast(Storage, _GuardedStorage(self._inner.storage(context), context))

    def administration(self, context: Context) -> Administration:
        authorise(context, "system:write", None)
        return self._inner.administration(context)

    def close(self) -> None:
        self._inner.close()


class _GuardedStorage:
    """All but `describe` is guarded."""

    def __init__(self, inner: Storage, context: Context) -> None:
        self._inner = inner
        self.context = context

    def __getattr__(self, name: str) -> Any:
        part = getattr(self._inner, name)
        if name == "describe":
            return part
        if callable(part):
            return _guarded(part, _permission("volume", name), self.context, self.context.tenant)
        return _GuardedPart(part, name.removesuffix("s"), self.context)


class _GuardedPart:
    def __init__(self, inner: Any, kind: str, context: Context) -> None:
        self._inner = inner
        self._kind = kind
        self._context = context

    def __getattr__(self, name: str) -> Any:
        tenant = None if self._kind in _INSTALLATION else self._context.tenant
        return _guarded(getattr(self._inner, name), _permission(self._kind, name), self._context, tenant)


def _guarded(method: Callable[..., Any], permission: str, context: Context, tenant: str | None) -> Callable[..., Any]:
    def guarded(*given: Any, **named: Any) -> Any:
        authorise(context, permission, tenant)
        return method(*given, **named)

    return guarded


def _permission(kind: str, method: str) -> str:
    """The permission that a method of a part needs. What the table does not name counts as work on volumes."""
    if kind == "metric":
        return "pool:read" if method == "pool" else "volume:read"
    only_read = {name for name in TABLE if name.startswith(f"{kind}:")} == {f"{kind}:read"}
    verb = "read" if method in _READING or only_read else _VERBS.get(method, method)
    for permission in (f"{kind}:{verb}", f"{kind}:write" if verb != "read" else ""):
        if permission in TABLE:
            return permission
    return "volume:read" if verb == "read" else "volume:update"
