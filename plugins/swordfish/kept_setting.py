"""A setting that clients change: one small record, so that a change lasts and counts on every server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...core.errors import Conflict, Stale
from ...core.model.record import Record
from ...plugin_manager.contract import PluginSetup

_KIND = "settings"


class KeptSetting:
    """One value, plain JSON, by the name `name` within the record `identifier`; a tenant's own with `tenant`."""

    def __init__(self, setup: PluginSetup, identifier: str, name: str, *, tenant: str | None = None) -> None:
        self._records = setup.records
        self._id = identifier
        self._name = name
        self._tenant = tenant

    def read(self) -> tuple[Any, int]:
        """The value as it was last set, with its version; None at version 0 where it never was."""
        record = self._records.get(_KIND, self._id)
        return (None, 0) if record is None else (record.body[self._name], record.version)

    def write(self, value: Any, *, if_version: int | None = None) -> None:
        """Set it, in place of whatever others set meanwhile; raises `Stale` where `if_version` is not its version."""
        wanted = Record(_KIND, self._id, {self._name: value}, tenant=self._tenant)
        while True:
            version = self.read()[1] if if_version is None else if_version
            try:
                if version == 0:
                    self._records.put(wanted)
                else:
                    self._records.replace(replace(wanted, version=version))
                return
            except (Stale, Conflict) as other:
                if if_version is not None:
                    raise Stale(other.message, next_step="Read it again.") from None
