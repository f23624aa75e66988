"""What the browser's side asks of the plugin that it stands before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.context import Context
from ..core.errors import IsthmusError
from .objects import ObjectId


@dataclass(frozen=True, slots=True)
class Sender:
    """What a request from the browser shows: the client's session token (a secret) and the address of the client's
    own server. Neither is believed before the platform has checked it."""

    token: str
    gateway: str = ""

    def __repr__(self) -> str:
        return f"Sender(gateway={self.gateway!r})"


@dataclass(frozen=True, slots=True)
class Admission:
    """Who somebody turned out to be in one place: the context to ask actions with, and which of the platform's
    privileges that were asked about are missing there."""

    context: Context
    missing: frozenset[str] = frozenset()


class Platform(Protocol):
    """The plugin behind the page."""

    @property
    def plugin(self) -> str:
        """The name of the plugin whose actions are offered."""

    @property
    def version(self) -> str:
        """One to four numbers with dots between."""

    def admit(self, sender: Sender, target: ObjectId, privileges: Sequence[str], request_id: str) -> Admission:
        """Who this is at `target`; raises `Unauthenticated`, `Forbidden` for somebody with no rights there at all,
        `NotFound`, `Unavailable`."""

    def told(self, error: IsthmusError, locale: str) -> str:
        """Cause and cure in the reader's language, where the plugin has it in that language."""
