"""Volumes."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json
from ....core.model.request import Changes, VolumeRequest
from ..exchange import Exchange, Reply
from ..route import Route, accepted, listing

_TAG = "volumes"
_ONE = "/v1/volumes/{volume}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.volumes.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.volumes.get(x.path["volume"]))


def _create(x: Exchange, body: Any) -> Reply:
    wanted = from_json(VolumeRequest, body)
    return accepted(x.storage.volumes.create(wanted, key=x.key, dry_run=x.dry_run))


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.storage.volumes.update(x.path["volume"], changes, if_version=x.if_version))


def _extend(x: Exchange, body: Any) -> Reply:
    return accepted(
        x.storage.volumes.extend(x.path["volume"], body["size"], key=x.key, dry_run=x.dry_run, if_version=x.if_version)
    )


def _revert(x: Exchange, body: Any) -> Reply:
    return accepted(
        x.storage.volumes.revert(
            x.path["volume"], body["snapshot"], key=x.key, dry_run=x.dry_run, if_version=x.if_version
        )
    )


def _delete(x: Exchange, body: Any) -> Reply:
    return accepted(
        x.storage.volumes.delete(
            x.path["volume"],
            with_snapshots=x.flag("with_snapshots"),
            key=x.key,
            dry_run=x.dry_run,
            if_version=x.if_version,
        )
    )


ROUTES = (
    listing(
        _TAG,
        "/v1/volumes",
        "volume",
        _list,
        ("name", "state", "profile", "pool", "identifier", "source_volume", "source_snapshot", "protocol"),
        ("created_at", "name", "size"),
    ),
    Route(
        "POST",
        "/v1/volumes",
        "create_volume",
        "Make a volume: empty, from a snapshot, or as a clone",
        _create,
        _TAG,
        202,
        "volume-request",
        "operation",
        keyed=True,
    ),
    Route("GET", _ONE, "get_volume", "One volume", _get, _TAG, response="volume"),
    Route(
        "PATCH",
        _ONE,
        "update_volume",
        "Rename a volume, or change its description, metadata or protection",
        _update,
        _TAG,
        request="volume-changes",
        response="volume",
        conditional=True,
    ),
    Route(
        "DELETE",
        _ONE,
        "delete_volume",
        "Delete a volume",
        _delete,
        _TAG,
        202,
        response="operation",
        conditional=True,
        keyed=True,
        parameters={
            "with_snapshots": {"type": "boolean", "default": False, "description": "Its snapshots go with it."}
        },
    ),
    Route(
        "POST",
        f"{_ONE}/extend",
        "extend_volume",
        "Grow a volume",
        _extend,
        _TAG,
        202,
        "extend-request",
        "operation",
        conditional=True,
        keyed=True,
    ),
    Route(
        "POST",
        f"{_ONE}/revert",
        "revert_volume",
        "Bring a detached volume back to the content of a snapshot",
        _revert,
        _TAG,
        202,
        "revert-request",
        "operation",
        conditional=True,
        keyed=True,
    ),
)
