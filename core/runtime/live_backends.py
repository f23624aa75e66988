"""Drivers of configured back ends, made when first needed and made anew when their configuration changes."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jsonschema import Draft202012Validator

from ..drivers.composition import Publisher, publisher
from ..drivers.contract import Driver, DriverSetup, abilities
from ..errors import Invalid, NotFound, Transient, Unavailable
from ..model.backend import Backend
from ..security.sealing import Sealer
from ..store import nouns, secrets
from ..store.database import Database, Tx
from ..targets.contract import Target
from .settings import EngineSettings

_log = logging.getLogger(__name__)


class DriverFactory(Protocol):
    """A driver class, or a function with the same attributes that chooses one."""

    name: str
    settings_schema: Mapping[str, Any]

    def __call__(self, setup: DriverSetup) -> Driver: ...


Wrap = Callable[[Driver, Backend], Driver]


@dataclass(frozen=True, slots=True)
class Live:
    """A back end with its driver, started, and what publishes its objects."""

    backend: Backend
    driver: Any
    publisher: Publisher

    @property
    def abilities(self) -> tuple[str, ...]:
        return abilities(self.driver)


class LiveBackends:
    """`factories` are the drivers that are loaded, by name; `targets` are those of this node that started, `failures`
    the reasons why others did not, both by protocol and kept up to date by the watch."""

    def __init__(
        self,
        settings: EngineSettings,
        database: Database,
        sealer: Sealer,
        factories: Mapping[str, DriverFactory],
        targets: Mapping[str, Target],
        failures: Mapping[str, str],
        wrap: Wrap | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._sealer = sealer
        self._factories = dict(factories)
        self.targets = targets
        self.failures = failures
        self._wrap = wrap
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._live: dict[str, Live] = {}
        self._nodes: dict[str, str | None] = {}

    def node_of(self, tx: Tx, backend: str) -> str | None:
        """The node that reaches the back end, which never changes; None when every node does."""
        if backend not in self._nodes:
            self._nodes[backend] = nouns.backends.get(tx, backend).node
        return self._nodes[backend]

    def factory(self, name: str) -> DriverFactory:
        """The driver called `name`; raises `Invalid` naming those that are there."""
        try:
            return self._factories[name]
        except KeyError:
            known = ", ".join(sorted(self._factories)) or "none"
            raise Invalid(f"There is no driver {name!r}.", next_step=f"Use one of: {known}.", field="driver") from None

    def check_settings(self, driver: str, settings: Mapping[str, Any], secrets_given: Mapping[str, str]) -> None:
        """Raise `Invalid` when settings or secrets do not satisfy the driver's schema, or are mixed up."""
        schema = self.factory(driver).settings_schema
        hidden = {name for name, part in schema.get("properties", {}).items() if part.get("writeOnly")}
        for name in settings:
            if name in hidden:
                raise Invalid(f"{name} is a secret.", next_step="Give it among the secrets, not the settings.")
        for name in secrets_given:
            if name not in hidden:
                raise Invalid(f"The driver {driver} has no secret {name!r}.", field=name)
        both = {**settings, **secrets_given}
        for error in Draft202012Validator(schema).iter_errors(json.loads(json.dumps(both))):
            place = "/".join(str(part) for part in error.absolute_path) or "settings"
            said = "not usable" if place.split("/")[0] in hidden else error.message
            if any(secret and secret in said for secret in secrets_given.values()):
                said = "not usable"
            raise Invalid(f"{place}: {said}", field=place)

    def get(self, backend: str) -> Live:
        """The live back end; starts it if it is not. Raises `NotFound`, `Unavailable`, `Transient` or what the driver
        raises."""
        live = self._live.get(backend)
        if live is not None:
            return live
        # One lock a back end: another that hangs while it starts must not keep this one waiting.
        with self._lock:
            making = self._making.setdefault(backend, threading.Lock())
        if not making.acquire(timeout=self._settings.driver_timeout):
            raise Transient(
                f"The back end {backend} has been starting for longer than {self._settings.driver_timeout:.0f} s.",
                next_step="Look at the back end; it is tried again.",
            )
        try:
            live = self._live.get(backend)
            if live is None:
                with self._database.read() as tx:
                    row = nouns.backends.find(tx, backend)
                    if row is None:
                        raise NotFound(f"There is no back end {backend}.")
                    opened = {
                        name: self._sealer.open(backend, secrets.get(tx, backend, name) or b"").decode()
                        for name in secrets.names(tx, backend)
                    }
                if row.node is not None and row.node != self._settings.node:
                    raise Unavailable(f"The back end {row.name} is reached from node {row.node}, not from this one.")
                live = self.make(row, opened)
                self._live[backend] = live
            return live
        finally:
            making.release()

    def make(self, backend: Backend, opened: Mapping[str, str]) -> Live:
        """A driver for this configuration, started; not remembered."""
        factory = self.factory(backend.driver)
        folder = self._settings.state / "backends" / backend.id
        runtime = self._settings.runtime / "b" / backend.id[:8]
        for path in (folder, runtime):
            path.mkdir(parents=True, exist_ok=True, mode=0o711)
        driver = factory(
            DriverSetup(
                backend=backend.id,
                name=backend.name,
                node=self._settings.node,
                settings=backend.settings,
                secrets=opened,
                state=folder,
                runtime=runtime,
                timeout=self._settings.driver_timeout,
                user=self._settings.daemon_user,
            )
        )
        wrapped = self._wrap(driver, backend) if self._wrap is not None else driver
        try:
            wrapped.start()
        except BaseException:
            with contextlib.suppress(Exception):
                wrapped.stop()
            raise
        return Live(backend, wrapped, publisher(wrapped, self.targets, self.failures))

    def keep(self, known: Mapping[str, datetime]) -> None:
        """Stop the drivers of all other back ends than these (by id, with when they were added).

        Another process removed them, and may have added the same again since, with other secrets.
        """
        for backend, live in list(self._live.items()):
            if known.get(backend) != live.backend.created_at:
                self.forget(backend)

    def forget(self, backend: str) -> None:
        """Stop the driver; the next `get` makes it anew."""
        with self._lock:
            live = self._live.pop(backend, None)
        if live is not None:
            with contextlib.suppress(Exception):
                live.driver.stop()

    def stop(self) -> None:
        """Stop all drivers; objects and exports stay."""
        for backend in list(self._live):
            self.forget(backend)
