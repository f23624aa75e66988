"""How every datastore's storage stands: the inventory of a vCenter compared with what the storage systems say.

Nothing is changed by it, here or there: what is stale is told, and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import IsthmusError
from ....core.model.operation import Operation
from ....core.model.pool import PoolState
from ....core.model.volume import Volume, VolumeState
from ....ui_bridge.locale import Texts
from ....ui_bridge.objects import ObjectId
from ..actions.told import error_of
from ..inventory.inventory import Inventory
from ..inventory.item import Item, Reference
from .condition import Bounds, Condition, State, promise, room
from .kinds import (
    ATTENTION,
    FOLDER,
    HOSTS,
    LOST,
    OPERATIONS,
    PROMISE,
    ROOM,
    STALE_HOSTS,
    STORAGE,
    VOLUME,
    VOLUME_ERROR,
    VOLUME_GONE,
    Alarm,
)
from .memory import Behind, Told
from .storage import StorageView, SystemView

ROOT = Reference(FOLDER, "")
_OWN = "vsphere."

Names = Callable[[], frozenset[str]]
"""The iSCSI names of all hosts of the vCenter; asked for only when hosts are missing by their names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as found: its name, how it stands, and what is to be remembered of it (as in `Told`)."""

    name: str
    state: State
    behind: Behind | None = None
    hosts: tuple[str, ...] = ()


class Survey:
    """Of one vCenter. A storage that does not work is told when two surveys in a row found it so."""

    def __init__(self, guid: str, texts: Texts, bounds: Bounds) -> None:
        self._guid, self._texts, self._bounds = guid, texts, bounds
        self._suspected: frozenset[Reference] = frozenset()

    def look(
        self, inventory: Inventory, view: StorageView, told: Mapping[Reference, Told], names: Names, locale: str
    ) -> dict[Reference, Seen]:
        """All objects of which there is something to say, the root among them. Raises `Unavailable` without an
        inventory."""
        found: dict[Reference, Seen] = {}
        lost: set[Reference] = set()
        volumes = view.identifiers()
        stores = inventory.all("Datastore")
        for store in stores:
            before = told.get(store.reference, Told(store.reference))
            seen = self._datastore(store, before, view, volumes, locale)
            if seen is not None:
                found[store.reference] = seen
        for reference, seen in found.items():
            if STORAGE in seen.state.conditions:
                lost.add(reference)
                raised = told.get(reference, Told(reference)).raised
                if STORAGE.name not in raised and reference not in self._suspected:
                    found[reference] = _without(seen, STORAGE)
        self._suspected = frozenset(lost)
        self._operations(found, inventory, view, told, locale)
        self._hosts(found, inventory, view, told.get(ROOT, Told(ROOT)), names)
        return found

    def _datastore(
        self,
        store: Item,
        told: Told,
        view: StorageView,
        volumes: Mapping[str, tuple[SystemView, Volume]],
        locale: str,
    ) -> Seen | None:
        match = next((volumes[disk] for disk in disks(store) if disk in volumes), None)
        if match is not None:
            system, volume = match
            found = Behind(system.name, volume.id, volume.name, str(volume.identifier))
            return Seen(store.name, self._judged(store, told, system, volume, locale), found)
        behind = told.behind if told.behind is not None and told.behind.identifier in disks(store) else None
        if behind is None:
            return None
        arguments = {"name": store.name, "system": behind.system}
        if behind.system in view.systems:
            reason = self._texts.get("event.reason.gone", locale)
            gone = Condition(VOLUME_GONE, {**arguments, "volume": behind.name, "reason": reason})
            return Seen(store.name, State({VOLUME: gone}), behind)
        error = view.silent.get(behind.system)
        reason = self._texts.get("event.reason.no-system", locale) if error is None else error.message
        down = Condition(LOST, {**arguments, "reason": reason})
        return Seen(store.name, State({STORAGE: down}, frozenset({ROOM, PROMISE, VOLUME})), behind)

    def _judged(self, store: Item, told: Told, system: SystemView, volume: Volume, locale: str) -> State:
        conditions: dict[Alarm, Condition] = {}
        unknown: set[Alarm] = set()
        arguments = {"name": store.name, "system": system.name}
        if volume.state is VolumeState.ERROR:
            reason = self._texts.get("event.reason.error", locale)
            conditions[VOLUME] = Condition(VOLUME_ERROR, {**arguments, "volume": volume.name, "reason": reason})
        pool = system.pools.get(volume.pool or "")
        if pool is None or pool.state is PoolState.UNAVAILABLE:
            unknown |= {ROOM, PROMISE}
        if pool is None:
            return State(conditions, frozenset(unknown))
        if pool.state is PoolState.UNAVAILABLE:
            reason = self._texts.get("event.reason.pool", locale, pool=pool.name, reason=pool.reason).strip()
            conditions[STORAGE] = Condition(LOST, {**arguments, "reason": reason})
            return State(conditions, frozenset(unknown))
        for alarm, judge in ((ROOM, room), (PROMISE, promise)):
            raised = told.raised.get(alarm.name)
            judged = judge(pool, raised.kind if raised else "", self._bounds)
            if judged is not None:
                kind, percent = judged
                figures = {"name": store.name, "pool": pool.name, "percent": str(int(percent))}
                conditions[alarm] = Condition(kind, figures)
        return State(conditions, frozenset(unknown))

    def _operations(
        self,
        found: dict[Reference, Seen],
        inventory: Inventory,
        view: StorageView,
        told: Mapping[Reference, Told],
        locale: str,
    ) -> None:
        waiting: dict[Reference, dict[str, Mapping[str, str]]] = {}
        for system in view.systems.values():
            for operation in system.waiting:
                place = self.place(operation, system, found, inventory)
                if place is None:
                    continue
                reference, name = place
                waiting.setdefault(reference, {})[operation.id] = {
                    "name": name,
                    "action": title(self._texts, operation.kind, locale),
                    "operation": operation.id,
                    "reason": error_of(operation, locale),
                }
        for reference, each in waiting.items():
            condition = Condition.of(ATTENTION, each)
            found[reference] = _with(found.get(reference), inventory, reference, OPERATIONS, condition)
        if view.silent:
            # Their operations cannot be asked about, so nothing is called settled.
            for reference, known in told.items():
                if OPERATIONS.name in known.raised and reference not in waiting:
                    found[reference] = _unknown(found.get(reference), inventory, reference, OPERATIONS)

    def place(
        self, operation: Operation, system: SystemView, found: Mapping[Reference, Seen], inventory: Inventory
    ) -> tuple[Reference, str] | None:
        """What an operation is to be told of, and its name there; None for one that is no business of this vCenter."""
        asked = operation
        if operation.parent is not None:
            try:
                asked = system.storage.operations.get(operation.parent)
            except IsthmusError:
                return None
        if asked.kind.startswith(_OWN):
            try:
                target = ObjectId.parse(asked.resource or "")
            except IsthmusError:
                return None
            if target.guid != self._guid:
                return None
            return entity(inventory, Reference(target.kind, target.moid))
        for reference, seen in found.items():
            if seen.behind is not None and (seen.behind.system, seen.behind.volume) == (system.name, asked.resource):
                return reference, seen.name
        return None

    def _hosts(
        self,
        found: dict[Reference, Seen],
        inventory: Inventory,
        view: StorageView,
        told: Told,
        names: Names,
    ) -> None:
        here = {each.name for each in inventory.all("HostSystem")}
        behind = {(each.behind.system, each.behind.volume) for each in found.values() if each.behind is not None}
        known = set(told.hosts)
        confirmed: set[str] = set()
        missing: dict[str, tuple[str, frozenset[str]]] = {}
        for system in view.systems.values():
            for attachment in system.attachments:
                host = system.hosts.get(attachment.host)
                if host is None:
                    continue
                identity = f"{system.name}/{host.id}"
                if host.name in here and (system.name, attachment.volume) in behind:
                    confirmed.add(identity)
                elif identity in known and host.name not in here:
                    iqns = frozenset(each.name for each in host.initiators)
                    missing[identity] = host.name, iqns
        present = names() if missing else frozenset()
        stale = {identity: name for identity, (name, iqns) in missing.items() if not iqns & present}
        silent = {each for each in known if each.partition("/")[0] in view.silent}
        kept = tuple(sorted(confirmed | missing.keys() | silent))
        seen = found.get(ROOT, Seen("vCenter", State({})))
        conditions, unknown = dict(seen.state.conditions), set(seen.state.unknown)
        if stale:
            several = {identity: {"name": seen.name, "hosts": name} for identity, name in sorted(stale.items())}
            conditions[HOSTS] = Condition.of(STALE_HOSTS, several)
        elif silent:
            unknown.add(HOSTS)
        found[ROOT] = Seen(seen.name, State(conditions, frozenset(unknown)), hosts=kept)


def disks(store: Item) -> tuple[str, ...]:
    """The names on the wire of the disks that a datastore lies on; none for one that is not VMFS."""
    info: Mapping[str, Any] = store.get("info") or {}
    return tuple(str(each.get("diskName", "")) for each in (info.get("vmfs") or {}).get("extent", ()))


def title(texts: Texts, kind: str, locale: str) -> str:
    """What an operation's kind is called."""
    key = f"action.{kind.removeprefix(_OWN)}.title"
    return texts.get(key, locale) if kind.startswith(_OWN) and texts.has(key) else kind


