"""What a host does of which the suites know how it must be counted."""

from __future__ import annotations

from .drivers.bench import MIB, pattern
from .hosts import Client


def read_and_write(client: Client) -> None:
    """Two writes, of 8192 and 4096 bytes, and one read of 4096."""
    client.write(0, pattern(1, 8192))
    client.write(MIB, pattern(2, 4096))
    assert client.read(4096, 4096) == pattern(1, 8192)[4096:]
