"""Asks storage systems beside each other, each for a few seconds at most: one that hangs costs a page that time and
nobody anything else."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from ....adapters.contract import Adapter, Storage
from ....core.context import Context
from ....core.errors import Forbidden, IsthmusError, NotFound, NotOffered, Unavailable

SECONDS = 5.0
"""How long a system is waited for."""
MOST_HUNG = 8
"""With so many questions that a system has not answered no further one is asked."""

Answer = TypeVar("Answer")
Value = TypeVar("Value")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answers(Generic[Answer]):
    """What systems said, by their names, and why others did not. One that does not offer what was asked for, or that
    is not there for the tenant, is in neither."""

    found: Mapping[str, Answer]
    silent: Mapping[str, IsthmusError]


class Asking:
    """One for the process; safe for several threads."""

    def __init__(self, systems: Callable[[], Mapping[str, Adapter]], *, seconds: float = SECONDS) -> None:
        self._systems, self._seconds = systems, seconds
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()

    def each(
        self, context: Context, work: Callable[[str, Storage], Answer], *, only: str | None = None
    ) -> Answers[Answer]:
        """What `work` finds in each system, or in the one that is named."""
        chosen = {name: each for name, each in dict(self._systems()).items() if only in (None, name)}
        futures = {name: self._begin(name, adapter, context, work) for name, adapter in sorted(chosen.items())}
        until = time.monotonic() + self._seconds
        found: dict[str, Answer] = {}
        silent: dict[str, IsthmusError] = {}
        for name, future in futures.items():
            try:
                found[name] = future.result(max(0.0, until - time.monotonic()))
            except (NotOffered, Forbidden):
                continue
            except TimeoutError:
                silent[name] = Unavailable(f"It has not answered for {self._seconds:.0f} s.")
            except IsthmusError as error:
                silent[name] = error
            except Exception as error:
                _log.error("asking the system %s", name, exc_info=error)
                silent[name] = Unavailable("Its adapter failed; see the server's log.")
        return Answers(found, silent)

    def _begin(
        self, name: str, adapter: Adapter, context: Context, work: Callable[[str, Storage], Answer]
    ) -> Future[Answer]:
        future: Future[Answer] = Future()
        with self._lock:
            if self._waiting[name] >= MOST_HUNG:
                future.set_exception(Unavailable("It has not answered former questions yet."))
                return future
            self._waiting[name] += 1

        def run() -> None:
            try:
                future.set_result(work(name, adapter.storage(context)))
            except BaseException as error:
                future.set_exception(error)
            finally:
                with self._lock:
                    self._waiting[name] -= 1

        threading.Thread(target=run, name=f"views-ask-{name}", daemon=True).start()
        return future


def tried(work: Callable[[], Value]) -> Value | None:
    """What `work` returns; None where the system does not offer it or does not have it."""
    try:
        return work()
    except (NotOffered, NotFound, Forbidden):
        return None
