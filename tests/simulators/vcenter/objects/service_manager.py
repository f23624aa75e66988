"""ServiceManager: the services beside the inventory; none here."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from ..managed import Managed
from ..registry import vim
from ..wire.call import Call


class ServiceManager(Managed):
    """Answers with what was put into `service`."""

    KIND = vim.ServiceManager

    def QueryServiceList(self, call: Call, name: str | None, location: list[str] | None) -> list[Any]:
        return [
            each
            for each in self.get("service") or []
            if (not name or each.serviceName == name) and (not location or set(location) & set(each.location))
        ]
