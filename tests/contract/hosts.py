"""The hosts' side of an export, as an implementation supplies it."""

from __future__ import annotations

import secrets
import threading
import uuid
from types import TracebackType
from typing import Protocol

import pytest

from isthmus.core.drivers.contract import Grant
from isthmus.core.model.attachment import AccessMode, Connection


class Client(Protocol):
    """A host's end of a connection. Every call raises `OSError` when the host cannot reach the volume (so)."""

    @property
    def size(self) -> int:
        """The size in bytes that the host sees now."""

    @property
    def identifier(self) -> str | None:
        """The wire identifier that the host sees; None where the protocol shows none."""

    def read(self, offset: int, length: int) -> bytes: ...

    def write(self, offset: int, data: bytes) -> None:
        """Write, and return only when the volume has it."""

    def close(self) -> None:
        """Leave. Never raises."""


class Hosts:
    """How hosts of a protocol are named and how they connect.

    `checks_names` says that the protocol knows hosts by name (an iSCSI initiator's) and refuses others.
    """

    checks_names: bool = True

    def host_grant(self, mode: AccessMode = AccessMode.READ_WRITE, shared: bool = False) -> Grant:
        """A grant for a host of its own, with names and credentials as the protocol has them."""
        host = str(uuid.uuid4())
        return Grant(
            attachment=str(uuid.uuid4()),
            host=host,
            mode=mode,
            initiators=(f"iqn.2016-01.example.host:{host}",),
            shared=shared,
            user=f"user-{host[:8]}",
            secret=secrets.token_hex(8),
        )

    def connect(self, connection: Connection, grant: Grant) -> Client:
        """Connect as the host of `grant`. `OSError` when it is not let in."""
        pytest.skip(f"no client for {connection.protocol} comes with this test")


class BusyHost:
    """A host that writes and reads back without a pause, in a thread, and counts; the first failure ends it."""

    def __init__(self, client: Client, offset: int = 0) -> None:
        self._client, self._offset = client, offset
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.rounds = 0
        self.failure: Exception | None = None

    def __enter__(self) -> BusyHost:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                block = self.rounds.to_bytes(8, "big") * 512
                self._client.write(self._offset, block)
                assert self._client.read(self._offset, len(block)) == block, "a block read back is not what was written"
                self.rounds += 1
        except Exception as failure:
            self.failure = failure
