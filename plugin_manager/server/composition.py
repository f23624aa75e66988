"""Builds the server of one process: engine, adapter, plugins, and the application that answers requests."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from ... import __version__
from ...adapters.contract import Adapter
from ...adapters.local import LocalAdapter
from ...core.context import Context
from ...core.datapath.account import account
from ...core.dispatchers.contract import Dispatcher
from ...core.duties.duty import Duty
from ...core.engine.acceptance import accept, planned
from ...core.engine.engine import Engine
from ...core.errors import Invalid, IsthmusError
from ...core.journal.operations import calling
from ...core.journal.step import Flow
from ...core.model.description import Extension, Finding
from ...core.model.operation import Operation
from ...core.runtime.live_backends import DriverFactory
from ...core.runtime.settings import EngineSettings
from ...core.scheduler.scheduler import default_filters
from ...core.security.policy import authorise
from ...core.store.records import OwnedRecords
from ...core.targets.contract import Target, TargetSetup
from ..actions import Catalogue
from ..contract import LOCAL_SYSTEM, Plugin, PluginSetup, StopSignal
from ..manager import Manager
from ..settings import Configuration
from . import certificates, logs
from .application import Front, Mounts
from .choices import StoredChoices
from .drivers import LazyDriver
from .preparation import Installation, make_ready

_log = logging.getLogger(__name__)

START_PATIENCE = 20.0
"""How long a starting engine may keep the server from listening; after that it listens, and says that it starts."""


class Shell:
    """The server as plugins know it (`contract.Server`), before there is an engine in it."""

    def __init__(self, configuration: Configuration, manager: Manager, stopping: StopSignal) -> None:
        self.manager = manager
        self.stopping = stopping
        self.table = Mounts()
        self.version = __version__
        self.node = configuration.node
        self.address = configuration.url
        self.streams = configuration.streams
        self.body_limit = configuration.listen.body_limit
        self.questions: dict[str, Callable[[], Sequence[Finding]]] = {}

    def mounts(self) -> Mapping[str, str]:
        return self.table.table()

    def extensions(self) -> Sequence[Extension]:
        return self.manager.list()

    def ready(self) -> Sequence[Finding]:
        found: list[Finding] = []
        if self.stopping.is_set():
            found.append(Finding("server", "error", "The server is stopping."))
        for name, ask in list(self.questions.items()):
            try:
                found += ask()
            except Exception as error:
                _log.exception("%s could not say whether it is ready", name)
                found.append(Finding(name, "error", f"It could not be asked: {type(error).__name__}."))
        return found


class Composition:
    """Everything that this process serves. `start` and `stop` once each; `application` answers requests in between."""

    def __init__(self, configuration: Configuration, stopping: StopSignal) -> None:
        self.configuration = configuration
        self.systems: dict[str, Adapter] = {}
        self.plugins: dict[str, Plugin] = {}
        self._kinds: dict[str, frozenset[str]] = {}
        self.installation: Installation = make_ready(configuration)
        database, sealer = self.installation.database, self.installation.sealer
        self.manager = Manager(StoredChoices(database, sealer))
        self.shell = Shell(configuration, self.manager, stopping)
        self.catalogue = Catalogue(_authorise)
        flows, duties = self._make_plugins()
        self.engine = Engine(
            engine_settings(configuration),
            database,
            sealer=sealer,
            prepared=self.installation.prepared,
            drivers={name: _driver(self.manager, name) for name in self.manager.names("drivers")},
            targets=make_targets(configuration, self.manager),
            filters=_made(self.manager, "filters", [known.name for known in default_filters()]),
            weighers=_made(self.manager, "weighers", []),
            dispatcher=self._dispatcher(),
            flows=flows,
            duties=duties,
        )
        self.shell.questions["engine"] = self.engine.ready
        self.systems[LOCAL_SYSTEM] = LocalAdapter(self.engine, self.manager)
        self.application = Front(
            self.shell.table,
            body_limit=self.shell.body_limit,
            streams=self.shell.streams,
            stopping=stopping,
            index=self.index,
        )
        logs.also_ask(_operation_request)

    def start(self) -> None:
        """Start the engine, then mount the plugins. Raises what the engine raises within `START_PATIENCE` seconds."""
        started = threading.Event()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                self.engine.start()
            except BaseException as error:
                _log.critical("the engine did not start", exc_info=error)
                failed.append(error)
                said = str(error) if isinstance(error, IsthmusError) else "The engine did not start."
                self.shell.questions["engine"] = lambda: [Finding("engine", "error", said)]
            finally:
                started.set()

        threading.Thread(target=run, name="isthmus-start", daemon=True).start()
        self._keep_certificate()
        self._mount_plugins()
        if not started.wait(START_PATIENCE):
            _log.warning("the engine is still starting after %.0f s; requests are answered meanwhile", START_PATIENCE)
        if failed:
            raise failed[0]

    def stop(self, drain: float) -> None:
        """Streams end, plugins close, the journal gives its leases back; at most about `drain` seconds."""
        self.engine.parts.stream.close()
        for name, plugin in self.plugins.items():
            try:
                plugin.close()
            except Exception:
                _log.exception("the plugin %s did not close", name)
        self.application.drain(drain / 2)
        self.engine.stop(drain / 2)
        self.installation.database.close()

    def index(self) -> Mapping[str, Any]:
        """What `GET /` shows where no plugin answers it."""
        return {"product": "Isthmus", "version": self.shell.version, "mounted": self.shell.mounts()}

    def _keep_certificate(self) -> None:
        configuration, authority = self.configuration, self.installation.prepared.authority
        if configuration.tls.mode == "off":
            return

        def renewed() -> None:
            # The main process starts other workers, which read the new files, and then lets go of these.
            os.kill(os.getppid(), signal.SIGHUP)

        threading.Thread(
            target=certificates.keep,
            args=(configuration, (authority.certificate, authority.key), self.shell.stopping, renewed),
            name="isthmus-certificate",
            daemon=True,
        ).start()

    def _make_plugins(self) -> tuple[Sequence[Flow], Sequence[Duty]]:
        flows: list[Flow] = []
        duties: list[Duty] = []
        for name, kind in self.manager.loadable("plugins"):
            try:
                setup = self._setup(name, kind)
                plugin: Plugin = kind(setup)
                own_flows, own_duties = _own(name, plugin)
                self._kinds[name] = frozenset(flow.kind for flow in own_flows)
                for action in plugin.actions():
                    self.catalogue.add(name, action, setup.submit)
            except Exception as error:
                self._give_up(name, error)
                continue
            self.plugins[name] = plugin
            self.shell.questions[name] = plugin.ready
            flows += own_flows
            duties += own_duties
        return flows, duties

    def _mount_plugins(self) -> None:
        for name, plugin in list(self.plugins.items()):
            try:
                prefixes = tuple(plugin.prefixes())
                application = plugin.wsgi() if prefixes else None
                if application is None:
                    continue
                for prefix in prefixes:
                    self.shell.table.add(prefix, name, application)
            except Exception as error:
                self.shell.table.remove(name)
                self._give_up(name, error)

    def _give_up(self, name: str, error: Exception) -> None:
        _log.error("the plugin %s cannot be used", name, exc_info=error)
        self.catalogue.remove(name)
        self.shell.questions.pop(name, None)
        self.manager.mark_broken("plugins", name, f"{type(error).__name__}: {error}")

    def _setup(self, name: str, kind: type[Plugin]) -> PluginSetup:
        return PluginSetup(
            name=name,
            settings=self.manager.settings("plugins", name, kind.settings_schema),
            systems=self.systems,
            records=OwnedRecords(self.installation.database, f"plugin:{name}", self.installation.sealer),
            submit=self._submit(name),
            server=self.shell,
            actions=self.catalogue,
            stopping=self.shell.stopping,
        )

    def _submit(self, plugin: str) -> Callable[..., Operation]:
        def submit(
            kind: str,
            context: Context,
            *,
            resource_type: str,
            resource: str | None = None,
            data: Mapping[str, Any] | None = None,
            key: str | None = None,
            dry_run: bool = False,
        ) -> Operation:
            if kind not in self._kinds.get(plugin, ()):
                raise Invalid(f"The plugin {plugin} has no flow {kind!r}.")
            parts = self.engine.parts
            if dry_run:
                return planned(parts, context, kind, resource_type, resource, {})
            notes = dict(data or {})
            request = {"resource_type": resource_type, "resource": resource, "data": notes}
            return accept(parts, context, kind, resource_type, resource or "", request, lambda tx, _: notes, key=key)

        return submit

    def _dispatcher(self) -> Dispatcher | None:
        name = self.configuration.dispatcher
        if name == "local" and name not in self.manager.names("dispatchers"):
            return None
        made = self.manager.load("dispatchers", name)
        settings = self.manager.settings("dispatchers", name, getattr(made, "settings_schema", {}))
        dispatcher: Dispatcher = made(**settings)
        return dispatcher


def engine_settings(configuration: Configuration) -> EngineSettings:
    """What the engine is told."""
    who = account(configuration.data_path.user)
    journal = configuration.journal
    return EngineSettings(
        database=configuration.database,
        state=configuration.state,
        runtime=configuration.runtime,
        node=configuration.node,
        address=configuration.address,
        threads=journal.threads,
        lease=journal.lease,
        heartbeat=journal.heartbeat,
        sweep=journal.sweep,
        backlog=journal.backlog,
        streams=configuration.streams,
        measure=configuration.data_path.measure,
        watch=configuration.data_path.watch,
        driver_timeout=configuration.data_path.timeout,
        daemon_user=who.name if who is not None else None,
        dispatcher=configuration.dispatcher,
    )


def make_targets(configuration: Configuration, manager: Manager) -> dict[str, Target]:
    """The targets of this node by protocol, not started. One that cannot be made is reported as broken."""
    files = certificates.files_of(configuration)
    tls = files.complete and configuration.tls.mode == "own"
    settings = engine_settings(configuration)
    found: dict[str, Target] = {}
    for name, kind in manager.loadable("targets"):
        state, runtime = settings.state / "targets" / name, settings.runtime / "t" / name
        try:
            for folder in (state, runtime):
                folder.mkdir(parents=True, exist_ok=True, mode=0o711)
            target: Target = kind(
                TargetSetup(
                    node=settings.node,
                    address=settings.address,
                    state=state,
                    runtime=runtime,
                    settings=manager.settings("targets", name, kind.settings_schema),
                    user=settings.daemon_user,
                    certificate=files.certificate if tls else None,
                    key=files.key if tls else None,
                    ca=files.authority if tls else None,
                    timeout=settings.driver_timeout,
                )
            )
        except Exception as error:
            _log.error("the target %s cannot be used", name, exc_info=error)
            manager.mark_broken("targets", name, f"{type(error).__name__}: {error}")
            continue
        found[target.protocol] = target
    return found


def _own(name: str, plugin: Plugin) -> tuple[Sequence[Flow], Sequence[Duty]]:
    """The plugin's flows and duties; raises ValueError for one that bears another's name."""
    flows, duties = tuple(plugin.flows()), tuple(plugin.duties())
    for what in (*(flow.kind for flow in flows), *(duty.name for duty in duties)):
        if not what.startswith(f"{name}."):
            raise ValueError(f"{what} does not begin with {name}.")
    return flows, duties


def _made(manager: Manager, namespace: str, order: Sequence[str]) -> Sequence[Any] | None:
    """One object of each enabled class, those of `order` first; None when none is installed: the core's own then."""
    made: list[Any] = []
    for name, kind in manager.loadable(namespace):
        try:
            made.append(kind())
        except Exception as error:
            _log.error("%s of %s cannot be used", name, namespace, exc_info=error)
            manager.mark_broken(namespace, name, f"{type(error).__name__}: {error}")
    return sorted(made, key=lambda one: order.index(one.name) if one.name in order else len(order)) or None


def _driver(manager: Manager, name: str) -> DriverFactory:
    return cast(DriverFactory, LazyDriver(name, lambda: manager.load("drivers", name)))


def _authorise(context: Context, permission: str) -> None:
    authorise(context, permission, context.tenant)


def _operation_request() -> str | None:
    caller = calling.get()
    return None if caller is None else caller.operation.request_id
