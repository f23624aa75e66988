"""What the engine is given: its settings, and the extensions that work inside it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, cast

from ...adapters.contract import AdapterFactory
from ...core.datapath.account import account
from ...core.drivers.wrappers import CallMetrics, measured
from ...core.duties.retention import Kept
from ...core.runtime.live_backends import DriverFactory
from ...core.runtime.settings import EngineSettings
from ...core.targets.contract import Target, TargetSetup
from ..manager import Manager
from ..settings import Configuration
from . import certificates
from .drivers import LazyDriver

_log = logging.getLogger(__name__)
_FOR_EVER = 100 * 365 * 86400


def needed(configuration: Configuration) -> Collection[tuple[str, str]]:
    """The extensions without which the installation could not be run, nor administered to mend that."""
    return {
        ("plugins", "rest"),
        ("adapters", "local"),
        ("dispatchers", configuration.dispatcher),
        ("key_sources", configuration.key_source.partition(":")[0]),
    }


def engine_settings(configuration: Configuration) -> EngineSettings:
    """What the engine is told."""
    who = account(configuration.data_path.user)
    journal, kept = configuration.journal, configuration.keep
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
        sample=configuration.data_path.sample,
        watch=configuration.data_path.watch,
        driver_timeout=configuration.data_path.timeout,
        daemon_user=who.name if who is not None else None,
        dispatcher=configuration.dispatcher,
        kept=Kept(*(timedelta(seconds=min(each, _FOR_EVER)) for each in (kept.operations, kept.messages, kept.keys))),
    )


def make_targets(
    configuration: Configuration, manager: Manager, metrics: CallMetrics | None = None
) -> dict[str, Target]:
    """The targets of this node by protocol, not started. One that cannot be made is reported as broken.

    Their calls are reported to `metrics`.
    """
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
        found[target.protocol] = target if metrics is None else measured(target, metrics, f"target {target.protocol}")
    return found


def make_all(manager: Manager, namespace: str, order: Sequence[str]) -> Sequence[Any] | None:
    """One object of each enabled class, those of `order` first; None when none is installed: the core's own then."""
    made: list[Any] = []
    for name, kind in manager.loadable(namespace):
        try:
            made.append(kind())
        except Exception as error:
            _log.error("%s of %s cannot be used", name, namespace, exc_info=error)
            manager.mark_broken(namespace, name, f"{type(error).__name__}: {error}")
    return sorted(made, key=lambda one: order.index(one.name) if one.name in order else len(order)) or None


def weights(manager: Manager) -> dict[str, float]:
    """The weights of weighers that administrators set, by name."""
    found: dict[str, float] = {}
    for name, kind in manager.loadable("weighers"):
        settings = manager.settings("weighers", name, kind.settings_schema)
        if "weight" in settings:
            found[kind.name] = float(settings["weight"])
    return found


def adapter_factory(manager: Manager, name: str) -> AdapterFactory:
    """The adapter called `name`; raises `Misconfigured` when it cannot be used."""
    return cast(AdapterFactory, manager.load("adapters", name))


def driver(manager: Manager, name: str) -> DriverFactory:
    return cast(DriverFactory, LazyDriver(name, lambda: manager.load("drivers", name)))
