"""Names beside the ids that the API speaks in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.errors import Forbidden, NotFound
from .session import Session


class Names:
    """Looks each name up once; what has none any more, or may not be seen, stays an id."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[str, str], str] = {}
        self._places: dict[str, str] = {}

    def profile(self, identifier: str) -> str:
        return self._name("profile", identifier, lambda: self._session.storage.profiles.get(identifier))

    def backend(self, identifier: str) -> str:
        return self._name("backend", identifier, lambda: self._session.administration.backends.get(identifier))

    def place(self, pool: str, name: str) -> str:
        """`BACKEND/POOL`, for pools of several back ends may have one name; the name alone when the pool is gone."""
        if pool not in self._places:
            try:
                found = self._session.storage.pools.get(pool)
                self._places[pool] = f"{self.backend(found.backend)}/{found.name}"
            except NotFound:
                self._places[pool] = name
        return self._places[pool]

    def user(self, identifier: str) -> str:
        return self._name("user", identifier, lambda: self._session.administration.users.get(identifier))

    def limited(self, profile: str | None) -> str:
        """What a limit is on: one profile, or all of them together."""
        return "all" if profile is None else self.profile(profile)

    def _name(self, kind: str, identifier: str, ask: Callable[[], Any]) -> str:
        key = (kind, identifier)
        if key not in self._known:
            try:
                self._known[key] = str(ask().name)
            except (Forbidden, NotFound):
                self._known[key] = identifier
        return self._known[key]


def beside(name: str, identifier: str) -> str:
    """A name with its id, for where one of a kind is shown."""
    return identifier if name == identifier else f"{name} ({identifier})"
