"""The engine's services as the contract `Storage`, bound to a context."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ... import __version__
from ...core.context import Context
from ...core.engine.engine import Engine
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
from ..contract.storage import Feed
from .bound import Bound

_OFFERS = (
    "volumes",
    "volumes.from_snapshot",
    "volumes.clone",
    "volumes.extend",
    "volumes.revert",
    "volumes.protection",
    "snapshots",
    "hosts",
    "attachments",
    "pools",
    "profiles",
    "operations",
    "messages",
    "events",
    "limits",
    "metrics.volume",
    "metrics.pool",
)


class _Volumes(Bound):
    def list(self, query: Query | None = None) -> Page[Volume]:
        return self._engine.volumes.list(self._context, query)

    def get(self, volume: str) -> Volume:
        return self._engine.volumes.get(self._context, volume)

    def create(self, wanted: VolumeRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        return self._engine.volumes.create(self._context, wanted, key=key, dry_run=dry_run)

    def update(self, volume: str, changes: Changes, *, if_version: int | None = None) -> Volume:
        return self._engine.volumes.update(self._context, volume, changes, if_version=if_version)

    def extend(
        self, volume: str, size: int, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        return self._engine.volumes.extend(self._context, volume, size, key=key, dry_run=dry_run, if_version=if_version)

    def revert(
        self,
        volume: str,
        snapshot: str,
        *,
        key: str | None = None,
        dry_run: bool = False,
        if_version: int | None = None,
    ) -> Operation:
        return self._engine.volumes.revert(
            self._context, volume, snapshot, key=key, dry_run=dry_run, if_version=if_version
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
        return self._engine.volumes.delete(
            self._context, volume, with_snapshots=with_snapshots, key=key, dry_run=dry_run, if_version=if_version
        )


class _Snapshots(Bound):
    def list(self, query: Query | None = None) -> Page[Snapshot]:
        return self._engine.snapshots.list(self._context, query)

    def get(self, snapshot: str) -> Snapshot:
        return self._engine.snapshots.get(self._context, snapshot)

    def create(self, wanted: SnapshotRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        return self._engine.snapshots.create(self._context, wanted, key=key, dry_run=dry_run)

    def update(self, snapshot: str, changes: Changes, *, if_version: int | None = None) -> Snapshot:
        return self._engine.snapshots.update(self._context, snapshot, changes, if_version=if_version)

    def delete(
        self, snapshot: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        return self._engine.snapshots.delete(self._context, snapshot, key=key, dry_run=dry_run, if_version=if_version)


class _Hosts(Bound):
    def list(self, query: Query | None = None) -> Page[Host]:
        return self._engine.hosts.list(self._context, query)

    def get(self, host: str) -> Host:
        return self._engine.hosts.get(self._context, host)

    def create(self, wanted: HostRequest) -> Host:
        return self._engine.hosts.create(self._context, wanted)

    def ensure(self, wanted: HostRequest) -> Host:
        return self._engine.hosts.ensure(self._context, wanted)

    def update(self, host: str, changes: Changes, *, if_version: int | None = None) -> Host:
        return self._engine.hosts.update(self._context, host, changes, if_version=if_version)

    def delete(self, host: str, *, if_version: int | None = None) -> None:
        self._engine.hosts.delete(self._context, host, if_version=if_version)


class _Attachments(Bound):
    def list(self, query: Query | None = None) -> Page[Attachment]:
        return self._engine.attachments.list(self._context, query)

    def get(self, attachment: str) -> Attachment:
        return self._engine.attachments.get(self._context, attachment)

    def create(self, wanted: AttachmentRequest, *, key: str | None = None, dry_run: bool = False) -> Operation:
        return self._engine.attachments.create(self._context, wanted, key=key, dry_run=dry_run)

    def update(self, attachment: str, changes: Changes, *, if_version: int | None = None) -> Attachment:
        return self._engine.attachments.update(self._context, attachment, changes, if_version=if_version)

    def connection(self, attachment: str) -> Connection:
        return self._engine.attachments.connection(self._context, attachment)

    def delete(
        self, attachment: str, *, key: str | None = None, dry_run: bool = False, if_version: int | None = None
    ) -> Operation:
        return self._engine.attachments.delete(
            self._context, attachment, key=key, dry_run=dry_run, if_version=if_version
        )


class _Pools(Bound):
    def list(self, query: Query | None = None) -> Page[Pool]:
        return self._engine.pools.list(self._context, query)

    def get(self, pool: str) -> Pool:
        return self._engine.pools.get(self._context, pool)

    def update(self, pool: str, changes: Changes, *, if_version: int | None = None) -> Pool:
        return self._engine.pools.update(self._context, pool, changes, if_version=if_version)


class _Profiles(Bound):
    def list(self, query: Query | None = None) -> Page[Profile]:
        return self._engine.profiles.list(self._context, query)

    def get(self, profile: str) -> Profile:
        return self._engine.profiles.get(self._context, profile)

    def create(self, wanted: ProfileRequest) -> Profile:
        return self._engine.profiles.create(self._context, wanted)

    def update(self, profile: str, changes: Changes, *, if_version: int | None = None) -> Profile:
        return self._engine.profiles.update(self._context, profile, changes, if_version=if_version)

    def delete(self, profile: str, *, if_version: int | None = None) -> None:
        self._engine.profiles.delete(self._context, profile, if_version=if_version)


class _Operations(Bound):
    def list(self, query: Query | None = None) -> Page[Operation]:
        return self._engine.operations.list(self._context, query)

    def get(self, operation: str) -> Operation:
        return self._engine.operations.get(self._context, operation)

    def wait(self, operation: str, timeout: float = 30.0) -> Operation:
        return self._engine.operations.wait(self._context, operation, timeout)

    def cancel(self, operation: str) -> Operation:
        return self._engine.operations.cancel(self._context, operation)

    def retry(self, operation: str) -> Operation:
        return self._engine.operations.retry(self._context, operation)

    def abandon(self, operation: str) -> Operation:
        return self._engine.operations.abandon(self._context, operation)

    def explain(self, request_id: str) -> Explanation:
        return self._engine.operations.explain(self._context, request_id)


class _Messages(Bound):
    def list(self, query: Query | None = None) -> Page[Message]:
        return self._engine.messages.list(self._context, query)


class _Events(Bound):
    def newest(self) -> int:
        return self._engine.events.newest(self._context)

    def after(self, number: int, limit: int = 100) -> Sequence[Event]:
        return self._engine.events.after(self._context, number, limit)

    def stream(self, after: int | None = None, *, render: Callable[[Event], bytes]) -> Feed:
        return self._engine.events.stream(self._context, after, render)


class _Limits(Bound):
    def list(self) -> Sequence[Limit]:
        return self._engine.tenants.limits(self._context, None)


class _Metrics(Bound):
    def volume(self, volume: str) -> Measurement:
        return self._engine.metrics.volume(self._context, volume)

    def pool(self, pool: str) -> Measurement:
        return self._engine.metrics.pool(self._context, pool)

    def history(self, resource_type: str, resource: str) -> Sequence[Measurement]:
        return self._engine.metrics.history(self._context, resource_type, resource)


class LocalStorage:
    """What the engine offers to platforms."""

    def __init__(self, engine: Engine, context: Context) -> None:
        self.context = context
        self._engine = engine
        self.volumes: contract.Volumes = _Volumes(engine, context)
        self.snapshots: contract.Snapshots = _Snapshots(engine, context)
        self.hosts: contract.Hosts = _Hosts(engine, context)
        self.attachments: contract.Attachments = _Attachments(engine, context)
        self.pools: contract.Pools = _Pools(engine, context)
        self.profiles: contract.Profiles = _Profiles(engine, context)
        self.operations: contract.Operations = _Operations(engine, context)
        self.messages: contract.Messages = _Messages(engine, context)
        self.events: contract.Events = _Events(engine, context)
        self.limits: contract.Limits = _Limits(engine, context)
        self.metrics: contract.Metrics = _Metrics(engine, context)

    def describe(self) -> Description:
        protocols = {protocol for pool in self._pools() for protocol in pool.protocols}
        return Description(
            system=self._engine.settings.node,
            product="Isthmus",
            version=__version__,
            offers=(*_OFFERS, *(("metrics.history",) if self._engine.metrics.sampled else ())),
            protocols=tuple(sorted(protocols)),
        )

    def _pools(self) -> Sequence[Pool]:
        return self._engine.pools.list(self.context, Query(limit=1000)).items
