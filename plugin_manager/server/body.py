"""A request body that cannot be larger than allowed, whether its length was declared or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Input(Protocol):
    """The `wsgi.input` of PEP 3333."""

    def read(self, size: int = -1) -> bytes: ...

    def readline(self, size: int = -1) -> bytes: ...


class BodyTooLarge(ValueError):
    """More than the limit came. Whatever the application makes of it, the server answers 413."""


def discard(source: Input, most: int) -> None:
    """Read what comes, at most `most` bytes, and throw it away.

    A client that still sends when the connection is closed gets an error instead of the answer.
    """
    while most > 0:
        part = source.read(min(most, 1 << 16))
        if not part:
            return
        most -= len(part)


class LimitedBody:
    """Reads from `source`, at most `limit` bytes in all; then `exceeded` is set and `BodyTooLarge` raised."""

    def __init__(self, source: Input, limit: int) -> None:
        self._source = source
        self._left = limit
        self.exceeded = False

    @property
    def source(self) -> Input:
        """Where the rest of the body comes from."""
        return self._source

    def read(self, size: int | None = -1) -> bytes:
        # One byte beyond the limit tells a body that ends there from one that goes on.
        most = self._left + 1
        if size is not None and 0 <= size <= most:
            return self._count(self._source.read(size))
        parts, got = [], 0
        while got < most:
            part = self._source.read(most - got)
            if not part:
                break
            parts.append(part)
            got += len(part)
        return self._count(b"".join(parts))

    def readinto(self, buffer: bytearray | memoryview) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1) -> bytes:
        most = self._left + 1
        wanted = most if size is None or size < 0 else min(size, most)
        return self._count(self._source.readline(wanted))

    def readlines(self, hint: int = -1) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _count(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            self.exceeded = True
            self._left = 0
            raise BodyTooLarge("the request body is too large")
        return data
