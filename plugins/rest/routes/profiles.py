"""Profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ....core.model.codec import from_json
from ....core.model.opensds import OPENSDS_NAMES, wanted
from ....core.model.request import Changes, ProfileRequest
from ..exchange import Exchange, Reply
from ..route import Route, listing, made

_TAG = "profiles"
_ONE = "/v1/profiles/{profile}"
_NO_NAMES_OF_OPENSDS = ("is_default", "tenants", "metadata")


def _list(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.profiles.list(x.query()))


def _get(x: Exchange, body: Any) -> Reply:
    return Reply(x.storage.profiles.get(x.path["profile"]))


def _create(x: Exchange, body: Any) -> Reply:
    profile = x.storage.profiles.create(_request(body))
    return made(profile, f"/v1/profiles/{profile.id}")


def _request(body: Mapping[str, Any]) -> ProfileRequest:
    """In our form, or in OpenSDS's, where what that has no name for stands under ours."""
    request = from_json(ProfileRequest, body)
    if OPENSDS_NAMES.isdisjoint(body):
        return request
    document = wanted({name: value for name, value in body.items() if name not in _NO_NAMES_OF_OPENSDS})
    return replace(request, storage_type=document.storage_type, properties=document.properties)


def _update(x: Exchange, body: Any) -> Reply:
    changes = from_json(Changes, body)
    return Reply(x.storage.profiles.update(x.path["profile"], changes, if_version=x.if_version))


def _delete(x: Exchange, body: Any) -> Reply:
    x.storage.profiles.delete(x.path["profile"], if_version=x.if_version)
    return Reply(status=204)


ROUTES = (
    listing(_TAG, "/v1/profiles", "profile", _list, ("name", "storage_type", "is_default"), ("created_at", "name")),
    Route("POST", "/v1/profiles", "create_profile", "Make a profile", _create, _TAG, 201, "profile-request", "profile"),
    Route("GET", _ONE, "get_profile", "One profile, by id or name", _get, _TAG, response="profile"),
    Route(
        "PATCH",
        _ONE,
        "update_profile",
        "Change a profile; volumes that exist stay where they are",
        _update,
        _TAG,
        request="profile-changes",
        response="profile",
        conditional=True,
    ),
    Route("DELETE", _ONE, "delete_profile", "Delete a profile", _delete, _TAG, 204, conditional=True),
)
