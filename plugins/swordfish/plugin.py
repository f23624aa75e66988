"""The plugin: what it mounts and does by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...core.duties.duty import Duty
from ...core.journal.step import Flow
from ...plugin_manager.base import Base
from ...plugin_manager.contract import LOCAL_SYSTEM, Application


class SwordfishPlugin(Base):
    """Redfish and Swordfish under `/redfish`."""

    name: ClassVar[str] = "swordfish"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "session_timeout": {
                "type": "integer",
                "minimum": 30,
                "maximum": 86400,
                "default": 1800,
                "description": "Seconds without a request after which a session ends.",
            },
            "report_interval": {
                "type": "integer",
                "minimum": 1,
                "maximum": 86400,
                "default": 60,
                "description": "Seconds from one metric report to the next, for those who asked to be told.",
            },
            "discovery": {
                "type": "boolean",
                "default": False,
                "description": "Whether searches on the network (SSDP) are answered.",
            },
            "maintenance_window_start": {
                "type": "string",
                "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$",
                "default": "02:00",
                "description": "When (UTC) the maintenance window of each day begins, where a tenant has set no other.",
            },
            "maintenance_window_duration": {
                "type": "integer",
                "minimum": 1,
                "maximum": 86400,
                "default": 14400,
                "description": "Seconds that it lasts.",
            },
        },
    }

    def prefixes(self) -> Sequence[str]:
        return ("/redfish",)

    def flows(self) -> Sequence[Flow]:
        from .maintenance.later import Later

        return Later(lambda run: self.setup.systems[LOCAL_SYSTEM].storage(run.context)).flows()

    def duties(self) -> Sequence[Duty]:
        from .accounts.sessions import Sessions
        from .discovery import Discovery
        from .events.delivery import Delivery
        from .events.subscription import Subscriptions

        setup = self.setup
        interval = float(setup.settings["report_interval"])
        subscriptions = Subscriptions(setup.records)
        return (
            Delivery(lambda: setup.systems[LOCAL_SYSTEM], subscriptions, report_interval=interval).duty(),
            Sessions(setup).duty(),
            *((Discovery(setup).duty(),) if setup.settings["discovery"] else ()),
        )

    def wsgi(self) -> Application:
        from .accounts.credentials import authenticate
        from .catalogue import SERVED
        from .protocol.application import SwordfishApplication
        from .service import Service

        return SwordfishApplication(Service(self.setup), SERVED, authenticate)
