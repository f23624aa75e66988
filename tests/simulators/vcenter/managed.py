"""What all managed objects have: an identity, values, rights, and the methods that clients may call.

A kind of object is a class with `KIND` (the registry's type). Its methods carry their WSDL names and take the `Call`
and the decoded arguments in the order of the WSDL; what a class does not have is answered with MethodNotFound. Values
are set with `set`, which tells waiting property collectors; a property worked out when it is asked for is a method
marked with `computed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from . import values
from .registry import is_reference, property_of, support, vim

if TYPE_CHECKING:
    from .sessions import Session
    from .vcenter import VCenter

Reader = TypeVar("Reader", bound=Callable[..., Any])


def computed(name: str) -> Callable[[Reader], Reader]:
    """Marks a method that answers for a property: it takes the session that asks (None before login)."""

    def mark(method: Reader) -> Reader:
        method.answers_for = name  # type: ignore[attr-defined]
        return method

    return mark


class Managed:
    """One managed object of one vCenter."""

    KIND: ClassVar[Any]
    # What a method needs where the registry leaves it open (it depends on the type there). Keyed by WSDL name.
    PRIVILEGES: ClassVar[Mapping[str, str]] = {}
    _computed: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {method.answers_for: name for name, method in vars(cls).items() if hasattr(method, "answers_for")}
        cls._computed = {**cls._computed, **own}

    def __init__(self, vc: VCenter, moid: str, **initial: Any) -> None:
        self.vc = vc
        self.moid = moid
        self.ref = self.KIND(moid)
        self.changed = 0
        self._values: dict[str, Any] = {}
        for name, value in initial.items():
            self.set(name, value)

    @property
    def authority(self) -> Managed:
        """The entity whose permissions decide who may do what with this object."""
        return self.vc.root

    @property
    def always_read(self) -> bool:
        """Whether properties may change without `set`."""
        return bool(self._computed)

    def get(self, path: str) -> Any:
        """The value a path names; None when it is unset. Only of values that were set."""
        steps = values.segments(path)
        return values.read(self._values.get(steps[0].name), steps[1:])

    def set(self, path: str, value: Any) -> None:
        """Change one value. All who wait for changes see it; within `vc.model.change()` they see it at its end."""
        steps = values.segments(path)
        name = steps[0].name
        info = property_of(self.KIND, name)
        if info is None:
            raise AttributeError(f"{self.KIND.__name__} has no property {name}")
        with self.vc.model.change():
            old = self._values.get(name)
            new = values.typed(info.type, values.replaced(old, steps[1:], value))
            if new is not None:
                support.CheckField(info, new)
            if old is not new and not values.same(old, new):
                self._values[name] = new
                self.vc.model.touch(self, _names_objects(old) or _names_objects(new))

    def extend(self, path: str, value: Any) -> None:
        """One element more in an array."""
        with self.vc.model.change():
            self.set(path, [*(self.get(path) or []), value])

    def discard(self, path: str, value: Any) -> None:
        """An array without the elements that say the same as `value`."""
        with self.vc.model.change():
            self.set(path, [each for each in self.get(path) or [] if not values.same(each, value)])

    def property(self, name: str, session: Session | None) -> Any:
        """The value of a property as the session sees it."""
        if name in self._computed:
            info = property_of(self.KIND, name)
            return values.typed(getattr(info, "type", None), getattr(self, self._computed[name])(session))
        return self._values.get(name)

    def property_privilege(self, info: Any) -> str:
        """What reading a property needs; where the registry is silent, Read on entities and View elsewhere."""
        return info.privId or ("System.Read" if issubclass(self.KIND, vim.ManagedEntity) else "System.View")

    def removed(self) -> None:
        """Called, under the lock, when the object has left the model."""


def _names_objects(value: Any) -> bool:
    return is_reference(value) or (isinstance(value, list) and bool(value) and is_reference(value[0]))
