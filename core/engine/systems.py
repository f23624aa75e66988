"""Systems: added, tested, changed and removed while the server runs, and how they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..context import Context
from ..errors import Conflict, Forbidden, InUse, Invalid, IsthmusError, Misconfigured, Unauthenticated
from ..journal.operations import working_with
from ..model.backend import Health
from ..model.description import Description, Finding, Trial
from ..model.identity import new_id, now
from ..model.request import Changes, SystemRequest
from ..model.system import LOCAL, System, SystemState
from ..runtime.parts import Parts
from ..security.policy import authorise
from ..store import nouns, secrets
from ..store.database import Tx
from .checks import check_metadata, check_name
from .collection import Collection, plain_changes


class Reach(Protocol):
    """How systems are reached. The composition root gives it: the core knows no adapter."""

    def check(self, adapter: str, settings: Mapping[str, Any], given: Mapping[str, str]) -> None:
        """Raise `Invalid` when there is no such adapter, or settings and secrets do not satisfy its schema."""

    def describe(self, system: System, given: Mapping[str, str]) -> Description:
        """Ask a system, with these secrets; raises what the adapter raises, `Unavailable` after some seconds."""

    def changed(self) -> None:
        """Systems were added, changed or removed."""

    def faults(self) -> Mapping[str, str]:
        """Enabled systems, by id, that this process cannot even try to reach, with the reasons."""


class _Nowhere:
    """For an engine that is not in a server: it reaches itself."""

    def check(self, adapter: str, settings: Mapping[str, Any], given: Mapping[str, str]) -> None:
        raise Invalid(f"There is no adapter {adapter!r}.", field="adapter")

    def describe(self, system: System, given: Mapping[str, str]) -> Description:
        return Description(system.name, "Isthmus", "", ())

    def changed(self) -> None:
        return

    def faults(self) -> Mapping[str, str]:
        return {}


class Systems(Collection[System]):
    """Administrators manage them, every tenant's plugins may use them."""

    def __init__(self, parts: Parts, reach: Reach | None = None) -> None:
        super().__init__(
            parts,
            nouns.systems,
            "system",
            owned=False,
            named=True,
            filters=("name", "adapter", "state", "health"),
        )
        self._reach = _Nowhere() if reach is None else reach

    def add(self, context: Context, wanted: SystemRequest) -> System:
        """Ask a system, and add it when it answers."""
        system = self._made(context, wanted)
        with self.parts.database.read() as tx:
            if nouns.system_by_name.find(tx, system.name) is not None:
                raise Conflict(
                    f"There is a system {system.name} already.",
                    next_step="Choose another name.",
                    field="name",
                    value=system.name,
                )
        system = replace(system, health=Health.HEALTHY, **_said(self._asked(system, wanted.secrets)))
        sealed = self._sealed(system.id, wanted.secrets)

        def work(tx: Tx) -> System:
            nouns.systems.insert(tx, system)
            for name, value in sealed.items():
                secrets.put(tx, system.id, name, value)
            self.parts.happened(tx, "system.created", system, context)
            return system

        self.changed(work, system.name)
        self._reach.changed()
        return self.get(context, system.id)

    def test(self, context: Context, wanted: SystemRequest | str) -> Trial:
        """Try a configuration, or a system that is there. Changes nothing but the measured health of the latter."""
        if not isinstance(wanted, str):
            return _trial(self._answer(self._made(context, wanted), wanted.secrets))
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, wanted, "write")
            opened = self._opened(tx, known.id)
        answer = self._answer(known, opened)
        self.record(known, answer)
        return _trial(answer)

    def update(self, context: Context, system: str, changes: Changes, *, if_version: int | None = None) -> System:
        """Name, metadata, whether it is reached, and how; what changes how is tried first where it is reached.

        Raises `InUse` for another name, and for one that is no longer to be reached, while operations work with it.
        """
        with self.parts.database.read() as tx:
            known = self.seen(tx, context, system, "write")
            opened = self._opened(tx, known.id)
        how = any(part is not None for part in (changes.address, changes.settings, changes.secrets))
        if known.name == LOCAL and (how or changes.name is not None or changes.enabled is not None):
            raise Conflict("The system local is this installation itself.", next_step="Change its metadata only.")
        values: dict[str, Any] = plain_changes(changes.name, None, changes.metadata)
        if changes.address is not None:
            values["address"] = _check_address(changes.address)
        if changes.settings is not None:
            values["settings"] = dict(changes.settings)
        enabled = changes.enabled if changes.enabled is not None else known.state is SystemState.ENABLED
        if changes.enabled is not None:
            values["state"] = (SystemState.ENABLED if enabled else SystemState.DISABLED).value
            values.update(health=Health.UNKNOWN, health_reason="")
        given = dict(changes.secrets or {})
        if values.get("address", known.address) != known.address and not opened.keys() <= given.keys():
            # Whoever may change where a system is must not learn its secrets by letting them be sent elsewhere.
            raise Invalid(
                "The system's secrets are not sent to another address.",
                next_step=f"Give them again with it: {', '.join(sorted(opened.keys() - given.keys()))}.",
                field="secrets",
            )
        if how:
            kept = {name: value for name, value in {**opened, **given}.items() if value is not None}
            become = replace(
                known,
                address=values.get("address", known.address),
                settings=values.get("settings", known.settings),
            )
            self._reach.check(become.adapter, become.settings, kept)
            if enabled:
                values.update(health=Health.HEALTHY, health_reason="", **_said(self._asked(become, kept)))
        sealed = self._sealed(known.id, {name: value for name, value in given.items() if value is not None})

        away = changes.name not in (None, known.name) or changes.enabled is False

        def beside(tx: Tx, before: System) -> None:
            if away:
                _demand_unused(tx, before)
            for name in given:
                if name in sealed:
                    secrets.put(tx, before.id, name, sealed[name])
                else:
                    secrets.delete(tx, before.id, name)

        changed = self.change_now(context, known.id, values, if_version=if_version, verb="write", beside=beside)
        self._reach.changed()
        return changed

    def remove(self, context: Context, system: str, *, if_version: int | None = None) -> None:
        """Forget a system and its secrets; nothing is done to the system itself. Raises `InUse` while operations work
        with it."""

        def work(tx: Tx) -> None:
            known = self.seen(tx, context, system, "write")
            if known.name == LOCAL:
                raise Conflict("The system local is this installation itself and stays.")
            _demand_unused(tx, known)
            if not nouns.systems.change(tx, known.id, if_version=if_version):
                nouns.systems.require_version(tx, known.id, if_version)
            secrets.delete(tx, known.id)
            nouns.systems.delete(tx, known.id)
            self.parts.happened(tx, "system.deleted", known, context)

        self.parts.database.change(work, durable=True)
        self._reach.changed()

    def record(self, system: System, answer: Description | IsthmusError) -> None:
        """Keep how a system answered, with an event when that is something new.

        Nothing is kept when the system was changed since it was read: the answer is of another configuration.
        """
        fresh: dict[str, Any]
        if isinstance(answer, IsthmusError):
            fresh = {"health": Health.FAILED, "health_reason": str(answer)}
        else:
            fresh = {"health": Health.HEALTHY, "health_reason": "", **_said(answer)}
        if system.state is SystemState.DISABLED or all(getattr(system, name) == fresh[name] for name in fresh):
            return

        def work(tx: Tx) -> bool:
            if not nouns.systems.change(tx, system.id, if_version=system.version, **fresh):
                return False
            self.parts.happened(tx, "system.updated", nouns.systems.get(tx, system.id), _NOBODY)
            return True

        if self.parts.database.change(work):
            self._reach.changed()

    def examine(self, context: Context) -> Sequence[Finding]:
        """What the doctor says of systems; a system that does not answer keeps nobody else from working."""
        authorise(context, "doctor:read", None)
        try:
            return list(self._findings())
        except IsthmusError as error:
            return [Finding("systems", "error", str(error), error.next_step or "")]

    def _findings(self) -> Iterator[Finding]:
        faults = self._reach.faults()
        with self.parts.database.read() as tx:
            others = nouns.systems.where(tx, nouns.systems.table.c.name != LOCAL)
        for system in others:
            yield finding(system, faults.get(system.id, ""))

    def _made(self, context: Context, wanted: SystemRequest) -> System:
        authorise(context, "system:write", None)
        if wanted.adapter == LOCAL:
            raise Invalid("The adapter local is this installation itself, which is there already.", field="adapter")
        self._reach.check(wanted.adapter, wanted.settings, wanted.secrets)
        moment = now()
        return System(
            id=new_id(),
            name=check_name(wanted.name),
            adapter=wanted.adapter,
            address=_check_address(wanted.address),
            state=SystemState.ENABLED,
            health=Health.UNKNOWN,
            created_at=moment,
            updated_at=moment,
            settings=dict(wanted.settings),
            metadata=check_metadata(wanted.metadata),
        )

    def _asked(self, system: System, given: Mapping[str, str]) -> Description:
        try:
            return self._reach.describe(system, given)
        except (Unauthenticated, Forbidden) as error:
            # Who asks here is known here: what is wrong is the credential that this installation shows there.
            raise Misconfigured(
                f"The system {system.name} does not accept the credential: {error}",
                next_step="Give another token, or user and password.",
            ) from error

    def _answer(self, system: System, given: Mapping[str, str]) -> Description | IsthmusError:
        try:
            return self._asked(system, given)
        except IsthmusError as error:
            return error

    def _sealed(self, owner: str, given: Mapping[str, str]) -> dict[str, bytes]:
        return {name: self.parts.sealer.seal(owner, value.encode()) for name, value in given.items()}

    def _opened(self, tx: Tx, owner: str) -> dict[str, str]:
        return {
            name: self.parts.sealer.open(owner, secrets.get(tx, owner, name) or b"").decode()
            for name in secrets.names(tx, owner)
        }


