"""Access protocols: what the core calls them and what Redfish does (schema Protocol)."""

from __future__ import annotations

from collections.abc import Iterable

_SAID = {"iscsi": "iSCSI", "fc": "FC", "nvmeof": "NVMeOverFabrics", "smb": "SMB"}
_TAKEN = {said: name for name, said in _SAID.items()}

KNOWN = tuple(_TAKEN)
"""Redfish's names of the protocols that both know. NBD, for one, has none."""


def said(protocol: str) -> str | None:
    """Redfish's name; None where it has none."""
    return _SAID.get(protocol.lower())


def taken(protocol: str) -> str:
    """The core's name for one of `KNOWN`."""
    return _TAKEN[protocol]


def all_said(protocols: Iterable[str]) -> list[str]:
    """Redfish's names of those that have one."""
    return [name for protocol in protocols if (name := said(protocol)) is not None]
