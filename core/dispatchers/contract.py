"""The contract of a dispatcher: it carries operation ids to processes that run them, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

CONTRACT_VERSION = 1


class Dispatcher(Protocol):
    """Carries the wake-up "this operation wants a runner".

    It need not be reliable: a message that is lost, late, doubled or delivered to a process that cannot run the
    operation is harmless, since the journal's sweeper finds what nobody runs. Extensions of the namespace
    `isthmus.dispatchers` are called without arguments or with their settings as keywords.
    """

    runs_here: bool
    """Whether what is dispatched from this process is run by this process (so that it may own it at once)."""

    def start(self, run: Callable[[str], None], threads: int) -> None:
        """Begin to deliver: call `run(operation_id)` for each message, in at most `threads` threads at a time.

        Threads are started here, never at import. `run` returns when the operation has ended or was given up.
        """

    def dispatch(self, operation_id: str, node: str | None = None) -> None:
        """Ask for a runner on `node` (None: any). Returns at once; raises `Unavailable` when the carrier is down."""

    def backlog(self) -> int:
        """How many messages wait, as far as this process knows."""

    def replace(self, thread: int) -> None:
        """The call of `run` in the thread with this identifier hangs: let another thread take its place."""

    def stop(self) -> None:
        """Deliver nothing any more and forget what waits. Does not wait for calls of `run` that go on. Idempotent."""
