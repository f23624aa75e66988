"""The settings of the nbd target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Invalid

SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "transport": {
            "enum": ["tcp", "unix"],
            "default": "tcp",
            "description": "tcp: over TLS, each host known by its certificate. unix: for programs of this node.",
        },
        "listen": {
            "type": "string",
            "minLength": 1,
            "default": "0.0.0.0",  # noqa: S104 - hosts are elsewhere; who may connect is decided by certificate
            "description": "The address that the daemons listen on.",
        },
        "first_port": {"type": "integer", "minimum": 1024, "maximum": 65535, "default": 11000},
        "last_port": {"type": "integer", "minimum": 1024, "maximum": 65535, "default": 14999},
        "socket_folder": {
            "type": ["string", "null"],
            "pattern": "^/",
            "default": None,
            "description": "Where Unix sockets lie; by default in the runtime folder.",
        },
        "socket_owner": {"type": ["string", "null"], "default": None, "description": "The account they belong to."},
        "socket_group": {"type": ["string", "null"], "default": None, "description": "The group they belong to."},
        "socket_mode": {"type": "string", "pattern": "^0?[0-7]{3}$", "default": "0660"},
    },
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, read."""

    unix: bool
    listen: str
    ports: range
    socket_folder: Path | None
    socket_owner: str | None
    socket_group: str | None
    socket_mode: int


def settings_of(given: Mapping[str, Any]) -> Settings:
    """Read them. Raises `Invalid` for a range of ports that is empty."""
    defaults = {name: schema["default"] for name, schema in SCHEMA["properties"].items()}
    chosen = {**defaults, **given}
    ports = range(int(chosen["first_port"]), int(chosen["last_port"]) + 1)
    if not ports:
        raise Invalid("last_port is smaller than first_port.", field="last_port")
    folder = chosen["socket_folder"]
    return Settings(
        unix=chosen["transport"] == "unix",
        listen=str(chosen["listen"]),
        ports=ports,
        socket_folder=Path(folder) if folder else None,
        socket_owner=chosen["socket_owner"],
        socket_group=chosen["socket_group"],
        socket_mode=int(str(chosen["socket_mode"]), 8),
    )
