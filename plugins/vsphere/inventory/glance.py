"""Answers for menus: what an action may look at in milliseconds, before anybody decided to use it.

The vSphere Client asks for the menu of whatever is clicked on and waits with a spinner. Each action checks itself in
the person's own session, and most of them ask the same. So within a glance, and only there, what was read or granted a
moment ago counts for all actions and all objects, and what the inventory is told anyway (hosts, clusters, folders) is
not asked for again. When an action is used, everything is asked of the vCenter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from ....core.errors import Forbidden, IsthmusError, NotFound, Unavailable
from ....plugin_manager.action import Action, Actions, Call, Choice, Result
from ..connection.faults import translated
from ..connection.soap import Connection, Who
from .collector import reference
from .inventory import Inventory
from .item import Reference
from .renewals import Renewals
from .watch import Watches
from .watched import WATCHED

FRESH_SECONDS = 3.0
"""So long an answer counts; then it counts on while it is asked for anew in the background, …"""
OLDEST_SECONDS = 10.0
"""… but no longer than this."""
_MOST = 20_000
_VIEW = "System.View"
_FROM_INVENTORY = ("Datastore", "HostSystem", "ComputeResource", "ClusterComputeResource", "Folder", "Datacenter")
_STEADY = "storageDeviceInfo.hostBusAdapter"
_STEADY_FACTOR = 10.0
"""What only an administrator's hand changes counts longer by this: the adapters of hosts, which are much to read."""

Answer = TypeVar("Answer")
_current: ContextVar[Glances | None] = ContextVar("glances", default=None)


def glanced(guid: str, connection: Connection, who: Who) -> Connection:
    """The connection as it is to be used now: itself, or within a glance one that remembers."""
    glances = _current.get()
    return connection if glances is None else glances.connection(guid, connection, who)


@dataclass(slots=True)
class _Known:
    answer: Any
    fresh_until: float
    until: float


def remembered(key: tuple[Any, ...], ask: Callable[[], Answer]) -> Answer:
    """What `ask` answers; within a glance what was answered under the key a moment ago."""
    glances = _current.get()
    return ask() if glances is None else glances.remembered(key, ask)


