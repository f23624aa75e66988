"""No call for an object that an abandoned call still works on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from ...errors import Busy
from .wrapper import Call, wrap

T = TypeVar("T")

_READING = frozenset({"inspect", "inspect_snapshot", "granted", "meter", "count"})
_own: ContextVar[frozenset[str]] = ContextVar("objects that this call's callers work on", default=frozenset())
_guard = threading.Lock()


def alone(driver: T, busy: set[str]) -> T:
    """Raise `Busy` for a changing call on an object that is in `busy`, and keep its objects there while it runs.

    The engine holds an object's lock while it calls, so a call that finds its object taken follows one that `bounded`
    turned away from and that has not ended. Calls made inside a call (an extend inside `resize`) have its objects.
    Pass the same set for the same back end, whatever object its driver is.
    """

    def around(call: Call, proceed: Callable[[], Any]) -> Any:
        mine = _own.get()
        wanted = _objects(call) - mine if call.method not in _READING else frozenset()
        if not wanted:
            return proceed()
        with _guard:
            taken = wanted & busy
            if not taken:
                busy.update(wanted)
        if taken:
            raise Busy(
                f"an earlier call still works on {', '.join(sorted(taken))} and was not waited for",
                next_step="it is tried again; look at the back end if this stays",
                objects=sorted(taken),
            )
        token = _own.set(mine | wanted)
        try:
            return proceed()
        finally:
            _own.reset(token)
            with _guard:
                busy.difference_update(wanted)

    return wrap(driver, around)


def _objects(call: Call) -> frozenset[str]:
    named = call.arguments
    found = {str(named[name]) for name in ("placement", "snapshot") if name in named}
    found.update(named[name].placement for name in ("wanted", "export") if name in named)
    return frozenset(found)
