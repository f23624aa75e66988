"""The event service: what can be subscribed to, and how (DSP0266, Eventing)."""

from __future__ import annotations

from .. import uris
from ..events.rendering import RESOURCE_TYPES
from ..events.retries import ATTEMPTS, INTERVAL
from ..events.streaming import STREAM_ENDPOINT
from ..protocol.resource import Property, Resource
from ..uris import link

PREFIXES = ("ResourceEvent", "TaskEvent")
SEVERITIES = ("OK", "Warning", "Critical")
_NO_FILTERS = {
    "EventFormatType": False,
    "MessageId": False,
    "MetricReportDefinition": False,
    "OriginResource": False,
    "RegistryPrefix": False,
    "ResourceType": False,
    "SubordinateResources": False,
}

EVENT_SERVICE = Resource(
    type="EventService",
    version="v1_12_0",
    path=uris.EVENT_SERVICE,
    load=lambda request: None,
    name=lambda noun, request: "Events",
    properties=(
        Property("ServiceEnabled", lambda noun, request: True),
        Property("Status", lambda noun, request: {"State": "Enabled", "Health": "OK"}),
        Property("DeliveryRetryAttempts", lambda noun, request: ATTEMPTS),
        Property("DeliveryRetryIntervalSeconds", lambda noun, request: int(INTERVAL)),
        Property("EventFormatTypes", lambda noun, request: ["Event", "MetricReport"]),
        Property("RegistryPrefixes", lambda noun, request: list(PREFIXES)),
        Property("ResourceTypes", lambda noun, request: list(RESOURCE_TYPES)),
        Property("Severities", lambda noun, request: list(SEVERITIES)),
        Property("OriginResourcesSupported", lambda noun, request: True),
        Property("SubordinateResourcesSupported", lambda noun, request: False),
        Property("IncludeOriginOfConditionSupported", lambda noun, request: False),
        Property("ExcludeMessageId", lambda noun, request: False),
        Property("ExcludeRegistryPrefix", lambda noun, request: False),
        Property("ServerSentEventUri", lambda noun, request: uris.SSE),
        Property("SSEFilterPropertiesSupported", lambda noun, request: _NO_FILTERS),
        Property("Subscriptions", lambda noun, request: link(uris.SUBSCRIPTIONS)),
    ),
)

SERVED = (EVENT_SERVICE, STREAM_ENDPOINT)
