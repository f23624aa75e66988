"""Nouns for tests: valid, with what a test cares about said by name."""

from __future__ import annotations

from typing import Any

from isthmus.core.context import Context
from isthmus.core.model.host import Host, Initiator
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.model.snapshot import Snapshot, SnapshotState
from isthmus.core.model.volume import Volume, VolumeState


def make_volume(**said: Any) -> Volume:
    values: dict[str, Any] = {
        "id": new_id(),
        "tenant": "acme",
        "name": "db1",
        "size": 1 << 30,
        "profile": "gold",
        "state": VolumeState.AVAILABLE,
        "protocol": "iscsi",
        "created_at": now(),
        "updated_at": now(),
    }
    return Volume(**values | said)


def make_snapshot(volume: Volume, **said: Any) -> Snapshot:
    values: dict[str, Any] = {
        "id": new_id(),
        "tenant": volume.tenant,
        "volume": volume.id,
        "name": "before",
        "size": volume.size,
        "state": SnapshotState.AVAILABLE,
        "created_at": now(),
        "updated_at": now(),
    }
    return Snapshot(**values | said)


def make_pool(**said: Any) -> Pool:
    values: dict[str, Any] = {
        "id": new_id(),
        "backend": "array",
        "name": "fast",
        "state": PoolState.AVAILABLE,
        "zone": None,
        "total": 100 << 30,
        "used": 0,
        "ours": 0,
        "provisioned": 0,
        "granularity": 1,
        "thin": True,
        "thick": True,
        "ratio": 1.0,
        "reserve": 0.0,
        "protocols": ("iscsi",),
        "abilities": (),
        "created_at": now(),
        "updated_at": now(),
    }
    return Pool(**values | said)


def make_host(*initiators: str, **said: Any) -> Host:
    values: dict[str, Any] = {
        "id": new_id(),
        "tenant": "acme",
        "name": "web1",
        "created_at": now(),
        "updated_at": now(),
        "initiators": tuple(Initiator("iscsi", name) for name in initiators),
    }
    return Host(**values | said)


def make_context(tenant: str | None = "acme") -> Context:
    return Context(tenant, "ann", frozenset({"member"}))
