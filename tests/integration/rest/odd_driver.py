"""A driver of a third party: the memory array, reached as if over iSCSI, and made to hang or fail by files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from isthmus.core.drivers.contract import Allocated, DriverSetup, Export, Grant, Metered, Wanted
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.errors import Refused
from isthmus.core.model.attachment import Connection


class OddDriver(MemoryDriver):
    """While the file `hang` is in its folder, `create` does not come back; while `refuse` is, it refuses. `meter` does
    not come back while `hang-measuring` is there."""

    name: ClassVar[str] = "odd"
    settings_schema: ClassVar[Mapping[str, Any]] = {
        **MemoryDriver.settings_schema,
        "properties": {
            **MemoryDriver.settings_schema["properties"],
            "marks": {"type": "string", "description": "The folder of the files."},
            "password": {"type": "string", "writeOnly": True, "description": "Kept, and never shown."},
        },
    }

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__(setup)
        # Unlike the array in memory, this one may hang.
        self.ends_in_time = False
        self._marks = Path(setup.settings["marks"])

    def create(self, wanted: Wanted) -> Allocated:
        if (self._marks / "refuse").exists():
            raise Refused("The array has a headache.", next_step="Let it rest.")
        while (self._marks / "hang").exists():
            time.sleep(0.02)
        return super().create(wanted)

    def meter(self, placement: str, reference: Mapping[str, Any]) -> Metered | None:
        while (self._marks / "hang-measuring").exists():
            time.sleep(0.02)
        return super().meter(placement, reference)

    def protocols(self) -> Sequence[str]:
        return ("iscsi",)

    def grant(self, export: Export, grant: Grant) -> Connection:
        given = super().grant(export, grant)
        return Connection("iscsi", {**given.public, "iqn": "iqn.2026-01.example:odd", "chap_user": grant.user})
