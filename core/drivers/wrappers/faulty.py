"""Faults at a wanted moment, for tests of everything above a driver."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from inspect import CO_GENERATOR
from types import FrameType
from typing import Any, TypeVar

from .wrapper import Call, unwrap, wrap

T = TypeVar("T")


class Crash(BaseException):
    """The process dies here, as far as a test in one process can have it; nothing may catch it."""


class Moment(Enum):
    BEFORE = "before"
    INSIDE = "inside"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Fault:
    """Raise `error` at the `nth` call of `method` (`*`: of any), once.

    AFTER means that the change is made and its caller never learns it. INSIDE means when the call is about to enter
    its `entry`-th function of drivers, targets and data path, with the clean-up that an exception gets (a real kill
    gets none); it does not happen when the call is over before that.
    """

    method: str
    error: BaseException
    moment: Moment = Moment.BEFORE
    nth: int = 1
    entry: int = 1


class Faults:
    """A plan of faults, and what was called so far. May be changed at any time, from any thread."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = list(faults)
        self._calls: Counter[str] = Counter()
        self._guard = threading.Lock()

    @property
    def calls(self) -> Counter[str]:
        """How often each method was called; `*` counts all."""
        with self._guard:
            return self._calls.copy()

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults that have not happened."""
        with self._guard:
            return tuple(self._faults)

    def add(self, fault: Fault) -> None:
        """One more fault; its `nth` counts the calls from now on."""
        with self._guard:
            self._faults.append(
                Fault(fault.method, fault.error, fault.moment, fault.nth + self._calls[fault.method], fault.entry)
            )

    def clear(self) -> None:
        """No more faults."""
        with self._guard:
            self._faults.clear()

    def due(self, method: str) -> Fault | None:
        """Count a call of `method` and take the fault that is due at it."""
        with self._guard:
            self._calls[method] += 1
            self._calls["*"] += 1
            for fault in self._faults:
                if fault.method in (method, "*") and self._calls[fault.method] == fault.nth:
                    self._faults.remove(fault)
                    return fault
        return None


def faulty(driver: T, faults: Faults) -> T:
    """Let the planned `faults` happen to the calls of `driver`."""
    module = type(unwrap(driver)).__module__
    storage = __name__.rsplit(".", 3)[0]
    packages = (
        module.rpartition(".")[0] or module,
        *(f"{storage}.{part}" for part in ("drivers", "targets", "datapath")),
    )

    def around(call: Call, proceed: Callable[[], Any]) -> Any:
        fault = faults.due(call.method)
        if fault is None:
            return proceed()
        if fault.moment is Moment.BEFORE:
            raise fault.error
        result = _interrupted(proceed, fault, packages) if fault.moment is Moment.INSIDE else proceed()
        if fault.moment is Moment.AFTER:
            raise fault.error
        return result

    return wrap(driver, around)


def _interrupted(proceed: Callable[[], Any], fault: Fault, packages: tuple[str, ...]) -> Any:
    left = fault.entry

    def enter(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left
        module, code = str(frame.f_globals.get("__name__", "")), frame.f_code
        if not module.startswith(packages) or module.startswith(__package__):
            return
        # Raised there, it would keep clean-up from running: a generator is also entered at its end, and `__exit__`
        # is clean-up itself. The locks of a process that lives on would stay held.
        if code.co_flags & CO_GENERATOR or code.co_name.startswith("__"):
            return
        left -= 1
        if left == 0:
            sys.settrace(None)
            raise fault.error

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        return proceed()
    finally:
        sys.settrace(before)
