"""What holds for all sessions."""

from __future__ import annotations

from dataclasses import dataclass

from ....plugin_manager.contract import PluginSetup
from ..kept_setting import KeptSetting

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 30, 86400


@dataclass(frozen=True, slots=True)
class SessionRule:
    """`timeout`: the seconds without a request after which a session ends. Version 0 was never changed."""

    timeout: int
    version: int = 0


class SessionSettings:
    """The rule as it was last set; the plugin's setting `session_timeout` counts until then."""

    def __init__(self, setup: PluginSetup) -> None:
        self._setup = setup
        self._kept = KeptSetting(setup, "sessions", "timeout")

    def read(self) -> SessionRule:
        timeout, version = self._kept.read()
        return SessionRule(int(timeout or self._setup.settings.get("session_timeout", 1800)), version)

    def write(self, timeout: int, *, if_version: int | None = None) -> None:
        """Set the timeout for sessions that are there, from their next use on, and for those to come.

        Raises `Stale` where another version than `if_version` is there.
        """
        self._kept.write(timeout, if_version=if_version)
