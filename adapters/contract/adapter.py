"""An adapter: one way to reach one storage system."""

from __future__ import annotations

from typing import Protocol

from ...core.context import Context
from ...core.model.request import Credential
from .administration import Administration
from .storage import Storage


class Adapter(Protocol):
    """One storage system, reached. It is made once and shared by threads; what it hands out is bound to a context.

    The adapter of a configured system (`AdapterSetup`) is also given contexts that the system does not know: users and
    tenants of the installation that it is configured in. For those it acts with the system's own credential. A
    credential that the system does not accept is then not the caller's fault: `Misconfigured`, not `Unauthenticated`.
    """

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        """Who this is; raises `Unauthenticated`. `tenant` (id or name) chooses the tenant an administrator acts for.

        `NotOffered` where nobody but the system's own credential is known."""

    def storage(self, context: Context) -> Storage:
        """The system on behalf of `context`. Its `describe()` is also what a server asks for the system's health."""

    def administration(self, context: Context) -> Administration:
        """The installation on behalf of `context`; raises `NotOffered` where there is none to administer."""

    def close(self) -> None:
        """Let go of connections. Idempotent; calls that are under way may fail."""
