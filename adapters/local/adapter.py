"""The engine of this process as an adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from ...core.context import Context
from ...core.engine.engine import Engine
from ...core.engine.systems import Systems
from ...core.model.description import Finding
from ...core.model.request import Credential
from ...core.model.system import LOCAL
from ..contract import Administration, Storage
from .administration import ExtensionManager, LocalAdministration
from .storage import LocalStorage


class LocalAdapter:
    """Hands out the engine's services, each call on behalf of one context. The engine authorises every call.

    The server makes it around its engine; there is no other system that it could be configured for. `systems` are
    those that an administrator adds; without them only this one is known. `plugins` says what plugins find wrong.
    """

    name: ClassVar[str] = LOCAL
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object", "additionalProperties": False}

    def __init__(
        self,
        engine: Engine,
        extensions: ExtensionManager,
        systems: Systems | None = None,
        plugins: Callable[[], Sequence[Finding]] = tuple,
    ) -> None:
        self._engine = engine
        self._extensions = extensions
        self._systems = systems or Systems(engine.parts)
        self._plugins = plugins

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        return self._engine.users.authenticate(credential, tenant=tenant, request_id=request_id)

    def storage(self, context: Context) -> Storage:
        return LocalStorage(self._engine, context)

    def administration(self, context: Context) -> Administration:
        return LocalAdministration(self._engine, context, self._extensions, self._systems, self._plugins)

    def close(self) -> None:
        """Nothing to let go of: whoever started the engine stops it."""
