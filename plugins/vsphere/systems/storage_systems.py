"""What does the actions on storage systems: the core's administration, on behalf of whoever asks.

Nothing is told as done before the system has answered with what is kept of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ....adapters.contract import Adapter
from ....adapters.contract.administration import Systems
from ....core.errors import Conflict, InUse, Invalid, IsthmusError, Misconfigured, NotFound, Unavailable
from ....core.model.description import Trial
from ....core.model.page import LARGEST_PAGE, Query
from ....core.model.request import Changes, SystemRequest
from ....core.model.system import LOCAL, System
from ....plugin_manager.action import Call, Choice
from ..actions.told import OURS
from ..reasons import because, phrase, texts
from .adapters import Form, Given
from .declared import ADD, EDIT, REMOVE

_MARK = "vsphere-request"
"""In the metadata of a system: the digest of the key that it was added under, so that the same is not added twice."""
_LONGEST = 120
"""So many characters of a setting are told of a change."""


class StorageSystems:
    """One for the process. `local` is this installation's own adapter; `datastores` are those that lie in a system."""

    def __init__(
        self, local: Callable[[], Adapter], form: Form, datastores: Callable[[str], Sequence[Mapping[str, str]]]
    ) -> None:
        self._local, self._form, self._datastores = local, form, datastores

    def check(self, action: str, call: Call) -> None:
        """Raises what is wrong as far as it is entered."""
        systems, given = self._systems(call), call.input
        if action == ADD:
            if "name" in given:
                self._demand_free(systems, str(given["name"]), call)
            if "adapter" in given:
                self._given(str(given["adapter"]), given)
            return
        if "system" not in given or (action == REMOVE and call.key):
            return
        known = self._found(systems, str(given["system"]))
        if known.name == LOCAL and action in (EDIT, REMOVE):
            raise because(Conflict, "system-local")
        if action == EDIT:
            self._given(known.adapter, given)

    def plan(self, action: str, call: Call) -> Mapping[str, Any]:
        """Tries what would be added; else says which system is meant, and what of it would be another, or which
        datastores would be without it. Changes nothing."""
        systems, given = self._systems(call), call.input
        if action == ADD:
            wanted = self._wanted(call)
            with _told(wanted.name):
                trial = _passed(wanted.name, systems.test(wanted))
            return {"name": wanted.name, **_answered(trial)}
        known = self._found(systems, str(given["system"]))
        more: dict[str, Any] = {}
        if action == EDIT:
            more = {"changes": self._new(known, given)}
        elif action == REMOVE:
            more = {"datastores": self._datastores(known.name)}
        return {"system": _shown(known), **more}

    def choices(self, call: Call) -> Sequence[Choice]:
        """The systems there are."""
        found = self._systems(call).list(Query(sort="name", limit=LARGEST_PAGE)).items
        return [Choice(each.id, each.name, {"product": each.product} if each.product else {}) for each in found]

    def add(self, call: Call) -> Mapping[str, Any]:
        """Add a system and ask it with what was kept. The same key again adds nothing and asks once more."""
        systems, wanted = self._systems(call), self._wanted(call)
        known = self._added(systems, wanted.name, call)
        if known is None:
            with _told(wanted.name):
                known = systems.add(wanted)
        return self._asked(systems, known)

    def test(self, call: Call) -> Mapping[str, Any]:
        """Ask a system; raises `Unavailable` with what is wrong with it."""
        systems = self._systems(call)
        return self._asked(systems, self._found(systems, str(call.input["system"])))

    def edit(self, call: Call) -> Mapping[str, Any]:
        """Change what is given and leave the rest. An enabled system is asked before anything is kept, and after."""
        systems, given = self._systems(call), call.input
        known = self._found(systems, str(given["system"]))
        changes = self._changes(known, given)
        if changes != Changes():
            with _told(known.name):
                known = systems.update(known.id, changes, if_version=known.version)
        if known.state != "enabled":
            return {"system": _shown(known)}
        return self._asked(systems, known)

    def remove(self, call: Call) -> Mapping[str, Any]:
        """Forget a system. The same key again finds it gone and says so."""
        systems, name = self._systems(call), str(call.input["system"])
        try:
            known = self._found(systems, name)
        except NotFound:
            if call.key:
                return {"system": name, "removed": False}
            raise
        with _told(known.name):
            systems.remove(known.id)
        try:
            systems.get(known.id)
        except NotFound:
            return {"system": known.name, "removed": True}
        raise because(Conflict, "system-stays", system=known.name)

    def _systems(self, call: Call) -> Systems:
        return self._local().administration(call.context).systems

    def _found(self, systems: Systems, name: str) -> System:
        try:
            return systems.get(name)
        except NotFound:
            raise because(NotFound, "no-such-system", system=name) from None

    def _added(self, systems: Systems, name: str, call: Call) -> System | None:
        """The system that an earlier try under the same key added."""
        if not call.key:
            return None
        try:
            known = systems.get(name)
        except NotFound:
            return None
        return known if known.metadata.get(_MARK) == _digest(call.key) else None

    def _demand_free(self, systems: Systems, name: str, call: Call) -> None:
        try:
            systems.get(name)
        except NotFound:
            return
        if self._added(systems, name, call) is None:
            raise because(Conflict, "system-taken", system=name)

    def _wanted(self, call: Call) -> SystemRequest:
        given = call.input
        mine = self._given(str(given["adapter"]), given)
        return SystemRequest(
            str(given["name"]),
            str(given["adapter"]),
            str(given["address"]) if given.get("address") else None,
            mine.settings,
            mine.secrets,
            {_MARK: _digest(call.key)} if call.key else {},
        )

    def _given(self, adapter: str, given: Mapping[str, Any]) -> Given:
        found = self._form.given(adapter, given)
        if found.strange:
            error = because(Invalid, "not-its-setting", adapter=adapter, setting=found.strange[0])
            error.details["field"] = found.strange[0]
            raise error
        return found

    def _changes(self, known: System, given: Mapping[str, Any]) -> Changes:
        mine = self._given(known.adapter, given)
        settings, secrets = {**known.settings, **mine.settings}, dict[str, str | None](mine.secrets)
        for written in given.get("clear", ()):
            named = self._form.setting(known.adapter, str(written))
            if named is None:
                raise because(Invalid, "not-its-setting", adapter=known.adapter, setting=written)
            name, secret = named
            if secret:
                secrets.setdefault(name, None)
            elif name not in mine.settings:
                settings.pop(name, None)
        changes = Changes(
            name=str(given["name"]) if "name" in given and given["name"] != known.name else None,
            address=str(given["address"]) if "address" in given else None,
            enabled=bool(given["enabled"]) if "enabled" in given else None,
        )
        if settings != dict(known.settings):
            changes = replace(changes, settings=settings)
        return replace(changes, secrets=secrets) if secrets else changes

    def _new(self, known: System, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What would be another than now, by its name; secrets by their names alone."""
        changes = self._changes(known, given)
        plain = {"name": changes.name, "address": changes.address, "enabled": changes.enabled}
        found = {name: value for name, value in plain.items() if value is not None}
        if changes.settings is not None:
            new = {name: value for name, value in changes.settings.items() if known.settings.get(name) != value}
            found |= {name: _short(value) for name, value in new.items()}
        secrets = sorted(name for name, value in (changes.secrets or {}).items() if value is not None)
        return {**found, "secrets": secrets, "clear": list(given.get("clear", ()))}

    def _asked(self, systems: Systems, known: System) -> Mapping[str, Any]:
        """The system as it is kept, after it has answered."""
        with _told(known.name):
            trial = _passed(known.name, systems.test(known.id))
        return {"system": _shown(systems.get(known.id)), **_answered(trial)}


def _passed(system: str, trial: Trial) -> Trial:
    if not trial.ok:
        raise because(Unavailable, "system-failed", system=system, said=trial.reason)
    return trial


@contextmanager
def _told(system: str) -> Iterator[None]:
    """What the core or the system refuses, with cause and cure."""
    try:
        yield
    except Misconfigured as error:
        raise because(Misconfigured, "system-credential", system=system, said=error.message) from None
    except InUse as error:
        operations = [_operation(each) for each in error.details["operations"]]
        raise because(InUse, "system-busy", system=system, operations=operations) from None
    except Unavailable as error:
        if "reason" in error.details:
            raise
        raise because(Unavailable, "system-failed", system=system, said=error.message) from None
    except Invalid as error:
        refused = because(Invalid, "system-invalid", system=system, said=_sentence(error))
        if "field" in error.details:
            refused.details["field"] = error.details["field"]
        raise refused from None


def _operation(named: Mapping[str, str]) -> Mapping[str, Any]:
    """An operation in words, by the title of its action where it is one of ours."""
    title = f"action.{named['kind'].removeprefix(OURS)}.title"
    action = phrase(title) if named["kind"].startswith(OURS) and texts().has(title) else named["kind"]
    return phrase("phrase.operation", action=action, operation=named["id"])


def _short(value: Any) -> Any:
    """A certificate tells nobody anything."""
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value


def _sentence(error: IsthmusError) -> str:
    return f"{error.message} {error.next_step}" if error.next_step else error.message


def _answered(trial: Trial) -> dict[str, Any]:
    return {"offers": sorted(trial.abilities), "protocols": sorted(trial.protocols)}


def _shown(system: System) -> dict[str, Any]:
    return {
        "id": system.id,
        "name": system.name,
        "adapter": system.adapter,
        "address": system.address,
        "state": system.state.value,
        "health": system.health.value,
        "product": system.product,
    }


def _digest(key: str | None) -> str:
    return hashlib.sha256((key or "").encode()).hexdigest()
