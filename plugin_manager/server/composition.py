"""Builds the server of one process: engine, adapter, plugins, and the application that answers requests."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ...adapters.local import LocalAdapter
from ...core.context import Context
from ...core.dispatchers.contract import Dispatcher
from ...core.duties.duty import Duty
from ...core.engine.acceptance import accept, planned
from ...core.engine.dependants import dependants
from ...core.engine.engine import Engine
from ...core.engine.systems import Systems
from ...core.errors import Invalid, IsthmusError
from ...core.journal.operations import calling
from ...core.journal.step import Flow
from ...core.model.description import Finding
from ...core.model.operation import Operation
from ...core.scheduler.scheduler import default_filters
from ...core.security.policy import authorise
from ...core.store.records import OwnedRecords
from ..actions import Catalogue
from ..contract import Plugin, PluginSetup, StopSignal
from ..manager import Manager
from ..settings import Configuration
from . import certificates, logs
from .application import Front
from .choices import StoredChoices
from .parts import adapter_factory, driver, engine_settings, make_all, make_targets, needed, weights
from .preparation import Installation, make_ready
from .redirect import Redirect
from .shell import Shell
from .systems import LiveSystems
from .watching import watch
from .wrapping import Wrapping

_log = logging.getLogger(__name__)

START_PATIENCE = 20.0
"""How long a starting engine may keep the server from listening; after that it listens, and says that it starts."""


class Composition:
    """Everything that this process serves. `start` and `stop` once each; `application` answers requests in between."""

    def __init__(self, configuration: Configuration, stopping: StopSignal) -> None:
        self.configuration = configuration
        self.plugins: dict[str, Plugin] = {}
        self._kinds: dict[str, frozenset[str]] = {}
        self.installation: Installation = make_ready(configuration)
        database, sealer = self.installation.database, self.installation.sealer
        self.manager = Manager(
            StoredChoices(database, sealer), needed=needed(configuration), dependants=partial(dependants, database)
        )
        self.systems = LiveSystems(database, sealer, lambda name: adapter_factory(self.manager, name))
        self.shell = Shell(configuration, self.manager, stopping)
        telemetry = self.shell.telemetry
        self.catalogue = Catalogue(_authorise)
        flows, duties = self._make_plugins()
        self.engine = Engine(
            engine_settings(configuration),
            database,
            sealer=sealer,
            prepared=self.installation.prepared,
            drivers={name: driver(self.manager, name) for name in self.manager.known("drivers")},
            targets=make_targets(configuration, self.manager, telemetry),
            filters=make_all(self.manager, "filters", [known.name for known in default_filters()]),
            weighers=make_all(self.manager, "weighers", []),
            weights=weights(self.manager),
            dispatcher=self._dispatcher(),
            flows=flows,
            duties=(*duties, self.systems.probe(lambda: self._records)),
            wrap=Wrapping(telemetry, configuration.data_path.timeout),
            on_end=telemetry.ended,
        )
        self.shell.questions["engine"] = self.engine.ready
        self.shell.questions["extensions"] = self._without
        self.shell.questions["systems"] = self.systems.findings
        self._records = Systems(self.engine.parts, self.systems)
        self.systems.serve(LocalAdapter(self.engine, self.manager, self._records, self._of_plugins))
        self.application = Front(
            self.shell.table,
            body_limit=self.shell.body_limit,
            streams=self.shell.streams,
            stopping=stopping,
            index=self.index,
            requested=telemetry.requested,
        )
        watch(telemetry, self.engine, self.application)
        self._redirect = Redirect(configuration) if configuration.listen.redirect_port else None
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
        self.systems.start(self.shell.stopping)
        self._mount_plugins()
        if not started.wait(START_PATIENCE):
            _log.warning("the engine is still starting after %.0f s; requests are answered meanwhile", START_PATIENCE)
        if failed:
            raise failed[0]
        if self._redirect is not None:
            self._redirect.start()

    def stop(self, drain: float) -> None:
        """Streams end, plugins close, the journal gives its leases back; at most about `drain` seconds."""
        self.engine.dismiss()
        if self._redirect is not None:
            self._redirect.stop()
        for name, plugin in self.plugins.items():
            try:
                plugin.close()
            except Exception:
                _log.exception("the plugin %s did not close", name)
        self.application.drain(drain / 2)
        self.engine.stop(drain / 2)
        self.systems.close()
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

    def _of_plugins(self) -> Sequence[Finding]:
        """What of the extensions cannot be used, and what plugins find wrong with themselves."""
        asked = self.shell.answers(name for name in tuple(self.plugins) if name in self.shell.questions)
        return [*self.manager.findings(), *asked]

    def _without(self) -> Sequence[Finding]:
        """What this process does without. Anybody may ask whether the server is ready, so the reasons stay out."""
        said = "It cannot be used; `isthmus doctor` says why."
        return [replace(finding, text=said, cure="") for finding in self.manager.findings()]

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
            return accept(
                parts,
                context,
                kind,
                resource_type,
                resource or "",
                lambda: request,
                lambda tx, _: notes,
                key=key,
                tenant=context.tenant,
            )

        return submit

    def _dispatcher(self) -> Dispatcher:
        name = self.configuration.dispatcher
        made = self.manager.load("dispatchers", name)
        settings = self.manager.settings("dispatchers", name, getattr(made, "settings_schema", {}))
        dispatcher: Dispatcher = made(**settings)
        return dispatcher


def _own(name: str, plugin: Plugin) -> tuple[Sequence[Flow], Sequence[Duty]]:
    """The plugin's flows and duties; raises ValueError for one that bears another's name."""
    flows, duties = tuple(plugin.flows()), tuple(plugin.duties())
    for what in (*(flow.kind for flow in flows), *(duty.name for duty in duties)):
        if not what.startswith(f"{name}."):
            raise ValueError(f"{what} does not begin with {name}.")
    return flows, duties


def _authorise(context: Context, permission: str) -> None:
    authorise(context, permission, context.tenant)


def _operation_request() -> str | None:
    caller = calling.get()
    return None if caller is None else caller.operation.request_id
