"""What an application answers, held until its status is known, and bodies that are sent as they come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .logs import REQUEST_ID
from .problem import Answer

_log = logging.getLogger(__name__)


class Reply:
    """The status and headers that an application gave; it is passed as `start_response`."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        self.status, self.headers = status, list(headers)
        return _no_write

    def begun(self) -> bool:
        """Whether the status is known."""
        return bool(self.status)

    def header(self, name: str) -> str:
        """The value of a header; empty when it was not given."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def give(self, answer: Answer) -> list[bytes]:
        """Answer this instead of what the application would have; its body."""
        self.status, self.headers = answer.status, list(answer.headers)
        return [answer.body]


def _no_write(data: bytes) -> None:
    raise NotImplementedError("return the body instead of writing it")


class _Begun:
    """An answer whose first part had to be produced to learn its status."""

    def __init__(self, first: bytes, rest: Iterator[bytes], produced: Iterable[bytes]) -> None:
        self._first = first
        self._rest = rest
        self._produced = produced

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._rest

    def close(self) -> None:
        close(self._produced)


def begun(produced: Iterable[bytes], reply: Reply) -> Iterable[bytes]:
    """`produced` with its status known: an application may give it as late as with the first part of its body."""
    if reply.begun():
        return produced
    rest = iter(produced)
    known = _Begun(next(rest, b""), rest, produced)
    if not reply.begun():
        known.close()
        raise RuntimeError("the application gave no status")
    return known


class Stream:
    """A body that is sent as it comes. Ends cleanly when the application's part fails; closed once, whoever does it."""

    def __init__(self, produced: Iterable[bytes], request_id: str, closed: Callable[[], None] | None = None) -> None:
        self._produced = produced
        self._iterator = iter(produced)
        self._request_id = request_id
        self._closed = closed
        self._open = True
        self._lock = threading.Lock()
        self.afterwards: Callable[[], None] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = REQUEST_ID.set(self._request_id)
        try:
            return next(self._iterator)
        except StopIteration:
            self.close()
            raise
        except Exception:
            _log.exception("an answer broke off")
            self.close()
            raise StopIteration from None
        finally:
            REQUEST_ID.reset(token)

    def close(self) -> None:
        """Tell whoever waits for its end."""
        with self._lock:
            was_open, self._open = self._open, False
        if not was_open:
            return
        try:
            close(self._produced)
        finally:
            for call in (self._closed, self.afterwards):
                if call is not None:
                    call()


def close(produced: Iterable[bytes]) -> None:
    """Close a body of an application; an error in that is logged."""
    closing = getattr(produced, "close", None)
    if closing is None:
        return
    try:
        closing()
    except Exception:
        _log.exception("an answer could not be closed")