class Glances:
    """What was read within glances of this process, by session. Safe for several threads."""

    def __init__(self, watches: Watches, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._watches, self._clock = watches, clock
        self._lock = threading.Lock()
        self._renewals = Renewals()
        self._known: dict[tuple[Any, ...], _Known] = {}
        self._wanted: dict[str, frozenset[str]] = {"HostSystem": frozenset((_VIEW, "Host.Config.Storage"))}

    @contextmanager
    def glancing(self) -> Iterator[None]:
        """What is checked within is a glance."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def connection(self, guid: str, connection: Connection, who: Who) -> Connection:
        """One that remembers, in the same session."""
        return _Remembering(self, guid, connection, who)

    def remembered(self, key: tuple[Any, ...], ask: Callable[[], Answer], factor: float = 1.0) -> Answer:
        """What was answered a moment ago, else what `ask` answers now. What it raises is not remembered. `factor`
        makes the moment longer."""
        moment = self._clock()
        with self._lock:
            known = self._known.get(key)
            if known is not None and known.until <= moment:
                known = None
            renew = known is not None and known.fresh_until <= moment
            if known is not None and renew:
                known.fresh_until = moment + FRESH_SECONDS * factor
        if known is None:
            return self.keep(key, ask(), factor)
        if renew:
            self._renewals.add(str(key[0]), lambda: self._renew(key, ask, factor))
        answer: Answer = known.answer
        return answer

    def keep(self, key: tuple[Any, ...], answer: Answer, factor: float = 1.0) -> Answer:
        """Remember it."""
        moment = self._clock()
        with self._lock:
            if len(self._known) >= _MOST:
                self._known = {name: each for name, each in self._known.items() if each.until > moment}
                if len(self._known) >= _MOST:
                    self._known.clear()
            self._known[key] = _Known(answer, moment + FRESH_SECONDS * factor, moment + OLDEST_SECONDS * factor)
        return answer

    def peek(self, key: tuple[Any, ...]) -> Any | None:
        """What is remembered."""
        known = self._known.get(key)
        return known.answer if known is not None and known.until > self._clock() else None

    def _renew(self, key: tuple[Any, ...], ask: Callable[[], Any], factor: float) -> None:
        try:
            self.keep(key, ask(), factor)
        except Exception:
            # Whoever asks next gets the error, in a call of the own.
            with self._lock:
                self._known.pop(key, None)

    def wanted(self, kind: str, privileges: Sequence[str]) -> frozenset[str]:
        """All privileges that were ever asked about on objects of a type, so that one call brings them all."""
        with self._lock:
            found = self._wanted.get(kind, frozenset()) | frozenset(privileges)
            self._wanted[kind] = found
        return found

    def inventory(self, guid: str, kind: str, paths: Sequence[str]) -> Inventory | None:
        """The inventory that knows these properties of objects of the type; None when it is not fed now, or not told
        of them."""
        watched = WATCHED["ComputeResource" if kind == "ClusterComputeResource" else kind]
        if not set(paths) <= set(watched):
            return None
        try:
            found = self._watches.inventory(guid)
        except IsthmusError:
            return None
        return None if found.reason else found


class _Remembering(Connection):
    """A connection within a glance."""

    def __init__(self, glances: Glances, guid: str, connection: Connection, who: Who) -> None:
        self.endpoint, self.version, self.stub = connection.endpoint, connection.version, connection.stub
        self._content = connection.content
        self._glances, self._guid, self._who = glances, guid, who

    def read(self, managed: Any, *paths: str) -> dict[str, Any]:
        known = self._from_inventory([managed], paths)
        if known is not None and managed._moId in known:
            return known[managed._moId]
        group = self._group(managed)
        if len(group) > 1:
            found = self._asked(group, paths).get(managed._moId)
            if found is not None:
                return found
        ask = super().read
        return self.remembered(("read", managed._moId, paths), lambda: ask(managed, *paths))

    def read_all(self, objects: Sequence[Any], *paths: str) -> dict[str, dict[str, Any]]:
        if not objects:
            return {}
        found = self._from_inventory(objects, paths)
        if found is None:
            found = self._asked(objects, paths)
        self._gather(objects)
        for path in paths:
            named = {each[path]._moId: each[path] for each in found.values() if hasattr(each.get(path), "_moId")}
            self._gather(list(named.values()))
        return found

    def privileges(self, entity: Any, session: str, wanted: Sequence[str]) -> frozenset[str]:
        if session != self._who.key:
            return super().privileges(entity, session, wanted)
        try:
            return self._granted(self._group(entity), wanted).get(entity._moId, frozenset()) & frozenset(wanted)
        except (Forbidden, NotFound):
            return super().privileges(entity, session, wanted)

    def remembered(self, key: tuple[Any, ...], ask: Callable[[], Answer]) -> Answer:
        return self._glances.remembered((self._guid, self._who.key, *key), ask)

    def _asked(self, objects: Sequence[Any], paths: Sequence[str]) -> dict[str, dict[str, Any]]:
        ask = super().read_all
        key = (self._guid, self._who.key, "read", _moids(objects), tuple(paths))
        return self._glances.remembered(key, lambda: ask(objects, *paths), _STEADY_FACTOR if _STEADY in paths else 1.0)

    def _from_inventory(self, objects: Sequence[Any], paths: Sequence[str]) -> dict[str, dict[str, Any]] | None:
        """Of those objects that the person may see."""
        kind = reference(objects[0]).kind
        inventory = self._glances.inventory(self._guid, kind, paths) if kind in _FROM_INVENTORY else None
        if inventory is None:
            return None

        def read() -> dict[str, dict[str, Any]]:
            known = {each._moId: inventory.get(reference(each)) for each in objects}
            return {
                moid: {path: self._own(item.raw.get(path, item.get(path))) for path in paths if path in item.properties}
                for moid, item in known.items()
            }

        try:
            # Read again when the inventory was told of anything.
            found = self.remembered(("known", _moids(objects), tuple(paths), inventory.version), read)
            granted = self._granted(objects, (_VIEW,))
        except (Forbidden, NotFound, Unavailable):
            # The vCenter tells nothing of several when one of them is hidden or gone: a real reading sorts it out.
            return None
        return {moid: values for moid, values in found.items() if _VIEW in granted.get(moid, ())}

    def _granted(self, entities: Sequence[Any], wanted: Sequence[str]) -> dict[str, frozenset[str]]:
        """By id: what the session may do, asked for all entities and all privileges of their type in one call."""
        group = self._group(entities[0])
        if len(group) > len(entities) and {each._moId for each in entities} <= {each._moId for each in group}:
            entities = group
        privileges = sorted(self._glances.wanted(reference(entities[0]).kind, wanted))

        def ask() -> dict[str, frozenset[str]]:
            with translated(self.endpoint):
                answers = self._content.authorizationManager.HasPrivilegeOnEntities(
                    list(entities), self._who.key, privileges
                )
            return {
                each.entity._moId: frozenset(one.privId for one in each.privAvailability if one.isGranted)
                for each in answers
            }

        return self.remembered(("granted", _moids(entities), tuple(privileges)), ask)

    def _gather(self, objects: Sequence[Any]) -> None:
        """Whoever asks about one of these will ask about the others too, so they are asked about together."""
        if len(objects) < 2 or {each._moId for each in objects} <= {each._moId for each in self._group(objects[0])}:
            return
        for each in objects:
            self._glances.keep((self._guid, self._who.key, "group", each._moId), objects)

    def _group(self, entity: Any) -> Sequence[Any]:
        found = self._glances.peek((self._guid, self._who.key, "group", entity._moId))
        return found if found is not None else [entity]

    def _own(self, value: Any) -> Any:
        """A value of the inventory as pyVmomi gives it, its objects in this session."""
        if isinstance(value, Reference):
            return self.reference(value.kind, value.moid)
        if isinstance(value, tuple):
            return [self._own(each) for each in value]
        return value


class GlancingActions:
    """`Actions` for those who ask what is possible often: their `check` is a glance, all else is as it is."""

    def __init__(self, actions: Actions, glances: Glances) -> None:
        self._actions, self._glances = actions, glances

    def list(self, *, kind: str | None = None) -> Sequence[tuple[str, Action]]:
        return self._actions.list(kind=kind)

    def get(self, plugin: str, action: str) -> Action:
        return self._actions.get(plugin, action)

    def check(self, plugin: str, action: str, call: Call) -> IsthmusError | None:
        with self._glances.glancing():
            return self._actions.check(plugin, action, call)

    def choices(self, plugin: str, action: str, field: str, call: Call) -> Sequence[Choice]:
        return self._actions.choices(plugin, action, field, call)

    def bounds(self, plugin: str, action: str, call: Call) -> Mapping[str, Mapping[str, Any]]:
        return self._actions.bounds(plugin, action, call)

    def plan(self, plugin: str, action: str, call: Call) -> Mapping[str, Any]:
        return self._actions.plan(plugin, action, call)

    def invoke(self, plugin: str, action: str, call: Call) -> Result | Any:
        return self._actions.invoke(plugin, action, call)


def _moids(objects: Sequence[Any]) -> tuple[str, ...]:
    return tuple(each._moId for each in objects)
