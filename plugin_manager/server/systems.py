"""The systems that plugins reach: adapters made from the database, kept true to it while the server runs."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...adapters.contract import Adapter, AdapterFactory, AdapterSetup
from ...core.context import Context
from ...core.duties.duty import Duty, DutyRun
from ...core.engine.systems import Systems, finding
from ...core.errors import Invalid, IsthmusError, Misconfigured, Unavailable
from ...core.model.description import Description, Finding
from ...core.model.system import LOCAL, System, SystemState
from ...core.model.tenant import Role
from ...core.security.sealing import Sealer
from ...core.store import nouns, secrets
from ...core.store.database import Database
from ..contract import StopSignal
from ..schemas import complete, fault, secret_names
from .guarding import GuardedAdapter

_log = logging.getLogger(__name__)

LOOK = 2.0
"""How often, in seconds, a server looks for what others changed."""

AGAIN = 15
"""One look of so many also tries again what could not be made before."""

PATIENCE = 10.0
"""For how many seconds a system is waited for when it is asked how it is."""

TIMEOUT = 60.0
"""The longest that a single call of a system may take, in seconds."""


_ROLES = frozenset({Role.READER.value})


@dataclass(frozen=True, slots=True)
class _Live:
    """A system with its adapter, or with the reason why there is none; `sealed` are its secrets as they are stored."""

    system: System
    sealed: Mapping[str, bytes] = field(repr=False)
    adapter: Adapter | None
    fault: str = ""

    def serves(self, system: System, sealed: Mapping[str, bytes]) -> bool:
        """Whether the adapter is as good for this state of the system."""
        mine, other = self.system, system
        same = (mine.adapter, mine.address, mine.settings, mine.name) == (
            other.adapter,
            other.address,
            other.settings,
            other.name,
        )
        return same and dict(self.sealed) == dict(sealed)


class LiveSystems(Mapping[str, Adapter]):
    """Enabled systems by name. `load` gives an adapter's factory or raises an `IsthmusError`.

    One whose adapter cannot be made is not among them; `findings` says why. Safe for several threads.
    """

    def __init__(self, database: Database, sealer: Sealer, load: Callable[[str], AdapterFactory]) -> None:
        self._database = database
        self._sealer = sealer
        self._load = load
        self._local: Adapter | None = None
        self._live: dict[str, _Live] = {}
        self._named: dict[str, Adapter] = {}
        self._looking = threading.Lock()
        self._looked = threading.Event()
        self._closed = False

    def __getitem__(self, name: str) -> Adapter:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def serve(self, local: Adapter) -> None:
        """This installation itself, which is always there."""
        self._local = local
        self._named = {**self._named, LOCAL: local}

    def start(self, stopping: StopSignal) -> None:
        """Make the adapters of what is there, and follow what changes; waits some seconds for the first look."""
        threading.Thread(target=self._follow, args=(stopping,), name="isthmus-systems", daemon=True).start()
        if not self._looked.wait(PATIENCE):
            _log.warning("the systems are not known after %.0f s; they come later", PATIENCE)

    def look(self, again: bool = False) -> None:
        """Take up what the database has now, and with `again` try what could not be made; raises `Unavailable`."""
        with self._looking:
            if self._closed:
                return
            before = {each: live for each, live in self._live.items() if not (again and live.fault)}
            faults = self.faults()
            with self._database.read() as tx:
                there = [each for each in nouns.systems.where(tx) if each.adapter != LOCAL]
                sealed = {
                    each.id: self._sealed_of(tx, each.id)
                    for each in there
                    if each.id not in before or before[each.id].system.version != each.version
                }
            after = {each.id: self._taken(each, before.get(each.id), sealed.get(each.id)) for each in there}
            for live in after.values():
                if live.fault and faults.get(live.system.id) != live.fault:
                    _log.warning("the system %s cannot be reached from here: %s", live.system.name, live.fault)
            own = {LOCAL: self._local} if self._local is not None else {}
            self._live = after
            self._named = {**own, **{live.system.name: live.adapter for live in after.values() if live.adapter}}
            kept = {id(live.adapter) for live in after.values()}
            gone = [live for live in before.values() if live.adapter is not None and id(live.adapter) not in kept]
        for live in gone:
            _close(live.system, live.adapter)

    def close(self) -> None:
        """Let go of all adapters; the local one belongs to whoever made it."""
        with self._looking:
            self._closed = True
            gone, self._live, self._named = self._live, {}, {}
        for live in gone.values():
            _close(live.system, live.adapter)

    def findings(self) -> Sequence[Finding]:
        """What is wrong with systems, as warnings: nobody else has to wait for them. From memory."""
        said = [finding(live.system, live.fault) for live in self._live.values() if _wanted(live.system)]
        return [each for each in said if each.level != "ok"]

    def probe(self, systems: Callable[[], Systems]) -> Duty:
        """The duty that asks all systems how they are, beside each other, and keeps what they say."""

        def run(duty: DutyRun) -> None:
            self.look()
            live = [each for each in self._live.values() if _wanted(each.system)]
            if self._local is not None:
                with self._database.read() as tx:
                    own = nouns.system_by_name.find(tx, LOCAL)
                live += [_Live(own, {}, self._local)] if own is not None else []
            answers = [(each.system, _asked(each)) for each in live]
            for system, answer in answers:
                said = answer()
                if not duty.go_on():
                    return
                systems().record(system, said)

        return Duty("systems.probe", 30.0, run)

    # What the core asks of those who know adapters (`core.engine.systems.Reach`).

    def check(self, adapter: str, settings: Mapping[str, Any], given: Mapping[str, str]) -> None:
        """Raise `Invalid` when there is no such adapter, or settings and secrets do not satisfy its schema."""
        try:
            schema = self._load(adapter).settings_schema
        except Misconfigured as error:
            raise Invalid(error.message, next_step=error.next_step, field="adapter") from error
        hidden = secret_names(schema)
        for name in settings:
            if name in hidden:
                raise Invalid(f"{name} is a secret.", next_step="Give it among the secrets, not the settings.")
        for name in given:
            if name not in hidden:
                raise Invalid(f"The adapter {adapter} has no secret {name!r}.", field=name)
        wrong = fault(complete({**settings, **given}, schema), schema)
        if any(secret and secret in wrong for secret in given.values()):
            wrong = "They are not usable."
        if wrong:
            raise Invalid(f"The settings do not fit: {wrong}")

    def describe(self, system: System, given: Mapping[str, str]) -> Description:
        """Ask a system with an adapter made for this once."""
        if system.adapter == LOCAL and self._local is not None:
            return _bounded(system, self._local)()
        adapter = self._made(system, given)
        try:
            return _bounded(system, adapter)()
        finally:
            _close(system, adapter)

    def changed(self) -> None:
        """Look at once in this process; the others look soon."""
        try:
            self.look(again=True)
        except IsthmusError as error:
            _log.warning("systems: %s", error)

    def faults(self) -> Mapping[str, str]:
        """Systems that this process cannot even try to reach, by id."""
        return {each: live.fault for each, live in self._live.items() if live.fault}

    def _follow(self, stopping: StopSignal) -> None:
        rounds = 0
        while not stopping.is_set():
            rounds += 1
            try:
                self.look(again=rounds % AGAIN == 0)
            except IsthmusError as error:
                _log.warning("systems: %s", error)
            except Exception:
                _log.exception("looking at the systems")
            self._looked.set()
            stopping.wait(LOOK)

    def _taken(self, system: System, before: _Live | None, sealed: Mapping[str, bytes] | None) -> _Live:
        """The system as it is now, with its former adapter where that still fits."""
        if before is not None and sealed is None:
            return before
        sealed = sealed or {}
        if system.state is SystemState.DISABLED:
            return _Live(system, sealed, None)
        if before is not None and before.adapter is not None and before.serves(system, sealed):
            return replace(before, system=system)
        try:
            opened = {name: self._sealer.open(system.id, value).decode() for name, value in sealed.items()}
            return _Live(system, sealed, GuardedAdapter(self._made(system, opened)))
        except IsthmusError as error:
            return _Live(system, sealed, None, str(error))

    def _made(self, system: System, given: Mapping[str, str]) -> Adapter:
        """An adapter for the system; raises an `IsthmusError`, whatever it raises itself."""
        factory = self._load(system.adapter)
        setup = AdapterSetup(
            system=system.id,
            name=system.name,
            address=system.address,
            settings=_settings(factory, system.settings),
            secrets=dict(given),
            timeout=TIMEOUT,
        )
        try:
            return factory(setup)
        except IsthmusError:
            raise
        except Exception as error:
            _log.exception("making the adapter %s for the system %s", system.adapter, system.name)
            raise Misconfigured(
                f"The adapter {system.adapter} failed ({type(error).__name__}); see the server's log."
            ) from error

    @staticmethod
    def _sealed_of(tx: Any, owner: str) -> Mapping[str, bytes]:
        return {name: secrets.get(tx, owner, name) or b"" for name in secrets.names(tx, owner)}


def _settings(factory: AdapterFactory, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    hidden = secret_names(factory.settings_schema)
    return {name: value for name, value in complete(settings, factory.settings_schema).items() if name not in hidden}


def _wanted(system: System) -> bool:
    return system.state is SystemState.ENABLED


def _asked(live: _Live) -> Callable[[], Description | IsthmusError]:
    """Begin to ask; the function waits for the answer."""
    if live.adapter is None:
        return lambda: Unavailable(live.fault)
    wait = _bounded(live.system, live.adapter)

    def answer() -> Description | IsthmusError:
        try:
            return wait()
        except IsthmusError as error:
            return error

    return answer


def _bounded(system: System, adapter: Adapter) -> Callable[[], Description]:
    """Begin to ask a system to describe itself; the function waits for `PATIENCE` seconds at most and raises."""
    answers: queue.SimpleQueue[Description | Exception] = queue.SimpleQueue()
    until = time.monotonic() + PATIENCE

    def ask() -> None:
        try:
            answers.put(adapter.storage(Context(None, "isthmus", _ROLES)).describe())
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name=f"isthmus-ask-{system.name}", daemon=True).start()

    def wait() -> Description:
        try:
            answer = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise Unavailable(f"It has not answered for {PATIENCE:.0f} s.") from None
        if isinstance(answer, IsthmusError):
            raise answer
        if isinstance(answer, Exception):
            _log.error("asking the system %s", system.name, exc_info=answer)
            raise Unavailable(f"The adapter {system.adapter} failed; see the server's log.") from answer
        return answer

    return wait


def _close(system: System, adapter: Adapter | None) -> None:
    try:
        if adapter is not None:
            adapter.close()
    except Exception:
        _log.exception("the adapter of the system %s did not close", system.name)
