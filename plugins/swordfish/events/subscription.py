"""Subscriptions: who wants to be told of what, and how far they were told (schema EventDestination 1.16)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ....core.context import Context
from ....core.errors import NotFound, Stale
from ....core.model.event import Event
from ....core.model.identity import new_id, now
from ....core.model.record import Record, Records
from ..protocol.messages import versionless
from ..protocol.refusal import refuse
from .rendering import resource_type

SHARE = 32
"""Subscriptions with a destination that a tenant has at most, and a user of no tenant."""
STREAM_SECONDS = 90
"""How long a stream's subscription outlives a server that died with the stream open."""

PUSH = "RedfishEvent"
STREAM = "SSE"
_KINDS = {PUSH: "subscription", STREAM: "stream"}
_PIECE = 500


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

    @property
    def owner(self) -> str:
        """Whose share it is of: the tenant's, or the user's where there is none."""
        return _owner(self.tenant, self.user)

    def wants(self, event: Event, record: Mapping[str, Any]) -> bool:
        """Whether a record of an event is to be told; every filter that is set must let it pass."""
        message = versionless(str(record["MessageId"]))
        prefix = message.partition(".")[0]
        kind = "Task" if prefix == "TaskEvent" else resource_type(event)
        origin = record.get("OriginOfCondition", {}).get("@odata.id")
        return (
            (not self.registry_prefixes or prefix in self.registry_prefixes)
            and (not self.resource_types or kind in self.resource_types)
            and (not self.message_ids or message in map(versionless, self.message_ids))
            and (not self.severities or record["MessageSeverity"] in self.severities)
            and (not self.origins or origin in self.origins)
        )


class Subscriptions:
    """Keeps subscriptions as records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def add(self, wanted: Subscription, *, share: int = SHARE) -> Subscription:
        """Keep a new subscription, under an id of its own.

        Refuses one of which its owner would then have more than `share`, streams and destinations counted apart.
        """
        made = self._records.put(self._record(replace(wanted, id=new_id())))
        if (
            sum(_owner(one.tenant, one.body["user"]) == wanted.owner for one in self._all(made.kind, made.tenant))
            > share
        ):
            # Counted with it, so that of several at once none slips through.
            self._records.delete(made.kind, made.id)
            raise refuse(503, "EventSubscriptionLimitExceeded")
        return _of(made, self._records)

    def get(self, identifier: str) -> Subscription:
        """Raises `NotFound`."""
        for kind in _KINDS.values():
            record = self._records.get(kind, identifier)
            if record is not None:
                return _of(record, self._records)
        raise NotFound(f"There is no subscription {identifier}.")

    def exists(self, stream: str) -> bool:
        """Whether a stream's subscription is still there."""
        return self._records.get(_KINDS[STREAM], stream) is not None

    def list(self, type: str) -> Sequence[Subscription]:
        """All `PUSH` or all `STREAM` ones, in the order of their ids."""
        return [_of(record, self._records) for record in self._all(_KINDS[type], None)]

    def seen_by(self, context: Context) -> Sequence[Subscription]:
        """Those that a caller may know of: the own ones, and for administrators all."""
        return [
            one
            for kind in _KINDS.values()
            for one in (_of(record, self._records) for record in self._all(kind, context.tenant))
            if visible(one, context)
        ]

    def change(
        self, seen: Subscription, alter: Callable[[Subscription], Subscription], *, conditional: bool = False
    ) -> Subscription:
        """Alter it as it is now, whoever changes it meanwhile. Raises `NotFound`.

        A `conditional` change raises `Stale` when it is no longer what was `seen`. How far it was told is no part of
        that: no client sees it, and it goes up all the time.
        """
        current = seen
        while True:
            try:
                return _of(self._records.replace(self._record(alter(current))), self._records)
            except Stale:
                current = self.get(seen.id)
                if conditional and replace(current, delivered=seen.delivered, version=seen.version) != seen:
                    raise

    def told(self, subscription: Subscription, number: int) -> Subscription | None:
        """Note that everything up to `number` was told; the subscription as it is then, None when it is gone."""
        try:
            return self.change(subscription, lambda now: replace(now, delivered=max(now.delivered, number)))
        except NotFound:
            return None

    def renew(self, stream: Subscription) -> bool:
        """A stream is still open; whether its subscription is still there."""
        try:
            self.change(stream, lambda now: now)
        except NotFound:
            return False
        return True

    def delete(self, identifier: str) -> bool:
        """Whether there was one."""
        return any(self._records.delete(kind, identifier) for kind in _KINDS.values())

    def _all(self, kind: str, tenant: str | None) -> Iterator[Record]:
        after: str | None = None
        while records := self._records.list(kind, tenant=tenant, after=after, limit=_PIECE):
            yield from records
            after = records[-1].id

    def _record(self, one: Subscription) -> Record:
        body = asdict(one)
        for name in ("id", "tenant", "headers", "version"):
            del body[name]
        body["created_at"] = one.created_at.isoformat()
        sealed = self._records.seal("\n".join(f"{k}: {v}" for k, v in one.headers.items()).encode())
        expires = now() + timedelta(seconds=STREAM_SECONDS) if one.type == STREAM else None
        return Record(
            _KINDS[one.type],
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


def _owner(tenant: str | None, user: str) -> str:
    return tenant if tenant is not None else user


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
