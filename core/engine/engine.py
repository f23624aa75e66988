"""The engine: one object that makes the parts, starts and stops them, and hands out the services."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..datapath.object_lock import ObjectLocks
from ..dispatchers.contract import Dispatcher
from ..duties import retention as history
from ..duties.duty import Duty
from ..duties.keeper import Keeper
from ..errors import IsthmusError
from ..events import numberer, retention
from ..events.stream import EventStream
from ..flows.catalogue import core_flows
from ..journal.owner import is_dead
from ..journal.registry import Flows
from ..journal.runner import Journal
from ..journal.step import Flow
from ..model.description import Finding
from ..model.operation import Operation
from ..runtime.exports import Exports
from ..runtime.live_backends import DriverFactory, LiveBackends, Wrap
from ..runtime.measuring import PATIENCE, Measuring, refresh
from ..runtime.parts import Parts
from ..runtime.settings import EngineSettings
from ..runtime.watching import Watch
from ..scheduler.contract import Filter, Weigher
from ..scheduler.scheduler import Scheduler
from ..security.sealing import Sealer
from ..store import records
from ..store.database import Database
from ..targets.contract import Target
from ..telemetry.metering import Metering
from ..telemetry.sampling import Sampler
from .attachments import Attachments
from .backends import Backends
from .certificate_renewal import CertificateRenewal
from .doctor import Doctor
from .events import Events
from .failure_message import FailureMessage, lease_holds
from .first_start import Prepared
from .hosts import Hosts
from .metrics import Metrics
from .operations import Messages, Operations
from .pools import Pools
from .profiles import Profiles
from .protecting import Protecting
from .snapshots import Snapshots
from .tenants import Tenants
from .tokens import Tokens
from .users import Users
from .volumes import Volumes

_log = logging.getLogger(__name__)


class Engine:
    """A storage engine in this process.

    `prepared` is what the first start made. `targets` are those of this node, by protocol, not yet started; one that
    cannot start is tried again by the watch, and its protocol is not offered meanwhile. Plugins bring `flows` and
    `duties`. `weights` are those that administrators set, by the weigher's name. `wrap` puts wrappers around each
    driver; `on_end` is told of operations that ended here.
    """

    def __init__(
        self,
        settings: EngineSettings,
        database: Database,
        *,
        sealer: Sealer,
        prepared: Prepared,
        drivers: Mapping[str, DriverFactory],
        targets: Mapping[str, Target] | None = None,
        filters: Sequence[Filter] | None = None,
        weighers: Sequence[Weigher] | None = None,
        weights: Mapping[str, float] | None = None,
        dispatcher: Dispatcher | None = None,
        flows: Iterable[Flow] = (),
        duties: Iterable[Duty] = (),
        wrap: Wrap | None = None,
        on_end: Callable[[Operation], None] | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        started: dict[str, Target] = {}
        failures: dict[str, str] = {}
        loaded = Flows()
        journal = Journal(
            database,
            loaded,
            node=settings.node,
            lease=settings.lease,
            heartbeat=settings.heartbeat,
            sweep=settings.sweep,
            threads=settings.threads,
            backlog=settings.backlog,
            dispatcher=dispatcher,
            ended=FailureMessage(self._announce),
            on_end=on_end,
        )
        live = LiveBackends(settings, database, sealer, drivers, started, failures, wrap)
        self.parts = Parts(
            settings=settings,
            database=database,
            flows=loaded,
            journal=journal,
            scheduler=Scheduler(filters, weighers, weights=weights),
            sealer=sealer,
            signer=prepared.signer,
            locks=ObjectLocks(settings.state / "locks", lambda owner: lease_holds(database, owner)),
            stream=EventStream(database, most=settings.streams),
            live=live,
            exports=Exports(database, live, sealer, lambda: prepared.authority),
            announce=self._announce,
        )
        for flow in (*core_flows(self.parts), *flows):
            loaded.register(flow)
        self.renewal = CertificateRenewal(self.parts, lambda: prepared.authority)
        self.measuring = Measuring(self.parts)
        self.watch = Watch(self.parts, self.measuring, dict(targets or {}), started, failures)
        self._dismissed = threading.Event()
        self._make_services()
        self.duties = Keeper(
            database,
            journal.owner,
            (*self._own_duties(), *duties),
            is_dead=lambda owner: is_dead(owner, settings.node),
        )
        self._restored = threading.Event()

    def start(self) -> None:
        """Start targets and back ends, publish what is attached, then run operations and duties."""
        begun = time.monotonic()
        for folder in (self.settings.state / "locks", self.settings.state / "backends", self.settings.runtime):
            folder.mkdir(parents=True, exist_ok=True)
        self.watch.start_targets()
        self.measuring.measure_all(PATIENCE)
        self.watch.restore(skip_failed=True)
        self.parts.journal.start()
        self.duties.start()
        self.sampler.start()
        self._restored.set()
        _log.info("engine ready after %.2f s", time.monotonic() - begun)

    def dismiss(self) -> None:
        """Let go of those who only wait: event streams end, and waits for operations return what there is."""
        self._dismissed.set()
        self.parts.stream.close()

    def stop(self, drain: float = 3.0) -> None:
        """Stop cleanly: nobody waits any longer, leases are released; daemons and exports stay. Idempotent."""
        self.dismiss()
        self.sampler.stop()
        self.duties.stop(timeout=max(0.5, drain / 2))
        self.parts.journal.stop(drain)
        self.parts.live.stop()
        self.watch.stop_targets()

    def kill(self) -> None:
        """For tests: stop as a process does that dies; nothing is written any more."""
        self.parts.journal.kill()
        self.dismiss()
        self.sampler.stop()
        self.duties.stop(timeout=0.5, release=False)

    def ready(self) -> Sequence[Finding]:
        """What keeps the engine from serving now; nothing of level `error` means ready. Quick."""
        if not self._restored.is_set():
            return [Finding("engine", "error", "The engine is starting; exports are being published again.")]
        try:
            self.database.ping()
        except IsthmusError as error:
            return [Finding("database", "error", str(error), error.next_step or "")]
        return self.watch.findings()

    def _make_services(self) -> None:
        parts = self.parts
        self.volumes = Volumes(parts)
        self.snapshots = Snapshots(parts, self.volumes)
        self.protecting = Protecting(parts, self.snapshots)
        self.hosts = Hosts(parts)
        self.attachments = Attachments(parts, self.volumes, self.hosts)
        self.pools = Pools(parts)
        metering = Metering(parts)
        self.sampler = Sampler(parts, metering, self.settings.sample)
        self.metrics = Metrics(metering, self.sampler, self.volumes, self.pools)
        self.profiles = Profiles(parts)
        self.operations = Operations(parts, self._dismissed)
        self.messages = Messages(parts)
        self.events = Events(parts)
        self.tenants = Tenants(parts)
        self.users = Users(parts)
        self.tokens = Tokens(parts)
        self.backends = Backends(parts)
        self.doctor = Doctor(parts, self.watch)

    def _own_duties(self) -> Iterable[Duty]:
        node, parts = self.settings.node, self.parts
        yield numberer.duty(self.database, parts.stream.wake)
        yield retention.duty(self.database)
        yield history.duty(self.database, self.settings.kept)
        yield self.renewal.duty()
        yield self.protecting.duty()
        yield Duty("records.expire", 60.0, lambda run: self.database.change(_expire))
        yield Duty(f"pools.measure:{node}", self.settings.measure, lambda run: self._measure())
        yield Duty(f"exports.watch:{node}", self.settings.watch, lambda run: self.watch.look())
        yield Duty(f"pools.refresh:{node}", 10.0, lambda run: refresh(parts))

    def _measure(self) -> None:
        self.measuring.measure_all(self.settings.driver_timeout)

    def _announce(self) -> None:
        self.duties.wake(numberer.DUTY)


def _expire(tx: object) -> None:
    records.expire(tx)  # type: ignore[arg-type]
