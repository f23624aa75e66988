"""What the plug-in is called in a vCenter, and which of its pages the vCenter is pointed at."""

from __future__ import annotations

import re

from ....ui_bridge.manifest import generation

KEY = "io.isthmus.storage"
COMPANY = "Isthmus"
PREFIX = "/vsphere"
UI = f"{PREFIX}/ui"
CLIENT_TYPE = "vsphere-client-remote"
SERVER_TYPE = "MANIFEST_SERVER"
NEXT_SERVER_TYPE = "NEXT_MANIFEST_SERVER"
"""An entry beside the manifest's that names the certificate which is to follow."""

_NUMBERS = re.compile(r"\d+(?:\.\d+){0,3}")


def version_of(release: str) -> str:
    """One to four numbers with dots, all that a vCenter takes, of a version of Isthmus (`0.2.0.dev1`: `0.2.0`)."""
    found = _NUMBERS.match(release)
    return found.group() if found else "0"


def manifest_url(address: str, release: str, *, archive: bool | None = None) -> str:
    """Where a vCenter of this release finds the manifest that it understands; as an archive from 9.1 on, or if asked
    for."""
    if archive is None:
        archive = tuple(int(part) for part in re.findall(r"\d+", release)[:2]) >= (9, 1)
    return f"{address}{UI}/plugin-{generation(release)}.{'zip' if archive else 'json'}"
