"""An engine on a back end that fails, hangs or over-allocates when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isthmus.core.context import Context
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.engine.engine import Engine
from isthmus.core.journal.station import Retries
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Query
from isthmus.core.model.request import (
    AttachmentRequest,
    Credential,
    HostRequest,
    SnapshotRequest,
    TenantRequest,
    TokenRequest,
    UserRequest,
    VolumeRequest,
)
from isthmus.core.model.volume import Volume
from isthmus.core.store import nouns
from isthmus.core.store.database import Database
from tests.environment.engine import Installation, done, ended

SIZE = 1 << 20
IMPATIENT = Retries(first_pause=0.001, longest_pause=1e6, tries=2)
"""A step that keeps failing needs attention after its second try."""


class Troubled(MemoryDriver):
    """`before` is called with the method's name before every call; it may raise or wait."""

    before: Callable[[str], None] = staticmethod(lambda method: None)
    excess = 0

    def create(self, wanted: Any) -> Any:
        type(self).before("create")
        return super().create(replace(wanted, size=wanted.size + type(self).excess))

    def delete(self, placement: str, reference: Any) -> None:
        type(self).before("delete")
        super().delete(placement, reference)

    def extend(self, placement: str, reference: Any, size: int) -> Any:
        type(self).before("extend")
        return super().extend(placement, reference, size + type(self).excess)

    def inspect(self, placement: str, reference: Any) -> Any:
        type(self).before("inspect")
        return super().inspect(placement, reference)

    def snapshot(self, placement: str, reference: Any, snapshot: str) -> Any:
        type(self).before("snapshot")
        return super().snapshot(placement, reference, snapshot)

    def delete_snapshot(self, snapshot: str, reference: Any) -> None:
        type(self).before("delete_snapshot")
        super().delete_snapshot(snapshot, reference)

    def revert(self, *given: Any) -> Any:
        type(self).before("revert")
        return super().revert(*given)

    def clone_snapshot(self, *given: Any) -> Any:
        type(self).before("clone_snapshot")
        return super().clone_snapshot(*given)

    def clone(self, *given: Any) -> Any:
        type(self).before("clone")
        return super().clone(*given)

    def grant(self, export: Any, grant: Any) -> Any:
        type(self).before("grant")
        return super().grant(export, grant)

    def withdraw(self, export: Any, attachment: str) -> None:
        type(self).before("withdraw")
        super().withdraw(export, attachment)

    def pools(self) -> Any:
        type(self).before("pools")
        return super().pools()

    def start(self) -> None:
        type(self).before("start")
        super().start()


@dataclass
class Bench:
    """The engine, its administrator and what may go wrong."""

    installation: Installation
    engine: Engine
    root: Context
    driver: type[Troubled]

    @classmethod
    def open(cls, database: Database, folder: Path, *, lacks: tuple[str, ...] = (), **settings: Any) -> Bench:
        """`lacks` are methods, and with them abilities, that the driver does not have."""
        driver = type("Mine", (Troubled,), dict.fromkeys(lacks))
        installation = Installation.begin(database, folder)
        engine = installation.engine(driver=driver, **settings)
        engine.start()
        root = installation.furnish(engine)
        return cls(installation, engine, root, driver)

    def close(self) -> None:
        self.well()
        self.engine.stop(drain=1.0)

    def impatient(self) -> None:
        """Operations that cannot go on need attention almost at once."""
        self.engine.parts.journal._station.retries = IMPATIENT

    def fails(self, method: str, error: Exception) -> None:
        def before(called: str) -> None:
            if called == method:
                raise error

        self.driver.before = staticmethod(before)

    def hangs(self, method: str) -> tuple[threading.Event, threading.Event]:
        """Calls of `method` wait: (one has come, they may go on)."""
        come, go_on = threading.Event(), threading.Event()

        def before(called: str) -> None:
            if called == method:
                come.set()
                assert go_on.wait(30)

        self.driver.before = staticmethod(before)
        return come, go_on

    def well(self) -> None:
        self.driver.before = staticmethod(lambda method: None)

    def deadline(self, kind: str, seconds: float) -> None:
        """Give all steps of a flow this deadline."""
        for step in self.engine.parts.flows.newest(kind).steps:
            object.__setattr__(step, "deadline", seconds)

    def volume(self, name: str = "volume", *, size: int = SIZE, profile: str = "memory", **more: Any) -> str:
        wanted = VolumeRequest(name, size=size, profile=profile, **more)
        return str(done(self.engine, self.engine.volumes.create(self.root, wanted)).result["volume"])

    def snapshot(self, volume: str, name: str = "snapshot") -> str:
        operation = self.engine.snapshots.create(self.root, SnapshotRequest(volume, name))
        return str(done(self.engine, operation).result["snapshot"])

    def host(self, name: str = "host") -> str:
        return self.engine.hosts.create(self.root, HostRequest(name)).id

    def attach(self, volume: str, host: str) -> str:
        operation = self.engine.attachments.create(self.root, AttachmentRequest(volume, host))
        return str(done(self.engine, operation).result["attachment"])

    def needs_attention(self, operation: Operation) -> Operation:
        found = ended(self.engine, operation.id)
        assert found.state is OperationState.NEEDS_ATTENTION, (found.state, found.error)
        return found

    def counts(self) -> list[str]:
        """What the doctor says is wrong with states and counts, and objects of the back end that do not agree."""
        areas = ("usage", "pool", "volumes", "snapshots", "attachments", "back end array")
        return [
            f"{f.check}: {f.text}"
            for f in self.engine.doctor.examine(self.root)
            if f.level != "ok" and f.check in areas
        ]

    def promised(self) -> int:
        """Bytes promised by all pools."""
        with self.engine.database.read() as tx:
            return sum(pool.provisioned for pool in nouns.pools.where(tx))

    def used(self) -> tuple[int, int]:
        """Volumes and bytes that the tenant is charged for."""
        limits = self.engine.tenants.limits(self.root, None)
        return next(((limit.volumes, limit.bytes) for limit in limits if limit.profile is None), (0, 0))

    def nothing_left(self) -> None:
        assert self.promised() == 0
        assert self.used() == (0, 0)
        assert self.counts() == []

    def tenant(self, name: str, *roles: str) -> Context:
        """A user of a (new) tenant with these roles."""
        known = self.engine.tenants.create(self.root, TenantRequest(name))
        return self.user(known.id, *roles)

    def user(self, tenant: str | None, *roles: str) -> Context:
        user = self.engine.users.create(self.root, UserRequest(f"user-{roles}-{tenant}", tenant, roles))
        _, text = self.engine.tokens.create(self.root, TokenRequest("test", user=user.id))
        return self.engine.users.authenticate(Credential(token=text))


def settled(bench: Bench, volume: str) -> Volume:
    """The volume after the operation that settles it has ended well."""
    asked = bench.engine.operations.list(bench.root, Query(filters={"kind": "volume.settle", "resource": volume}))
    assert len(asked.items) == 1, "nothing settles it"
    done(bench.engine, asked.items[0])
    return bench.engine.volumes.get(bench.root, volume)
