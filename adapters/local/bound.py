"""A part of the contract, bound to an engine and a context."""

from __future__ import annotations

from ...core.context import Context
from ...core.engine.engine import Engine


class Bound:
    """Every call goes to the engine's service of the same name with the context in front."""

    def __init__(self, engine: Engine, context: Context) -> None:
        self._engine = engine
        self._context = context
