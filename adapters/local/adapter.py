"""The engine of this process as an adapter."""

from __future__ import annotations

from ...core.context import Context
from ...core.engine.engine import Engine
from ...core.model.request import Credential
from ..contract import Administration, Storage
from .administration import ExtensionManager, LocalAdministration
from .storage import LocalStorage


class LocalAdapter:
    """Hands out the engine's services, each call on behalf of one context. The engine authorises every call."""

    def __init__(self, engine: Engine, extensions: ExtensionManager) -> None:
        self._engine = engine
        self._extensions = extensions

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        return self._engine.users.authenticate(credential, tenant=tenant, request_id=request_id)

    def storage(self, context: Context) -> Storage:
        return LocalStorage(self._engine, context)

    def administration(self, context: Context) -> Administration:
        return LocalAdministration(self._engine, context, self._extensions)

    def close(self) -> None:
        """Nothing to let go of: whoever started the engine stops it."""
