"""Who sends a request: found out once, however many resources the answer is made of."""

from __future__ import annotations

from collections.abc import Callable

from ....core.context import Context
from ....core.errors import IsthmusError
from ..accounts.privileges import standing
from .refusal import Refusal


class Caller:
    """Shared by all looks that one request takes at resources.

    Wrong credentials are tried once: each try counts against the account.
    """

    __slots__ = ("_authenticate", "_context", "_refused")

    def __init__(self, authenticate: Callable[[], Context]) -> None:
        self._authenticate = authenticate
        self._context: Context | None = None
        self._refused: Refusal | IsthmusError | None = None

    @property
    def context(self) -> Context:
        """Who it is, with the rights that count here; raises what the first try raised."""
        context = self._context
        if context is None:
            if self._refused is not None:
                raise self._refused
            try:
                context = self._context = standing(self._authenticate())
            except (Refusal, IsthmusError) as refused:
                self._refused = refused
                raise
        return context

    def signed_in(self, context: Context) -> None:
        """It is this one: a login just told."""
        self._context = standing(context)
