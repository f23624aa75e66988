"""What `doctor` says of things that no longer belong together. Nothing of it is mended by itself."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.model.description import Finding
from ....core.model.record import Records
from .kinds import HOSTS, STALE_HOSTS, VOLUME, VOLUME_GONE
from .memory import Memory

CHECK = "drift"


def findings(records: Records, guid: str) -> Iterator[Finding]:
    """As the last survey found it; nothing is asked."""
    for told in Memory(records, guid).all().values():
        volume, stale = told.raised.get(VOLUME.name), told.raised.get(HOSTS.name)
        if volume is not None and volume.kind == VOLUME_GONE.name and told.behind is not None:
            yield Finding(
                CHECK,
                "warning",
                f"The volume {told.behind.name} ({told.behind.identifier}) behind datastore {told.entity.moid} is no "
                f"longer in storage system {told.behind.system}.",
                "Recover what the datastore held, then remove the datastore in the vSphere Client.",
            )
        if stale is not None and stale.kind == STALE_HOSTS.name:
            for name in stale.key:
                system, _, host = name.partition("/")
                yield Finding(
                    CHECK,
                    "warning",
                    f"Volumes of storage system {system} are attached to host {host}, which the vCenter no longer has.",
                    "If the host is gone for good, delete its attachments and then the host in the storage system.",
                )
