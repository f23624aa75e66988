"""Snapshots."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json
from ....core.model.request import Changes, SnapshotRequest
from ..exchange import Exchange, Reply
from ..route import Route, accepted, listing

_TAG = "snapshots"
_ONE = "/v1/snapshots/{snapshot}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.snapshots.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.snapshots.get(x.path["snapshot"]))


def _create(x: Exchange, body: Any) -> Reply:
    return accepted(x.storage.snapshots.create(from_json(SnapshotRequest, body), key=x.key, dry_run=x.dry_run))


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.storage.snapshots.update(x.path["snapshot"], changes, if_version=x.if_version))


def _delete(x: Exchange, body: Any) -> Reply:
    return accepted(
        x.storage.snapshots.delete(x.path["snapshot"], key=x.key, dry_run=x.dry_run, if_version=x.if_version)
    )


ROUTES = (
    listing(
        _TAG, "/v1/snapshots", "snapshot", _list, ("name", "state", "volume", "pool"), ("created_at", "name", "size")
    ),
    Route(
        "POST",
        "/v1/snapshots",
        "create_snapshot",
        "Take a snapshot of a volume",
        _create,
        _TAG,
        202,
        "snapshot-request",
        "operation",
        keyed=True,
    ),
    Route("GET", _ONE, "get_snapshot", "One snapshot", _get, _TAG, response="snapshot"),
    Route(
        "PATCH",
        _ONE,
        "update_snapshot",
        "Rename a snapshot, or change its description or metadata",
        _update,
        _TAG,
        request="resource-changes",
        response="snapshot",
        conditional=True,
    ),
    Route(
        "DELETE",
        _ONE,
        "delete_snapshot",
        "Delete a snapshot",
        _delete,
        _TAG,
        202,
        response="operation",
        conditional=True,
        keyed=True,
    ),
)
