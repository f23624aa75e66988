"""The contract `Storage` over REST."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ...core.errors import Invalid
from ...core.model.attachment import Attachment, Connection
from ...core.model.description import Description, Explanation
from ...core.model.event import Event
from ...core.model.host import Host
from ...core.model.measurement import Measurement
from ...core.model.message import Message
from ...core.model.operation import Operation
from ...core.model.page import Page, Query
from ...core.model.pool import Pool
from ...core.model.profile import Profile
from ...core.model.request import (
    AttachmentRequest,
    Changes,
    HostRequest,
    ProfileRequest,
    SnapshotRequest,
    VolumeRequest,
)
from ...core.model.snapshot import Snapshot
from ...core.model.tenant import Limit
from ...core.model.volume import Volume
from ..contract import storage as contract
from .bound import Bound, Caller, given, part, read
from .feed import RemoteFeed

_PAUSE = 0.5
"""Seconds from one question to the next while a server does not let the caller wait."""


class _Volumes(Bound):
    def list(self, query: Query | None = None) -> Page[Volume]:
        return self._caller.many(Volume, "/v1/volumes", query)

    def get(self, volume: str) -> Volume:
        return self._caller.one(Volume, "GET", f"/v1/volumes/{part(volume)}")

    def create(self, wanted: VolumeRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        return self._caller.operation("POST", "/v1/volumes", body=given(wanted), key=key, dry_run=dry_run)

    def update(self, volume: str, changes: Changes, *, if_version: int | None = None) -> Volume:
        return self._caller.one(
            Volume, "PATCH", f"/v1/volumes/{part(volume)}", body=given(changes), if_version=if_version
        )

    def extend(
        self,
        volume: str,
        size: int,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        return self._caller.operation(
            "POST",
            f"/v1/volumes/{part(volume)}/extend",
            body={"size": size},
            key=key,
            dry_run=dry_run,
            if_version=if_version,
        )

    def revert(
        self,
        volume: str,
        snapshot: str,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        return self._caller.operation(
            "POST",
            f"/v1/volumes/{part(volume)}/revert",
            body={"snapshot": snapshot},
            key=key,
            dry_run=dry_run,
            if_version=if_version,
        )

    def delete(
        self,
        volume: str,
        *,
        with_snapshots: bool = False,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        return self._caller.operation(
            "DELETE",
            f"/v1/volumes/{part(volume)}",
            query={"with_snapshots": with_snapshots or None},
            key=key,
            dry_run=dry_run,
            if_version=if_version,
        )


class _Snapshots(Bound):
    def list(self, query: Query | None = None) -> Page[Snapshot]:
        return self._caller.many(Snapshot, "/v1/snapshots", query)

    def get(self, snapshot: str) -> Snapshot:
        return self._caller.one(Snapshot, "GET", f"/v1/snapshots/{part(snapshot)}")

    def create(self, wanted: SnapshotRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        return self._caller.operation("POST", "/v1/snapshots", body=given(wanted), key=key, dry_run=dry_run)

    def update(self, snapshot: str, changes: Changes, *, if_version: int | None = None) -> Snapshot:
        return self._caller.one(
            Snapshot, "PATCH", f"/v1/snapshots/{part(snapshot)}", body=given(changes), if_version=if_version
        )

    def delete(
        self, snapshot: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        return self._caller.operation(
            "DELETE", f"/v1/snapshots/{part(snapshot)}", key=key, dry_run=dry_run, if_version=if_version
        )


class _Hosts(Bound):
    def list(self, query: Query | None = None) -> Page[Host]:
        return self._caller.many(Host, "/v1/hosts", query)

    def get(self, host: str) -> Host:
        return self._caller.one(Host, "GET", f"/v1/hosts/{part(host)}")

    def create(self, wanted: HostRequest) -> Host:
        return self._caller.one(Host, "POST", "/v1/hosts", body=given(wanted))

    def ensure(self, wanted: HostRequest) -> Host:
        return self._caller.one(Host, "POST", "/v1/hosts/ensure", body=given(wanted))

    def update(self, host: str, changes: Changes, *, if_version: int | None = None) -> Host:
        return self._caller.one(Host, "PATCH", f"/v1/hosts/{part(host)}", body=given(changes), if_version=if_version)

    def delete(self, host: str, *, if_version: int | None = None) -> None:
        self._caller.ask("DELETE", f"/v1/hosts/{part(host)}", if_version=if_version)


class _Attachments(Bound):
    def list(self, query: Query | None = None) -> Page[Attachment]:
        return self._caller.many(Attachment, "/v1/attachments", query)

    def get(self, attachment: str) -> Attachment:
        return self._caller.one(Attachment, "GET", f"/v1/attachments/{part(attachment)}")

    def create(self, wanted: AttachmentRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        return self._caller.operation("POST", "/v1/attachments", body=given(wanted), key=key, dry_run=dry_run)

    def update(self, attachment: str, changes: Changes, *, if_version: int | None = None) -> Attachment:
        return self._caller.one(
            Attachment, "PATCH", f"/v1/attachments/{part(attachment)}", body=given(changes), if_version=if_version
        )

    def connection(self, attachment: str) -> Connection:
        return self._caller.one(Connection, "GET", f"/v1/attachments/{part(attachment)}/connection")

    def delete(
        self, attachment: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        return self._caller.operation(
            "DELETE", f"/v1/attachments/{part(attachment)}", key=key, dry_run=dry_run, if_version=if_version
        )


class _Pools(Bound):
    def list(self, query: Query | None = None) -> Page[Pool]:
        return self._caller.many(Pool, "/v1/pools", query)

    def get(self, pool: str) -> Pool:
        return self._caller.one(Pool, "GET", f"/v1/pools/{part(pool)}")

    def update(self, pool: str, changes: Changes, *, if_version: int | None = None) -> Pool:
        return self._caller.one(Pool, "PATCH", f"/v1/pools/{part(pool)}", body=given(changes), if_version=if_version)


class _Profiles(Bound):
    def list(self, query: Query | None = None) -> Page[Profile]:
        return self._caller.many(Profile, "/v1/profiles", query)

    def get(self, profile: str) -> Profile:
        return self._caller.one(Profile, "GET", f"/v1/profiles/{part(profile)}")

    def create(self, wanted: ProfileRequest) -> Profile:
        return self._caller.one(Profile, "POST", "/v1/profiles", body=given(wanted))

    def update(self, profile: str, changes: Changes, *, if_version: int | None = None) -> Profile:
        return self._caller.one(
            Profile, "PATCH", f"/v1/profiles/{part(profile)}", body=given(changes), if_version=if_version
        )

    def delete(self, profile: str, *, if_version: int | None = None) -> None:
        self._caller.ask("DELETE", f"/v1/profiles/{part(profile)}", if_version=if_version)


class _Operations(Bound):
    def list(self, query: Query | None = None) -> Page[Operation]:
        return self._caller.many(Operation, "/v1/operations", query)

    def get(self, operation: str) -> Operation:
        return self._caller.one(Operation, "GET", f"/v1/operations/{part(operation)}")

    def wait(self, operation: str, timeout: float = 30.0) -> Operation:
        until = time.monotonic() + max(0.0, min(timeout, 30.0))
        while True:
            seconds = round(max(0.0, until - time.monotonic()), 3)
            path, began = f"/v1/operations/{part(operation)}", time.monotonic()
            found = self._caller.one(Operation, "GET", path, query={"wait": seconds})
            left = until - time.monotonic()
            if not found.state.live or left <= 0:
                return found
            # A server at which many wait already answers at once; it is asked again later, not in a circle.
            time.sleep(max(0.0, min(left, _PAUSE - (time.monotonic() - began))))

    def cancel(self, operation: str) -> Operation:
        return self._caller.one(Operation, "POST", f"/v1/operations/{part(operation)}/cancel")

    def retry(self, operation: str) -> Operation:
        return self._caller.one(Operation, "POST", f"/v1/operations/{part(operation)}/retry")

    def abandon(self, operation: str) -> Operation:
        return self._caller.one(Operation, "POST", f"/v1/operations/{part(operation)}/abandon")

    def explain(self, request_id: str) -> Explanation:
        return self._caller.one(Explanation, "GET", f"/v1/explanations/{part(request_id)}")


class _Messages(Bound):
    def list(self, query: Query | None = None) -> Page[Message]:
        return self._caller.many(Message, "/v1/messages", query)


class _Events(Bound):
    def newest(self) -> int:
        return int(self._caller.ask("GET", "/v1/events/newest")["number"])

    def after(self, number: int, limit: int = 100) -> Sequence[Event]:
        answer = self._caller.ask("GET", "/v1/events", query={"after": number, "limit": limit})
        return [read(Event, item) for item in answer["items"]]

    def stream(self, after: int | None = None, *, render: Callable[[Event], bytes]) -> contract.Feed:
        return RemoteFeed(self._caller, after, render)


class _Limits(Bound):
    def list(self) -> Sequence[Limit]:
        return [read(Limit, item) for item in self._caller.ask("GET", "/v1/limits")["items"]]


class _Metrics(Bound):
    def volume(self, volume: str) -> Measurement:
        return self._caller.one(Measurement, "GET", f"/v1/volumes/{part(volume)}/metrics")

    def pool(self, pool: str) -> Measurement:
        return self._caller.one(Measurement, "GET", f"/v1/pools/{part(pool)}/metrics")

    def history(self, resource_type: str, resource: str) -> Sequence[Measurement]:
        if resource_type not in ("volume", "pool"):
            raise Invalid("Only volumes and pools are measured.", field="resource_type")
        answer = self._caller.ask("GET", f"/v1/{resource_type}s/{part(resource)}/metrics/history")
        return [read(Measurement, item) for item in answer["items"]]


class RemoteStorage:
    """What an Isthmus elsewhere offers to platforms."""

    def __init__(self, caller: Caller) -> None:
        self.context = caller.context
        self._caller = caller
        self.volumes: contract.Volumes = _Volumes(caller)
        self.snapshots: contract.Snapshots = _Snapshots(caller)
        self.hosts: contract.Hosts = _Hosts(caller)
        self.attachments: contract.Attachments = _Attachments(caller)
        self.pools: contract.Pools = _Pools(caller)
        self.profiles: contract.Profiles = _Profiles(caller)
        self.operations: contract.Operations = _Operations(caller)
        self.messages: contract.Messages = _Messages(caller)
        self.events: contract.Events = _Events(caller)
        self.limits: contract.Limits = _Limits(caller)
        self.metrics: contract.Metrics = _Metrics(caller)

    def describe(self) -> Description:
        return self._caller.one(Description, "GET", "/v1")
