"""Each tenant's maintenance window: the one that was set, while it is not over, else the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from ....core.model.identity import now
from ....plugin_manager.contract import PluginSetup
from .. import uris
from ..kept_setting import KeptSetting
from .window import MaintenanceWindow, daily

AT_WINDOW = "AtMaintenanceWindowStart"
IMMEDIATE = "Immediate"
APPLY_TIMES = (IMMEDIATE, AT_WINDOW)
_FRESH = 1.0
"""Seconds for which what is shown beside volumes is not read again."""
_MOST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class TenantWindow:
    """A window that counts for a tenant. `version` is that of what was last set, 0 where nothing ever was."""

    window: MaintenanceWindow
    version: int = 0


class TenantWindows:
    """The windows of all tenants, the same on every server."""

    def __init__(self, setup: PluginSetup) -> None:
        self._setup = setup
        self._shown: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def get(self, tenant: str, moment: datetime | None = None) -> TenantWindow:
        """The window that is open, else the next one that is known."""
        moment = moment or now()
        kept, version = self._kept(tenant).read()
        if kept is not None and (window := MaintenanceWindow.of(kept)).end > moment:
            return TenantWindow(window, version)
        given = self._setup.settings
        begins, seconds = given["maintenance_window_start"], given["maintenance_window_duration"]
        return TenantWindow(daily(str(begins), int(seconds), moment), version)

    def set(self, tenant: str, window: MaintenanceWindow | None, *, if_version: int | None = None) -> None:
        """Set it, or go back to the default (None). Raises `Stale` where another version than `if_version` is."""
        self._kept(tenant).write(None if window is None else window.to_json(), if_version=if_version)
        self._shown.pop(tenant, None)

    def support(self, tenant: str) -> Mapping[str, Any]:
        """What a tenant's resources say of the times that a change may be asked for (schema Settings,
        OperationApplyTimeSupport), as it was within the last second. Not to be changed."""
        known = self._shown.get(tenant)
        if known is not None and known[0] > monotonic():
            return known[1]
        moment = now()
        window = self.get(tenant, moment).window
        shown = {
            "@odata.type": "#Settings.v1_4_0.OperationApplyTimeSupport",
            "SupportedValues": list(APPLY_TIMES),
            **window.to_json(),
            "MaintenanceWindowResource": uris.link(uris.storage_service(tenant)),
        }
        if len(self._shown) >= _MOST_KEPT:
            self._shown.clear()
        self._shown[tenant] = (monotonic() + min(_FRESH, (window.end - moment).total_seconds()), shown)
        return shown

    def _kept(self, tenant: str) -> KeptSetting:
        return KeptSetting(self._setup, f"maintenance-window.{tenant}", "window", tenant=tenant)
