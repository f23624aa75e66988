"""No more calls at once than a back end bears."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from ...errors import Busy
from .wrapper import Call, wrap

T = TypeVar("T")

_inside: ContextVar[frozenset[int]] = ContextVar("limits that this call's callers count under", default=frozenset())


def limited(driver: T, calls: int, timeout: float = 30.0) -> T:
    """Let at most `calls` run at once; one that waits longer than `timeout` seconds raises `Busy`.

    A call made inside another (an extend inside `resize`) counts with it. `stop` never waits.
    """
    room = threading.Semaphore(calls)

    def around(call: Call, proceed: Callable[[], Any]) -> Any:
        if id(room) in _inside.get() or call.method == "stop":
            return proceed()
        if not room.acquire(timeout=timeout):
            raise Busy(
                f"{calls} calls are running on the back end and none ended within {timeout:g} s",
                next_step="it is tried again; look at the back end if this stays",
                calls=calls,
            )
        token = _inside.set(_inside.get() | {id(room)})
        try:
            return proceed()
        finally:
            _inside.reset(token)
            room.release()

    return wrap(driver, around)
