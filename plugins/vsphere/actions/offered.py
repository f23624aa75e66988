"""What does the actions on objects of the inventory, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ....adapters.contract import Adapter
from ....core.model.record import Records
from ....plugin_manager.contract import LOCAL_SYSTEM, Submit
from ..connection.sealed_sessions import SealedSessions
from ..connection.sessions import UserSessions
from ..tasks.mirror import Mirror
from ..vcenters.reach import Reaches
from .declaration import Deed
from .declared import DECLARED
from .desk import Desk
from .exclusion import Exclusion
from .stage import Stage


class Offered:
    """One for the process."""

    def __init__(
        self,
        reaches: Reaches,
        sessions: UserSessions,
        records: Records,
        submit: Submit,
        systems: Callable[[], Mapping[str, Adapter]],
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        sealed = SealedSessions(records)
        stage = Stage(reaches, sealed, systems, settings or {})
        self.exclusion = Exclusion(lambda: systems()[LOCAL_SYSTEM])
        self.desk = Desk(reaches, sessions, sealed, submit, self.exclusion)
        self.mirror = Mirror(records, reaches, sealed, stage, lambda: systems()[LOCAL_SYSTEM])
        self.stage = stage
        self._deeds: dict[str, Deed] = {}

    def deed(self, action: str) -> Deed:
        """What does an action; imported when it is first asked for."""
        found = self._deeds.get(action)
        if found is None:
            module, _, name = next(each.deed for each in DECLARED if each.id == action).partition(":")
            made = getattr(import_module(f".{module}", __package__), name)
            found = self._deeds.setdefault(action, made(self.desk, self.stage))
        return found
