"""A time limit for calls that never come back."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TimedOut
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from ...errors import Transient
from ...progress import heard
from .wrapper import Call, wrap

T = TypeVar("T")

_Work = tuple[contextvars.Context, Callable[[], Any], "Future[Any]"]


class _Patience:
    """How long a call is still waited for: `timeout` seconds from its beginning or its latest progress."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._since = time.monotonic()
        self.renewed = False

    def renew(self, fraction: float) -> None:
        self._since, self.renewed = time.monotonic(), True

    def left(self) -> float:
        return self._since + self._timeout - time.monotonic()


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
        """The result of `work()`; `Transient` when for `timeout` seconds it neither ends nor reports progress."""
        done: Future[Any] = Future()
        patience = _Patience(timeout)

        def watched() -> Any:
            with heard(patience.renew):
                return work()

        with self._guard:
            if len(self._hung) >= self._most_hung:
                raise Transient(
                    f"{len(self._hung)} calls hang on the back end; {what} is not begun",
                    next_step="look at the back end; calls are made again when it answers",
                    hung=len(self._hung),
                )
            inbox = self._idle.pop() if self._idle else self._grow()
        inbox.put((contextvars.copy_context(), watched, done))
        while not done.done() and (left := patience.left()) > 0:
            # Asked for its error and not for its result: the work itself may raise the same class.
            with suppress(TimedOut):
                done.exception(left)
        with self._guard:
            ended = done.done()
            if not ended:
                self._hung.add(done)
        if ended:
            return done.result()
        done.add_done_callback(self._forget)
        raise Transient(
            f"{what} {'went no further' if patience.renewed else 'did not end'} within {timeout:g} s",
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
    """End every call of `driver` that for `timeout` seconds neither ends nor reports progress (`core.progress`) with
    `Transient`, whatever became of it.

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
