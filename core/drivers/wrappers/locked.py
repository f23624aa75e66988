"""One caller at a time for an object, on a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from .wrapper import Call, wrap

T = TypeVar("T")

_owner: ContextVar[str] = ContextVar("owner of the lease that driver calls are made under")
_held: ContextVar[frozenset[str]] = ContextVar("objects locked by this call's callers", default=frozenset())

_READING = frozenset({"inspect", "inspect_snapshot", "granted"})


class Locks(Protocol):
    """Locks named after objects, such as `ObjectLocks` of the data path."""

    def hold(self, object_id: str, owner: str, timeout: float) -> AbstractContextManager[None]:
        """Alone with the object while the block runs. Raises `Busy` when that is not had within `timeout` seconds."""


@contextmanager
def on_behalf_of(owner: str) -> Iterator[None]:
    """Calls inside are made under the lease of `owner`, by which a successor tells whether it may end this process."""
    token = _owner.set(owner)
    try:
        yield
    finally:
        _owner.reset(token)


def locked(driver: T, locks: Locks, timeout: float = 30.0) -> T:
    """Hold the lock of every object that a changing call names, a clone's source included.

    Raises `Busy` when a lock is not had within `timeout` seconds. Calls made inside such a call (an extend inside
    `resize`) have its locks already. A changing call outside `on_behalf_of` is a mistake: `RuntimeError`.
    """

    def around(call: Call, proceed: Callable[[], Any]) -> Any:
        held = _held.get()
        missing = sorted(_objects(call) - held) if call.method not in _READING else []
        if not missing:
            return proceed()
        owner = _owner.get(None)
        if owner is None:
            raise RuntimeError(f"{call.method} is called on behalf of nobody: enter on_behalf_of(owner) first")
        with ExitStack() as stack:
            # Always in the same order, so that two calls that share two objects do not wait for each other.
            for object_id in missing:
                stack.enter_context(locks.hold(object_id, owner, timeout))
            token = _held.set(held.union(missing))
            try:
                return proceed()
            finally:
                _held.reset(token)

    return wrap(driver, around)


def _objects(call: Call) -> set[str]:
    named = call.arguments
    found = {str(named[name]) for name in ("placement", "snapshot") if name in named}
    found.update(named[name].placement for name in ("wanted", "export") if name in named)
    return found
