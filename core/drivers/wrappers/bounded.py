"""A time limit for calls that never come back."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TimedOut
from queue import SimpleQueue
from typing import Any, TypeVar

from ...errors import Transient
from .wrapper import Call, wrap

T = TypeVar("T")

_Work = tuple[contextvars.Context, Callable[[], Any], "Future[Any]"]


class Bound:
    """Threads that make the calls, so that a caller can turn away from one that hangs.

    A thread that hangs is left behind and counted in `hung`; it is of use again when its call ends after all. With
    `most_hung` of them no further call is begun. The threads are daemons: none of them keeps a process alive.
    """

    def __init__(self, most_hung: int = 16) -> None:
        self._most_hung = most_hung
        self._idle: list[SimpleQueue[_Work]] = []
        self._hung: set[Future[Any]] = set()
        self._guard = threading.Lock()

    @property
    def hung(self) -> int:
        """The calls that were turned away from and have not ended."""
        with self._guard:
            return len(self._hung)

    def call(self, what: str, work: Callable[[], Any], timeout: float) -> Any:
        """The result of `work()`; `Transient` when there is none within `timeout` seconds."""
        done: Future[Any] = Future()
        with self._guard:
            if len(self._hung) >= self._most_hung:
                raise Transient(
                    f"{len(self._hung)} calls hang on the back end; {what} is not begun",
                    next_step="look at the back end; calls are made again when it answers",
                    hung=len(self._hung),
                )
            inbox = self._idle.pop() if self._idle else self._grow()
        inbox.put((contextvars.copy_context(), work, done))
        try:
            return done.result(timeout)
        except TimedOut:
            # The work itself may raise the same class, and may have ended in this very moment.
            if done.done():
                return done.result()
        with self._guard:
            if not done.done():
                self._hung.add(done)
        done.add_done_callback(self._forget)
        raise Transient(
            f"{what} did not end within {timeout:g} s",
            next_step="it is tried again; look at the back end if this stays",
            timeout=timeout,
        )

    def _grow(self) -> SimpleQueue[_Work]:
        inbox: SimpleQueue[_Work] = SimpleQueue()
        threading.Thread(target=self._serve, args=(inbox,), name="driver-call", daemon=True).start()
        return inbox

    def _serve(self, inbox: SimpleQueue[_Work]) -> None:
        while True:
            context, work, done = inbox.get()
            try:
                result = context.run(work)
            except BaseException as error:
                self._rest(inbox)
                done.set_exception(error)
            else:
                self._rest(inbox)
                done.set_result(result)
            # Nothing of a finished call is kept alive by a thread that waits.
            del context, work, done

    def _rest(self, inbox: SimpleQueue[_Work]) -> None:
        with self._guard:
            self._idle.append(inbox)

    def _forget(self, done: Future[Any]) -> None:
        with self._guard:
            self._hung.discard(done)


def ends_in_time(driver: object) -> bool:
    """Whether the driver vouches that each of its calls ends by itself within the timeout of its setup.

    It says so with an attribute `ends_in_time` that is true. To hand a call over to another thread and back costs
    more than the whole call of such a driver, and nobody will have to turn away from it.
    """
    return bool(getattr(driver, "ends_in_time", False))


def bounded(driver: T, timeout: float, bound: Bound) -> T:
    """End every call of `driver` after `timeout` seconds with `Transient`, whatever became of it.

    `stop` is not bounded by an error, for it never raises: it is left behind silently.
    """

    def around(call: Call, proceed: Callable[[], Any]) -> Any:
        try:
            return bound.call(call.method, proceed, timeout)
        except Transient:
            if call.method == "stop":
                return None
            raise

    return wrap(driver, around)
