"""An adapter: one way to reach one storage system."""

from __future__ import annotations

from typing import Protocol

from ...core.context import Context
from ...core.model.request import Credential
from .administration import Administration
from .storage import Storage


class Adapter(Protocol):
    """One storage system, reached. It is made once and shared by threads; what it hands out is bound to a context."""

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        """Who this is; raises `Unauthenticated`. `tenant` (id or name) chooses the tenant an administrator acts for."""

    def storage(self, context: Context) -> Storage:
        """The system on behalf of `context`."""

    def administration(self, context: Context) -> Administration:
        """The installation on behalf of `context`; raises `NotOffered` where there is none to administer."""

    def close(self) -> None:
        """Let go of connections. Idempotent."""
