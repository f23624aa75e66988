"""Attachments."""

from __future__ import annotations

from typing import Any

from ....core.model.codec import from_json
from ....core.model.request import AttachmentRequest, Changes
from ..exchange import Exchange, Reply
from ..route import Route, accepted, listing

_TAG = "attachments"
_ONE = "/v1/attachments/{attachment}"


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.attachments.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.attachments.get(x.path["attachment"]))


def _create(x: Exchange, body: Any) -> Reply:
    return accepted(x.storage.attachments.create(from_json(AttachmentRequest, body), key=x.key, dry_run=x.dry_run))


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.storage.attachments.update(x.path["attachment"], changes, if_version=x.if_version))


def _connection(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.attachments.connection(x.path["attachment"]))


def _delete(x: Exchange, body: Any) -> Reply:
    return accepted(
        x.storage.attachments.delete(x.path["attachment"], key=x.key, dry_run=x.dry_run, if_version=x.if_version)
    )


ROUTES = (
    listing(
        _TAG,
        "/v1/attachments",
        "attachment",
        _list,
        ("state", "volume", "host", "mode", "protocol"),
        ("created_at",),
    ),
    Route(
        "POST",
        "/v1/attachments",
        "create_attachment",
        "Make a volume reachable for a host",
        _create,
        _TAG,
        202,
        "attachment-request",
        "operation",
        keyed=True,
    ),
    Route("GET", _ONE, "get_attachment", "One attachment, without secrets", _get, _TAG, response="attachment"),
    Route(
        "GET",
        f"{_ONE}/connection",
        "get_connection",
        "How the host reaches the volume, secrets included; for the owner and services",
        _connection,
        _TAG,
        response="connection",
    ),
    Route(
        "PATCH",
        _ONE,
        "update_attachment",
        "Change an attachment's metadata",
        _update,
        _TAG,
        request="metadata-changes",
        response="attachment",
        conditional=True,
    ),
    Route(
        "DELETE",
        _ONE,
        "delete_attachment",
        "Detach: the host's sessions end",
        _delete,
        _TAG,
        202,
        response="operation",
        conditional=True,
        keyed=True,
    ),
)
