"""The settings of the file driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Misconfigured
from ..contract import DriverSetup

SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["directory"],
    "properties": {
        "directory": {
            "type": "string",
            "pattern": "^/",
            "description": "The folder for the images, for this back end alone; it is made where it is missing.",
        },
        "format": {
            "enum": ["auto", "qcow2", "raw"],
            "default": "auto",
            "description": "How volumes are kept. auto: what the folder holds already; in an empty one raw on a file "
            "system with reflink, else qcow2 where it can be published over iSCSI too, else raw.",
        },
        "zone": {"type": ["string", "null"], "default": None, "description": "The availability zone of the pool."},
        "ratio": {
            "type": "number",
            "minimum": 1,
            "maximum": 1000,
            "default": 5,
            "description": "How many bytes of thin volumes may be promised for each byte there is.",
        },
        "reserve": {
            "type": "number",
            "minimum": 0,
            "exclusiveMaximum": 1,
            "default": 0.05,
            "description": "The fraction of the file system that is kept free.",
        },
        "capabilities": {
            "type": "object",
            "default": {},
            "description": "What profiles may ask of the pool beyond what the driver finds out itself, in OpenSDS's "
            "names (dataStorage, ioConnectivity, dataProtection, advanced).",
        },
    },
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that the driver itself acts on; the scheduler acts on `ratio` and `reserve`."""

    directory: Path
    format: str
    zone: str | None
    capabilities: Mapping[str, Any]


def settings_of(setup: DriverSetup) -> Settings:
    """Read them. Raises `Misconfigured` for a folder that is not an absolute path or an unknown format."""
    given = setup.settings
    directory = Path(str(given.get("directory", "")))
    if not directory.is_absolute():
        raise Misconfigured(
            f"Back end {setup.name}: the setting directory must be an absolute path.",
            next_step="Set it to the folder that is to hold the images.",
        )
    wanted = str(given.get("format", "auto"))
    if wanted not in ("auto", "qcow2", "raw"):
        raise Misconfigured(f"Back end {setup.name}: there is no format {wanted!r}; choose auto, qcow2 or raw.")
    zone = given.get("zone")
    return Settings(directory, wanted, str(zone) if zone else None, dict(given.get("capabilities") or {}))
