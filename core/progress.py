"""How far a long call is, told from inside it to those who would otherwise turn away from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[float], None]

_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("who is told how far the work of this context is", default=())


class Stopped(Exception):
    """Nobody wants the result of this work any more."""


def report(fraction: float) -> None:
    """Say that the call which runs in this thread has got further, and how far it is (0.0 to 1.0).

    It gives the call its whole time limit anew, and its step as well; so it is said only when something has moved
    since the last time. The fraction may fall back when the next part of the work begins. Cheap; does nothing where
    nobody listens.

    Raises `Stopped` when the operation is to be taken back: what was begun is cleaned up as after any error, and the
    exception let through.
    """
    for listener in _listeners.get():
        listener(min(1.0, max(0.0, fraction)))


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Let `listener` be told too what is reported while the block runs, in the thread that reports it."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)
