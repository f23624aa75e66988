"""A driver, target or publisher around another of its kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from ...targets.contract import Counts, Generations, Target
from ..contract import ABILITIES, Driver

T = TypeVar("T")

_KINDS: tuple[type, ...] = (Driver, Target, Generations, Counts, *ABILITIES.values())


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method of a contract, with its arguments by their names in the contract."""

    method: str
    arguments: Mapping[str, Any]


class Around(Protocol):
    """What a wrapper does about a call; `proceed()` makes it and gives its result."""

    def __call__(self, call: Call, proceed: Callable[[], Any], /) -> Any: ...


def wrap(inner: T, around: Around) -> T:
    """An object that does what `inner` does, each call led through `around`.

    It has exactly the Protocols that `inner` has. Its class is made for it, because from Python 3.12 `isinstance`
    looks for a Protocol's members where `__getattr__` does not reach. `unwrap` gives `inner` back.
    """
    members: dict[str, Any] = {"unwrap": lambda self: inner, "__repr__": lambda self: f"<around {inner!r}>"}
    for kind in _KINDS:
        if not isinstance(inner, kind):
            continue
        for name in (*vars(kind), *getattr(kind, "__annotations__", ())):
            if name.startswith("_"):
                continue
            declared = getattr(kind, name, None)
            members[name] = _leading(inner, name, declared, around) if callable(declared) else getattr(inner, name)
    return cast(T, type(f"Around{type(inner).__name__}", (), members)())


def unwrap(driver: T) -> T:
    """What lies inside all wrappers."""
    while (peel := getattr(driver, "unwrap", None)) is not None:
        driver = peel()
    return driver


def _leading(inner: object, name: str, declared: Callable[..., Any], around: Around) -> Callable[..., Any]:
    method = getattr(inner, name)
    names = tuple(inspect.signature(declared).parameters)[1:]

    def lead(self: object, *arguments: Any, **named: Any) -> Any:
        call = Call(name, {**dict(zip(names, arguments, strict=False)), **named})
        return around(call, lambda: method(*arguments, **named))

    lead.__name__, lead.__doc__ = name, declared.__doc__
    return lead
