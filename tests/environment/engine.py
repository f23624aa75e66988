"""Engines for tests: the memory driver, a database of the test's own, and everything in a private folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.adapters.local.adapter import LocalAdapter
from isthmus.core.context import Context
from isthmus.core.drivers.memory.driver import MemoryDriver
from isthmus.core.engine.engine import Engine
from isthmus.core.engine.first_start import Prepared, prepare
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import BackendRequest, Credential, ProfileRequest
from isthmus.core.runtime.settings import EngineSettings
from isthmus.core.security.keys import LocalKey
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database

KEY = LocalKey(b"\x01" * 32)
MEMORY_PROFILE: Mapping[str, Any] = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}
SHARED_PROFILE: Mapping[str, Any] = {**MEMORY_PROFILE, "customProperties": {"capabilities:multiAttach": "<is> true"}}


class NoExtensions:
    """Stands where the plugin manager's report would be; these engines have no plugins."""

    def list(self) -> list[Any]:
        return []

    def get(self, namespace: str, name: str) -> Any:
        raise KeyError(name)

    def configure(self, namespace: str, name: str, **given: Any) -> Any:
        raise KeyError(name)


@dataclass(slots=True)
class Installation:
    """One database and one state folder, on which engines can be opened one after the other."""

    database: Database
    folder: Path
    prepared: Prepared

    @classmethod
    def begin(cls, database: Database, folder: Path) -> Installation:
        return cls(database, folder, prepare(database, Sealer([KEY])))

    def engine(self, *, database: Database | None = None, driver: Any = MemoryDriver, **settings: Any) -> Engine:
        """An engine on this installation, not yet started; leases are short."""
        given = {"lease": 1.0, "heartbeat": 0.3, "sweep": 0.2, "threads": 4, "measure": 600.0, "watch": 600.0}
        chosen = EngineSettings(
            database="", state=self.folder / "state", runtime=self.folder / "run", **{**given, **settings}
        )
        return Engine(
            chosen,
            database or self.database,
            sealer=Sealer([KEY]),
            prepared=self.prepared,
            drivers={"memory": driver},
        )

    def administrator(self, engine: Engine) -> Context:
        """The administrator, acting for the tenant that exists after the first start."""
        return engine.users.authenticate(Credential(token=self.prepared.token), tenant="default")

    def adapter(self, engine: Engine) -> LocalAdapter:
        return LocalAdapter(engine, NoExtensions())

    def furnish(self, engine: Engine, *, pools: int = 2, total: int = 1 << 40) -> Context:
        """A memory back end and profiles `memory` and `shared`; returns the administrator's context."""
        context = self.administrator(engine)
        described = [{"name": f"pool{n}", "total": total} for n in range(pools)]
        engine.backends.add(context, BackendRequest("array", "memory", settings={"pools": described}))
        engine.profiles.create(context, ProfileRequest("memory", MEMORY_PROFILE))
        engine.profiles.create(context, ProfileRequest("shared", SHARED_PROFILE))
        return context


def ended(engine: Engine, operation: str, timeout: float = 20.0) -> Operation:
    """The operation once it is no longer live; fails when that takes too long."""
    until = time.monotonic() + timeout
    while True:
        found = engine.parts.journal.wait(operation, 1.0)
        if not found.state.live:
            return found
        assert time.monotonic() < until, f"{found.kind} {found.id} is still {found.state} at {found.step}"


def done(engine: Engine, operation: Operation) -> Operation:
    """The operation, which must end well."""
    found = ended(engine, operation.id)
    assert found.state is OperationState.DONE, found.error
    return found
