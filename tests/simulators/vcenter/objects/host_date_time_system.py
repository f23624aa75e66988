"""HostDateTimeSystem: time zone and time servers of a host."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..registry import vim
from ..wire.call import Call
from .host_system import HostPart, HostSystem


class HostDateTimeSystem(HostPart):
    """`skew`: how far the host's clock is ahead of the vCenter's; tests set it."""

    KIND = vim.host.DateTimeSystem

    def __init__(self, host: HostSystem, moid: str) -> None:
        super().__init__(host, moid)
        self.skew = timedelta()
        zone = vim.host.DateTimeSystem.TimeZone(key="UTC", name="UTC", description="UTC", gmtOffset=0)
        self.set(
            "dateTimeInfo",
            vim.host.DateTimeInfo(timeZone=zone, ntpConfig=vim.host.NtpConfig(server=["ntp.example.test"])),
        )
        host.set("config.dateTimeInfo", self.get("dateTimeInfo"))

    def QueryDateTime(self, call: Call) -> datetime:
        self.host.demand_connected()
        return self.vc.clock.now() + self.skew

    def UpdateDateTime(self, call: Call, now: datetime) -> None:
        self.host.demand_connected()
        self.skew = now - self.vc.clock.now()

    def UpdateDateTimeConfig(self, call: Call, config: Any) -> None:
        self.host.demand_connected()
        if config.ntpConfig is not None:
            with self.vc.model.change():
                self.set("dateTimeInfo.ntpConfig", config.ntpConfig)
                self.host.set("config.dateTimeInfo", self.get("dateTimeInfo"))

    def RefreshDateTimeSystem(self, call: Call) -> None:
        self.host.demand_connected()
