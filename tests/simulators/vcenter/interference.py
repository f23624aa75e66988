"""What goes wrong on purpose: the next calls of a method fail, hang, or lose their reply."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Dropped(Exception):
    """The connection ends without a reply."""


@dataclass(slots=True)
class Trouble:
    """One thing that goes wrong. `times`: how many calls are left to meet it."""

    method: str
    times: int
    fault: Any
    seconds: float
    drop: bool
    after: bool
    # Which calls: it is given the receiver's reference and the arguments.
    when: Callable[[Any, dict[str, Any]], bool] | None


class Interference:
    """What shall go wrong in one vCenter, and what was called of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._troubles: list[Trouble] = []
        self.calls: list[str] = []

    def add(
        self,
        method: str = "*",
        *,
        fault: Any = None,
        seconds: float = 0.0,
        drop: bool = False,
        after: bool = False,
        times: int = 1,
        when: Callable[[Any, dict[str, Any]], bool] | None = None,
    ) -> Trouble:
        """Let the next `times` calls of a method (WSDL name, `*` for any; `POST /api/session` for REST) wait `seconds`
        and then fail with a fault, or drop the connection. `after`: once the call has done its work."""
        trouble = Trouble(method, times, fault, seconds, drop, after, when)
        with self._lock:
            self._released.clear()
            self._troubles.append(trouble)
        return trouble

    def clear(self) -> None:
        """All goes well again, for the calls that hang now too."""
        with self._lock:
            self._troubles.clear()
            self._released.set()

    def called(self, method: str) -> None:
        """Note a call."""
        with self._lock:
            self.calls.append(method)

    def meet(self, method: str, receiver: Any, arguments: dict[str, Any], *, after: bool) -> None:
        """What a call meets before or after its work. Raises the fault, or `Dropped`."""
        with self._lock:
            trouble = next(
                (each for each in self._troubles if self._meets(each, method, receiver, arguments, after)), None
            )
            if trouble is None:
                return
            trouble.times -= 1
            if not trouble.times:
                self._troubles.remove(trouble)
        if trouble.seconds:
            self._released.wait(trouble.seconds)
        if trouble.drop:
            raise Dropped(method)
        if trouble.fault is not None:
            raise trouble.fault

    @staticmethod
    def _meets(trouble: Trouble, method: str, receiver: Any, arguments: dict[str, Any], after: bool) -> bool:
        if trouble.method not in ("*", method) or trouble.after != after:
            return False
        return trouble.when is None or trouble.when(receiver, arguments)
