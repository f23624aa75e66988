"""What holds for all sessions: one small record, so that a change lasts and counts on every server."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ....core.errors import Conflict, Stale
from ....core.model.record import Record
from ....plugin_manager.contract import PluginSetup

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 30, 86400
_KIND = "settings"
_ID = "sessions"


@dataclass(frozen=True, slots=True)
class SessionRule:
    """`timeout`: the seconds without a request after which a session ends. Version 0 was never changed."""

    timeout: int
    version: int = 0


class SessionSettings:
    """The rule as it was last set; the plugin's setting `session_timeout` counts until then."""

    def __init__(self, setup: PluginSetup) -> None:
        self._setup = setup

    def read(self) -> SessionRule:
        record = self._setup.records.get(_KIND, _ID)
        if record is None:
            return SessionRule(int(self._setup.settings.get("session_timeout", 1800)))
        return SessionRule(int(record.body["timeout"]), record.version)

    def write(self, timeout: int, *, if_version: int | None = None) -> None:
        """Set the timeout for sessions that are there, from their next use on, and for those to come.

        Raises `Stale` where another version than `if_version` is there.
        """
        records = self._setup.records
        wanted = Record(_KIND, _ID, {"timeout": timeout})
        while True:
            version = self.read().version if if_version is None else if_version
            try:
                if version == 0:
                    records.put(wanted)
                else:
                    records.replace(replace(wanted, version=version))
                return
            except (Stale, Conflict) as other:
                if if_version is not None:
                    raise Stale(other.message, next_step="Read it again.") from None
