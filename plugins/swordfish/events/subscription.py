"""Subscriptions: who wants to be told of what, and how far they were told (schema EventDestination 1.16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ....core.context import Context
from ....core.errors import NotFound, Stale
from ....core.model.event import Event
from ....core.model.identity import new_id, now
from ....core.model.record import Record, Records
from .rendering import resource_type

KIND = "subscription"
MOST = 64
"""Subscriptions at a time, over all users; beyond it `EventSubscriptionLimitExceeded`."""
STREAM_SECONDS = 90
"""How long a stream's subscription outlives a server that died with the stream open."""

PUSH = "RedfishEvent"
STREAM = "SSE"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a client asked to be told. `headers` are sent with each delivery and never shown again.

    `delivered` is the number of the last event that was told or passed over. `suspended` deliveries wait for the
    client to resume them. The user's rights at the time of telling count, not those at the time of asking.
    """

    id: str
    type: str
    user: str
    tenant: str | None
    roles: tuple[str, ...]
    created_at: datetime
    context: str | None = None
    destination: str | None = None
    format: str = "Event"
    registry_prefixes: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    retry_policy: str = "TerminateAfterRetries"
    verify_certificate: bool = True
    delivered: int = 0
    suspended: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    version: int = 1

    def wants(self, event: Event, record: Mapping[str, Any]) -> bool:
        """Whether a record of an event is to be told; every filter that is set must let it pass."""
        prefix, _, rest = str(record["MessageId"]).partition(".")
        key = rest.rpartition(".")[2]
        kind = "Task" if prefix == "TaskEvent" else resource_type(event)
        origin = record.get("OriginOfCondition", {}).get("@odata.id")
        return (
            (not self.registry_prefixes or prefix in self.registry_prefixes)
            and (not self.resource_types or kind in self.resource_types)
            and (not self.message_ids or f"{prefix}.{key}" in self.message_ids)
            and (not self.severities or record["MessageSeverity"] in self.severities)
            and (not self.origins or origin in self.origins)
        )


class Subscriptions:
    """Keeps subscriptions as records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def add(self, wanted: Subscription) -> Subscription:
        """Keep a new subscription, under an id of its own."""
        return _of(self._records.put(self._record(replace(wanted, id=new_id()))), self._records)

    def get(self, identifier: str) -> Subscription:
        """Raises `NotFound`."""
        record = self._records.get(KIND, identifier)
        if record is None:
            raise NotFound(f"There is no subscription {identifier}.")
        return _of(record, self._records)

    def exists(self, identifier: str) -> bool:
        """Whether the subscription is still there."""
        return self._records.get(KIND, identifier) is not None

    def list(self) -> Sequence[Subscription]:
        """All of them, in the order of their ids; `MOST` at most."""
        return [_of(record, self._records) for record in self._records.list(KIND, limit=2 * MOST)]

    def seen_by(self, context: Context) -> Sequence[Subscription]:
        """Those that a caller may know of: the own ones, and for administrators all."""
        return [one for one in self.list() if visible(one, context)]

    def replace(self, changed: Subscription) -> Subscription:
        """Raises `Stale` or `NotFound`."""
        return _of(self._records.replace(self._record(changed)), self._records)

    def told(self, subscription: Subscription, number: int) -> Subscription | None:
        """Note that everything up to `number` was told; None when the subscription is gone or was changed."""
        try:
            return self.replace(replace(subscription, delivered=number))
        except (Stale, NotFound):
            return None

    def renew(self, subscription: Subscription) -> Subscription | None:
        """A stream is still open; None when its subscription is gone."""
        try:
            return self.replace(subscription)
        except (Stale, NotFound):
            return None

    def delete(self, identifier: str) -> bool:
        """Whether there was one."""
        return self._records.delete(KIND, identifier)

    def _record(self, one: Subscription) -> Record:
        body = asdict(one)
        for name in ("id", "tenant", "headers", "version"):
            del body[name]
        body["created_at"] = one.created_at.isoformat()
        sealed = self._records.seal("\n".join(f"{k}: {v}" for k, v in one.headers.items()).encode())
        expires = now() + timedelta(seconds=STREAM_SECONDS) if one.type == STREAM else None
        return Record(
            KIND,
            one.id,
            body=body,
            tenant=one.tenant,
            sealed=sealed if one.headers else None,
            expires_at=expires,
            version=one.version,
        )


def visible(one: Subscription, context: Context) -> bool:
    """Whether a caller may know of a subscription."""
    return one.user == context.user or (context.is_admin and context.tenant is None)


def _of(record: Record, records: Records) -> Subscription:
    body = dict(record.body)
    body["created_at"] = datetime.fromisoformat(body["created_at"])
    for name in ("roles", "registry_prefixes", "resource_types", "message_ids", "severities", "origins"):
        body[name] = tuple(body[name])
    headers: dict[str, str] = {}
    if record.sealed is not None:
        lines = records.open(record.sealed).decode().splitlines()
        headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    return Subscription(id=record.id, tenant=record.tenant, headers=headers, version=record.version, **body)
