"""The inventory of one vCenter: what is there now, by type and id, and who is told when that changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ....core.errors import NotFound, Unavailable
from .item import Change, Item, Movement, Reference

Listener = Callable[[Sequence[Change]], None]
"""Told of changes, after they are to be seen; quick, on the watching thread."""

_log = logging.getLogger(__name__)


class Inventory:
    """Read by many threads, written by one. `version` rises with every change."""

    def __init__(self, vcenter: str) -> None:
        self._vcenter = vcenter
        self._condition = threading.Condition()
        self._items: dict[Reference, Item] = {}
        self._listeners: list[Listener] = []
        self._version = 0
        self._complete = False
        self._reason = ""

    @property
    def version(self) -> int:
        """Of what is to be seen now."""
        return self._version

    @property
    def reason(self) -> str:
        """Why what is to be seen may be old; empty while it is fed."""
        return self._reason

    @property
    def listened(self) -> bool:
        """Whether somebody is told of changes."""
        return bool(self._listeners)

    def get(self, reference: Reference) -> Item:
        """One object; raises `NotFound`, and `Unavailable` before the first inventory has come."""
        self._demand_complete()
        item = self._items.get(reference)
        if item is None:
            raise NotFound(
                f"vCenter {self._vcenter} has no {reference.kind} {reference.moid}.", next_step="Refresh the page."
            )
        return item

    def all(self, kind: str) -> list[Item]:
        """The objects of a type, in the order of their names; raises `Unavailable` as `get` does."""
        self._demand_complete()
        with self._condition:
            found = [item for item in self._items.values() if item.reference.kind == kind]
        return sorted(found, key=lambda item: (item.name, item.reference))

    def wait(self, after: int, seconds: float) -> int:
        """The version as soon as it is beyond `after`, or when the time is over."""
        with self._condition:
            self._condition.wait_for(lambda: self._version > after, seconds)
            return self._version

    def complete(self, seconds: float) -> bool:
        """Wait for the first inventory; returns whether it has come."""
        with self._condition:
            return self._condition.wait_for(lambda: self._complete, seconds)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of changes from now on; what is returned ends that."""
        with self._condition:
            self._listeners.append(listener)

        def end() -> None:
            with self._condition:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def begin(self, changes: Iterable[Change]) -> None:
        """A whole inventory has come, at first or after an interruption: what is not in it has gone."""
        items = {change.reference: Item(change.reference, change.values, change.raw) for change in changes}
        with self._condition:
            before = self._items
            told = [Change(Movement.WENT, each) for each in before if each not in items]
            for reference, item in items.items():
                if reference not in before:
                    told.append(Change(Movement.CAME, reference, item.properties))
                elif before[reference] != item:
                    told.append(_difference(before[reference], item))
            self._items = items
            self._finish(told)
        self._tell(told)

    def apply(self, changes: Sequence[Change]) -> None:
        """Some objects came, changed or went."""
        with self._condition:
            for change in changes:
                if change.movement is Movement.WENT:
                    self._items.pop(change.reference, None)
                    continue
                known = self._items.get(change.reference)
                self._items[change.reference] = _changed(known or Item(change.reference), change)
            self._finish(changes)
        self._tell(changes)

    def interrupted(self, reason: str) -> None:
        """It is not fed now; what was known stays to be seen."""
        with self._condition:
            self._reason = reason
            self._condition.notify_all()

    def _finish(self, changes: Sequence[Change]) -> None:
        first = not self._complete
        self._complete, self._reason = True, ""
        if changes or first:
            self._version += 1
        self._condition.notify_all()

    def _tell(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        with self._condition:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(changes)
            except Exception:
                _log.exception("a listener of the inventory of %s failed", self._vcenter)

    def _demand_complete(self) -> None:
        if not self._complete:
            raise Unavailable(
                f"The inventory of vCenter {self._vcenter} is not there yet"
                + (f": {self._reason}" if self._reason else "."),
                next_step="Try again in a moment; isthmus vsphere doctor says whether something is wrong.",
            )


def _changed(item: Item, change: Change) -> Item:
    def after(before: Mapping[str, Any], now: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**{path: value for path, value in before.items() if path not in change.removed}, **now}

    return Item(item.reference, after(item.properties, change.values), after(item.raw, change.raw))


def _difference(before: Item, after: Item) -> Change:
    values = {path: value for path, value in after.properties.items() if before.get(path) != value}
    removed = tuple(path for path in before.properties if path not in after.properties)
    return Change(Movement.CHANGED, after.reference, values, removed)
