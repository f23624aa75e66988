"""All managed objects of one vCenter, and when they changed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .registry import named_fault, vmodl

if TYPE_CHECKING:
    from .managed import Managed

Kind = TypeVar("Kind", bound="Managed")


class Model:
    """The lock, the versions and the objects by id. Changes of one `change()` are seen together or not at all."""

    def __init__(self) -> None:
        self.condition = threading.Condition(threading.RLock())
        self.objects: dict[str, Managed] = {}
        # `version` counts changes; `structure` is the version of the last one that moved references between objects,
        # `reread` that of the last one that may have changed what everybody sees (rights).
        self.version = 1
        self.structure = 1
        self.reread = 1
        self._numbers = itertools.count(1)
        self._depth = 0
        self._dirty = False

    @contextmanager
    def change(self) -> Iterator[None]:
        """Change several values as one. May be nested; the outermost end wakes all who wait."""
        with self.condition:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth and self._dirty:
                    self._dirty = False
                    self.condition.notify_all()

    def touch(self, changed: Managed | None, structure: bool) -> None:
        """Note a change. Within `change()` only."""
        if not self._dirty:
            self._dirty = True
            self.version += 1
        if changed is not None:
            changed.changed = self.version
        if structure:
            self.structure = self.version

    def touch_all(self) -> None:
        """Note that everybody may see something else now. Within `change()` only."""
        self.touch(None, True)
        self.reread = self.version

    def number(self) -> int:
        """A number no other object of this vCenter has."""
        return next(self._numbers)

    def add(self, managed: Kind) -> Kind:
        """Take an object in."""
        with self.change():
            self.objects[managed.moid] = managed
            self.touch(managed, True)
        return managed

    def remove(self, managed: Managed) -> None:
        """Let an object go. Nothing when it is gone already."""
        with self.change():
            if self.objects.pop(managed.moid, None) is not None:
                self.touch(None, True)
                managed.removed()

    def of(self, ref: Any) -> Managed:
        """The object a reference names. ManagedObjectNotFound when it is gone."""
        found = self.objects.get(ref._moId)
        if found is None or not isinstance(found.ref, type(ref)):
            raise named_fault(
                vmodl.fault.ManagedObjectNotFound(obj=ref),
                f"The object '{type(ref).__name__}:{ref._moId}' has already been deleted or has not been completely "
                "created",
            )
        return found

    def every(self, kind: type[Kind]) -> list[Kind]:
        """All objects of a class, oldest first."""
        with self.condition:
            return [each for each in self.objects.values() if isinstance(each, kind)]
