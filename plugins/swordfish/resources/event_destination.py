"""Subscriptions of the event service (schema EventDestination)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ....core.errors import NotFound
from ....core.model.identity import now
from .. import uris
from ..events.rendering import RESOURCE_TYPES
from ..events.subscription import PUSH, STREAM, Subscription, visible
from ..protocol.messages import TABLE, versionless
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import NULL, Action, Body, Collection, Creation, Outcome, Property, Resource, Window
from ..protocol.windows import window_of
from ..uris import link
from .event_service import PREFIXES, SEVERITIES

_POLICIES = ("TerminateAfterRetries", "SuspendRetries", "RetryForever", "RetryForeverWithBackoff")
_CONTEXT = {"type": ["string", "null"], "maxLength": 1000}
_VERIFY = {"type": "boolean"}
_POLICY = {"enum": list(_POLICIES)}
_HEADERS = {
    "type": "array",
    "maxItems": 20,
    "items": {
        "type": "object",
        "maxProperties": 20,
        "propertyNames": {"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"},
        "additionalProperties": {"type": "string", "pattern": "^[\\t\\x20-\\x7e]{0,4000}$"},
    },
}


def _some(*values: str) -> dict[str, Any]:
    return {"type": "array", "maxItems": 50, "items": {"enum": list(values)}}


_CREATION = Body(
    {
        "Destination": {"type": "string", "minLength": 1, "maxLength": 2000},
        "Protocol": {"enum": ["Redfish"]},
        "Context": _CONTEXT,
        "SubscriptionType": {"enum": [PUSH]},
        "EventFormatType": {"enum": ["Event", "MetricReport"]},
        "RegistryPrefixes": _some(*PREFIXES),
        "ResourceTypes": _some(*RESOURCE_TYPES),
        "Severities": _some(*SEVERITIES),
        "MessageIds": {"type": "array", "maxItems": 50, "items": {"type": "string", "pattern": r"^[A-Za-z.0-9]+$"}},
        "OriginResources": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["@odata.id"],
                "additionalProperties": False,
                "properties": {"@odata.id": {"type": "string"}},
            },
        },
        "DeliveryRetryPolicy": _POLICY,
        "VerifyCertificate": _VERIFY,
        "HttpHeaders": _HEADERS,
    },
    required=("Destination", "Protocol"),
)


def _load(request: Request) -> Subscription:
    found = request.service.subscriptions.get(request.params["subscription"])
    if not visible(found, request.context):
        raise NotFound(f"There is no subscription {found.id}.")
    return found


def _list(request: Request, after: str | None, limit: int) -> Window:
    seen = request.service.subscriptions.seen_by(request.context)
    return window_of([uris.subscription(one.id) for one in seen], after, limit)


def _create(request: Request, values: Mapping[str, Any]) -> str:
    destination = _checked(values["Destination"])
    _check_messages(values.get("MessageIds", ()))
    context = request.context
    made = request.service.subscriptions.add(
        Subscription(
            id="",
            type=PUSH,
            user=context.user,
            tenant=context.tenant,
            roles=tuple(sorted(context.roles)),
            created_at=now(),
            destination=destination,
            context=values.get("Context"),
            format=values.get("EventFormatType", "Event"),
            registry_prefixes=tuple(values.get("RegistryPrefixes", ())),
            resource_types=tuple(values.get("ResourceTypes", ())),
            severities=tuple(values.get("Severities", ())),
            message_ids=tuple(values.get("MessageIds", ())),
            origins=tuple(one["@odata.id"].rstrip("/") for one in values.get("OriginResources", ())),
            retry_policy=values.get("DeliveryRetryPolicy", _POLICIES[0]),
            verify_certificate=values.get("VerifyCertificate", True),
            headers=_joined(values.get("HttpHeaders", ())),
            delivered=request.storage.events.newest(),
        )
    )
    return uris.subscription(made.id)


def _checked(destination: str) -> str:
    """A URL that events can be sent to."""
    try:
        parts = urlsplit(destination)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username is not None or not destination.isascii() or not destination.isprintable():
        # The value is not repeated: it may hold a password.
        raise refuse(
            400,
            "PropertyValueError",
            "Destination",
            related=("/Destination",),
            resolution="Send an http or https URL without credentials in it.",
        )
    return destination


def _check_messages(message_ids: Sequence[str]) -> None:
    """Refuse with 400 ids of messages that are never told."""
    for number, one in enumerate(message_ids):
        prefix, _, key = versionless(one).partition(".")
        if prefix not in PREFIXES or key not in TABLE[prefix]["messages"]:
            known = (f"{prefix}.{key}" for prefix in PREFIXES for key in TABLE[prefix]["messages"])
            place = f"MessageIds/{number}"
            advice = f"Name one of {', '.join(known)}, with or without a version."
            raise refuse(400, "PropertyValueNotInList", one[:100], place, related=(f"/{place}",), resolution=advice)


def _joined(headers: Any) -> dict[str, str]:
    return {name: value for each in headers for name, value in each.items()}


def _update(request: Request, one: Subscription, changes: Mapping[str, Any]) -> Outcome:
    values: dict[str, Any] = {}
    if "Context" in changes:
        values["context"] = changes["Context"]
    if "DeliveryRetryPolicy" in changes:
        values["retry_policy"] = changes["DeliveryRetryPolicy"]
    if "VerifyCertificate" in changes:
        values["verify_certificate"] = changes["VerifyCertificate"]
    if "HttpHeaders" in changes:
        values["headers"] = _joined(changes["HttpHeaders"])
    return _changed(request, one, **values)


def _changed(request: Request, one: Subscription, **values: Any) -> Outcome:
    conditional = request.expected(one) is not None
    request.service.subscriptions.change(one, lambda now: replace(now, **values), conditional=conditional)
    return None


def _delete(request: Request, one: Subscription) -> Outcome:
    request.service.subscriptions.delete(one.id)
    return None


def _suspend(suspended: bool) -> Any:
    def run(request: Request, one: Subscription, values: Mapping[str, Any]) -> Outcome:
        return _changed(request, one, suspended=suspended)

    return run


def _push(one: Subscription, request: Request) -> bool:
    return one.type == PUSH


EVENT_DESTINATION = Resource(
    type="EventDestination",
    version="v1_16_0",
    path=uris.subscription("{subscription}"),
    load=_load,
    id_of=lambda one: str(one.id),
    name=lambda one, request: "Event stream" if one.type == STREAM else "Event subscription",
    update=_update,
    delete=_delete,
    actions=(
        Action("EventDestination.SuspendSubscription", Body({}), _suspend(True), _push),
        Action("EventDestination.ResumeSubscription", Body({}), _suspend(False), _push),
    ),
    properties=(
        Property("SubscriptionType", lambda one, request: one.type),
        Property("Protocol", lambda one, request: "Redfish"),
        Property("Context", lambda one, request: NULL if one.context is None else one.context, write=_CONTEXT),
        Property("Destination", lambda one, request: one.destination),
        Property("EventFormatType", lambda one, request: one.format),
        Property("RegistryPrefixes", lambda one, request: list(one.registry_prefixes) or None),
        Property("ResourceTypes", lambda one, request: list(one.resource_types) or None),
        Property("Severities", lambda one, request: list(one.severities) or None),
        Property("MessageIds", lambda one, request: list(one.message_ids) or None),
        Property("OriginResources", lambda one, request: [link(uri) for uri in one.origins] or None),
        Property(
            "DeliveryRetryPolicy",
            lambda one, request: one.retry_policy if one.type == PUSH else None,
            write=_POLICY,
        ),
        Property(
            "VerifyCertificate",
            lambda one, request: one.verify_certificate if one.type == PUSH else None,
            write=_VERIFY,
        ),
        # Shown empty whatever was sent: they may hold credentials.
        Property("HttpHeaders", lambda one, request: [] if one.type == PUSH else None, write=_HEADERS),
        Property("Status", lambda one, request: {"State": "Disabled" if one.suspended else "Enabled", "Health": "OK"}),
    ),
)

EVENT_DESTINATIONS = Collection(
    type="EventDestinationCollection",
    path=uris.SUBSCRIPTIONS,
    name="Event subscriptions",
    list=_list,
    uri_of=lambda one, request: uris.subscription(one.id),
    member=EVENT_DESTINATION,
    creation=Creation(_CREATION, _create),
)

SERVED = (EVENT_DESTINATIONS, EVENT_DESTINATION)
