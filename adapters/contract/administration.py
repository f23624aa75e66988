"""For those who run the installation; offered by `local` and `remote` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ...core.context import Context
from ...core.model.backend import Backend
from ...core.model.description import Extension, Finding, Trial
from ...core.model.page import Page, Query
from ...core.model.request import BackendRequest, Changes, SystemRequest, TenantRequest, TokenRequest, UserRequest
from ...core.model.system import System
from ...core.model.tenant import Limit, Tenant, Token, User


class Tenants(Protocol):
    def list(self, query: Query | None = None) -> Page[Tenant]: ...

    def get(self, tenant: str) -> Tenant:
        """By id or by name."""

    def create(self, wanted: TenantRequest) -> Tenant: ...

    def update(self, tenant: str, changes: Changes, *, if_version: int | None = None) -> Tenant: ...

    def delete(self, tenant: str, *, if_version: int | None = None) -> None:
        """`InUse` while it owns anything."""

    def limits(self, tenant: str) -> Sequence[Limit]: ...

    def set_limit(self, tenant: str, profile: str | None, *, max_volumes: int | None, max_bytes: int | None) -> Limit:
        """A limit below what is used is allowed: nothing more is granted until usage falls. None: no limit."""


class Users(Protocol):
    def list(self, query: Query | None = None) -> Page[User]: ...

    def get(self, user: str) -> User:
        """By id or by name."""

    def create(self, wanted: UserRequest) -> User: ...

    def update(self, user: str, changes: Changes, *, if_version: int | None = None) -> User: ...

    def delete(self, user: str, *, if_version: int | None = None) -> None:
        """Its tokens die with it, at once and everywhere."""


class Tokens(Protocol):
    def list(self, query: Query | None = None) -> Page[Token]: ...

    def create(self, wanted: TokenRequest) -> tuple[Token, str]:
        """The token and its text, which is shown this once."""

    def revoke(self, token: str) -> None:
        """By id; at once and everywhere. Absent: success."""


class Backends(Protocol):
    def list(self, query: Query | None = None) -> Page[Backend]: ...

    def get(self, backend: str) -> Backend:
        """By id or by name."""

    def add(self, wanted: BackendRequest) -> Backend:
        """Tests it first; a back end that cannot serve is not added."""

    def test(self, wanted: BackendRequest | str) -> Trial:
        """Try a configuration, or a back end that is there; changes nothing."""

    def update(self, backend: str, changes: Changes, *, if_version: int | None = None) -> Backend:
        """`enabled` False takes no new placements and leaves what is there."""

    def remove(self, backend: str, *, if_version: int | None = None) -> None:
        """`InUse` while placements or snapshots are on it."""


class Systems(Protocol):
    """Configured adapters. `local`, this installation itself, is always among them and is neither changed, but for its
    metadata, nor removed."""

    def list(self, query: Query | None = None) -> Page[System]: ...

    def get(self, system: str) -> System:
        """By id or by name."""

    def add(self, wanted: SystemRequest) -> System:
        """Asks it first: one that does not answer is not added (`Unavailable`), nor one that does not accept the
        credential (`Misconfigured`). `Conflict` for a name that is taken."""

    def test(self, wanted: SystemRequest | str) -> Trial:
        """Try a configuration, or a system that is there; changes nothing but the latter's measured health."""

    def update(self, system: str, changes: Changes, *, if_version: int | None = None) -> System:
        """Name, metadata, `enabled`, address, settings and secrets. An enabled system is asked first when one of the
        last three changes, as in `add`. A system that is disabled is not reached by anybody. `InUse` for another name,
        and for one that is to be disabled, while operations work with it (`Run.data`)."""

    def remove(self, system: str, *, if_version: int | None = None) -> None:
        """Forget it and its credential; nothing is done to the system itself. `InUse` while operations work with it."""


class Extensions(Protocol):
    """Plugins, adapters, drivers, targets, filters, weighers and dispatchers, as found on this server."""

    def list(self) -> Sequence[Extension]: ...

    def get(self, namespace: str, name: str) -> Extension: ...

    def configure(
        self, namespace: str, name: str, *, enabled: bool | None = None, settings: Mapping[str, Any] | None = None
    ) -> Extension:
        """Takes effect at the next start of the server; the answer's `details` says so. `Conflict` for disabling what
        the server cannot be run or administered without, `InUse` for what back ends or systems use."""


class Administration(Protocol):
    """The installation on behalf of `context`."""

    context: Context
    tenants: Tenants
    users: Users
    tokens: Tokens
    backends: Backends
    systems: Systems
    extensions: Extensions

    def doctor(self) -> Sequence[Finding]:
        """What is wrong and what to do about it: database, back ends, targets, exports, orphans, usage, systems,
        and what plugins find."""
