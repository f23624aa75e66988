"""Whether the service can be found on the network."""

from __future__ import annotations

from dataclasses import dataclass

from ...plugin_manager.contract import PluginSetup
from .kept_setting import KeptSetting


@dataclass(frozen=True, slots=True)
class DiscoveryRule:
    """Whether searches are answered. Version 0 was never changed."""

    enabled: bool
    version: int = 0


class DiscoverySettings:
    """The rule as it was last set, for all servers; searches are answered until it is."""

    def __init__(self, setup: PluginSetup) -> None:
        self._setup = setup
        self._kept = KeptSetting(setup, "discovery", "enabled")

    @property
    def offered(self) -> bool:
        """Whether this server has discovery at all: the plugin's setting `discovery`."""
        return bool(self._setup.settings.get("discovery", False))

    def read(self) -> DiscoveryRule:
        enabled, version = self._kept.read()
        return DiscoveryRule(enabled is None or bool(enabled), version)

    def write(self, enabled: bool, *, if_version: int | None = None) -> None:
        """Switch it on or off, from the next search on. Raises `Stale` where another version than `if_version` is."""
        self._kept.write(enabled, if_version=if_version)