def entity(inventory: Inventory, reference: Reference) -> tuple[Reference, str]:
    """The datastore or host itself; the root for anything else, and for what is gone, with its name."""
    try:
        name = inventory.get(reference).name
    except IsthmusError:
        return ROOT, reference.moid
    return (reference if reference.kind in ("Datastore", "HostSystem") else ROOT), name


def _named(seen: Seen | None, inventory: Inventory, reference: Reference) -> Seen:
    return seen or Seen("vCenter" if reference == ROOT else entity(inventory, reference)[1], State({}))


def _with(seen: Seen | None, inventory: Inventory, reference: Reference, alarm: Alarm, condition: Condition) -> Seen:
    now = _named(seen, inventory, reference)
    return Seen(now.name, State({**now.state.conditions, alarm: condition}, now.state.unknown), now.behind, now.hosts)


def _unknown(seen: Seen | None, inventory: Inventory, reference: Reference, alarm: Alarm) -> Seen:
    now = _named(seen, inventory, reference)
    return Seen(now.name, State(now.state.conditions, now.state.unknown | {alarm}), now.behind, now.hosts)


def _without(seen: Seen, alarm: Alarm) -> Seen:
    rest = {each: condition for each, condition in seen.state.conditions.items() if each is not alarm}
    return Seen(seen.name, State(rest, seen.state.unknown | {alarm}), seen.behind, seen.hosts)
