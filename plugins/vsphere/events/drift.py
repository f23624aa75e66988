"""What `doctor` says of things that no longer belong together. Nothing of it is mended by itself."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.model.description import Finding
from ....core.model.record import Records
from ..actions.by_hand import detaching
from ..reasons import texts
from .kinds import HOSTS, VOLUME, VOLUME_GONE
from .memory import Memory

CHECK = "drift"


def findings(records: Records, guid: str) -> Iterator[Finding]:
    """As the last survey found it; nothing is asked."""
    for told in Memory(records, guid).all().values():
        volume, stale = told.raised.get(VOLUME.name), told.raised.get(HOSTS.name)
        if volume is not None and volume.kind == VOLUME_GONE.name and told.behind is not None:
            behind, name = told.behind, volume.facts[""]["name"]
            yield Finding(
                CHECK,
                "warning",
                f"The volume {behind.name} ({behind.identifier}) behind datastore {name} is no longer in storage "
                f"system {behind.system}.",
                "Recover what the datastore held, then remove the datastore in the vSphere Client.",
            )
        if stale is not None:
            for identity, facts in stale.facts.items():
                system, _, host = identity.partition("/")
                name, way = facts["hosts"], detaching(system, "host", host)
                yield Finding(
                    CHECK,
                    "warning",
                    f"Volumes of storage system {system} are attached to host {name}, which the vCenter no longer has.",
                    "If the host is gone for good, detach them from it. " + texts().get(way["text"], **way["values"]),
                )
