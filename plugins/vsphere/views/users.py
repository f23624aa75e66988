"""Who did something, as people know them: operations and events name users of Isthmus by id."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ....adapters.contract import Adapter
from ....core.context import Context
from ....core.errors import IsthmusError
from ....plugin_manager.contract import LOCAL_SYSTEM

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Users:
    """For one look at one page: each is looked up once. The tasks in the vCenter name them as well."""

    def __init__(self, installed: Callable[[], Mapping[str, Adapter]]) -> None:
        self._installed = installed
        self._known: dict[str, str] = {}

    def name(self, user: str) -> str:
        """The name of a user of this installation; whoever is none, or is gone, as they stand there."""
        if not _ID.fullmatch(user):
            return user
        if user not in self._known:
            self._known[user] = self._asked(user)
        return self._known[user]

    def _asked(self, user: str) -> str:
        # Everybody may read the own account.
        own = Context(None, user, frozenset({"reader"}))
        try:
            return self._installed()[LOCAL_SYSTEM].administration(own).users.get(user).name
        except (IsthmusError, KeyError):
            return user
