"""What the plugin keeps for all its requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...adapters.contract import Adapter
from ...core.model.record import Records
from ...plugin_manager.contract import LOCAL_SYSTEM, PluginSetup
from .accounts.sessions import Sessions
from .discovery_settings import DiscoverySettings
from .events.subscription import Subscriptions
from .identity import Identity
from .maintenance.tenant_windows import TenantWindows
from .protocol.router import Router


class Service:
    """The installation as this plugin sees it: the storage system, its own records and settings, the server."""

    router: Router
    """What is served where; set by the application."""

    def __init__(self, setup: PluginSetup) -> None:
        self.setup = setup
        self.sessions = Sessions(setup)
        self.subscriptions = Subscriptions(setup.records)
        self.identity = Identity(setup.records)
        self.discovery = DiscoverySettings(setup)
        self.windows = TenantWindows(setup)

    @property
    def adapter(self) -> Adapter:
        return self.setup.systems[LOCAL_SYSTEM]

    @property
    def records(self) -> Records:
        return self.setup.records

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.setup.settings
