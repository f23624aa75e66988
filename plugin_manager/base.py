"""A plugin that does nothing: the base for those that do some of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..core.duties.duty import Duty
from ..core.journal.step import Flow
from ..core.model.description import Finding
from .action import Action
from .contract import Application, PluginSetup


class Base:
    """Keeps its setup and answers every question with nothing; a plugin names its own `contract_version`."""

    name: ClassVar[str]
    contract_version: ClassVar[int]
    settings_schema: ClassVar[Mapping[str, Any]] = {"type": "object", "additionalProperties": False}

    def __init__(self, setup: PluginSetup) -> None:
        self.setup = setup

    def prefixes(self) -> Sequence[str]:
        return ()

    def wsgi(self) -> Application | None:
        return None

    def actions(self) -> Sequence[Action]:
        return ()

    def flows(self) -> Sequence[Flow]:
        return ()

    def duties(self) -> Sequence[Duty]:
        return ()

    def ready(self) -> Sequence[Finding]:
        return ()

    def close(self) -> None:
        """Nothing to let go of."""
