"""Protocols as other services write them."""

from __future__ import annotations

from ..protocols import KNOWN, taken


def core_name(name: str) -> str:
    """The core's name of a protocol; of one that it does not know, the service's own in small letters."""
    return taken(name) if name in KNOWN else name.lower()
