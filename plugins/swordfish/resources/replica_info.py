"""How a replica and what it was made from know each other (schema StorageReplicaInfo)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.model.volume import VolumeState
from .. import uris
from ..protocol.request import Request
from ..uris import link
from .volume_facts import Facts

SNAPSHOT_STATE: Mapping[str, tuple[str, str | None]] = {
    "creating": ("Unsynchronized", "Synchronizing"),
    "available": ("Synchronized", "Completed"),
    "deleting": ("Synchronized", "Terminating"),
    "error": ("Broken", None),
}
"""ReplicaState and ReplicaProgressStatus by the state of a snapshot."""


def replica_info(facts: Facts, request: Request) -> dict[str, Any] | None:
    """What it is a replica of, for as long as that is there.

    A snapshot never changes, so it stays synchronized with its moment. Whether a host has written to a clone meanwhile
    nobody knows; of a finished clone no state is said.
    """
    if facts.source is None:
        return None
    info: dict[str, Any] = {
        "ReplicaType": "Clone" if facts.snapshot is None else "Snapshot",
        "ReplicaFaultDomain": "Local",
        "SourceReplica": link(uris.volume(facts.tenant, facts.source.id)),
        "WhenEstablished": facts.noun.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if facts.snapshot is not None:
        state, progress = SNAPSHOT_STATE[facts.snapshot.state.value]
        info["ReplicaState"] = state
        info["ReplicaReadOnlyAccess"] = "ReplicaElement"
        if progress is not None:
            info["ReplicaProgressStatus"] = progress
    elif facts.noun.state is VolumeState.CREATING:
        info["ReplicaState"], info["ReplicaProgressStatus"] = "Unsynchronized", "Synchronizing"
    else:
        info["ReplicaProgressStatus"] = "Completed"
    return info


def replica_targets(facts: Facts, request: Request) -> list[dict[str, str]]:
    """Its snapshots and the volumes made from it."""
    return [link(uris.volume(facts.tenant, target)) for target in facts.targets]


def replica_target_count(facts: Facts, request: Request) -> int:
    return len(facts.targets)