def finding(system: System, fault: str = "") -> Finding:
    """What is to be said of a system; `fault` is why this process cannot even try to reach it."""
    check = f"system {system.name}"
    if system.state is SystemState.DISABLED:
        return Finding(check, "warning", "It is disabled and not reached.", "Enable it, or remove it.")
    if fault:
        return Finding(check, "warning", fault, f"Mend the cause, then `isthmus system test {system.name}`.")
    if system.health is Health.FAILED:
        return Finding(check, "warning", system.health_reason, "Mend the system; it is asked again by itself.")
    if system.health is Health.UNKNOWN:
        return Finding(check, "ok", "It has not been asked yet.")
    return Finding(check, "ok", f"It answers: {system.product or system.adapter}.")


def _demand_unused(tx: Tx, system: System) -> None:
    """Operations know the system that they work with by its name alone."""
    found = working_with(tx, system.name)
    if found:
        named = "; ".join(f"{each.kind} {each.id} ({each.state.replace('_', ' ')})" for each in found)
        raise InUse(
            f"Operations that work with the system {system.name} have not ended: {named}.",
            next_step="Wait for them or cancel them; retry or abandon those that need attention.",
            operations=[{"id": each.id, "kind": each.kind, "state": each.state.value} for each in found],
        )


def _said(description: Description) -> dict[str, Any]:
    """What is kept of what a system says of itself."""
    return {
        "product": f"{description.product} {description.version}".strip()[:255],
        "offers": tuple(description.offers),
    }


def _trial(answer: Description | IsthmusError) -> Trial:
    if isinstance(answer, IsthmusError):
        return Trial(False, str(answer))
    return Trial(True, abilities=tuple(answer.offers), protocols=tuple(answer.protocols))


def _check_address(address: str | None) -> str | None:
    """An address without spaces and credentials, None for an empty one; raises `Invalid`."""
    if not address:
        return None
    try:
        parts = urlsplit(address)
        credentials = parts.username is not None or parts.password is not None
    except ValueError:
        parts, credentials = None, False
    if parts is None or len(address) > 1024 or not address.isprintable() or any(c.isspace() for c in address):
        raise Invalid("The address is not usable.", next_step="Use at most 1024 characters.", field="address")
    if credentials:
        raise Invalid(
            "The address has a credential in it.", next_step="Give it among the secrets, not there.", field="address"
        )
    return address


_NOBODY = Context(None, "isthmus", frozenset())
