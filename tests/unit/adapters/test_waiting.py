"""Waiting for an operation of another server, also of one that lets nobody wait any more."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from isthmus.adapters.remote import storage as module
from isthmus.adapters.remote.bound import Caller
from isthmus.core.model.operation import Operation, OperationState

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = Operation(
    "op", "volume.create", "volume", "v1", "t1", "u1", "req-1", OperationState.RUNNING, MOMENT, MOMENT
)  # fmt: skip


class Busy:
    """A server that answers each wait at once, for the first `times` with an operation that goes on."""

    def __init__(self, times: int) -> None:
        self.times, self.waits = times, list[float]()

    def one(self, kind: type[Operation], method: str, path: str, *, query: dict[str, float]) -> Operation:
        self.waits.append(query["wait"])
        return RUNNING if len(self.waits) <= self.times else replace(RUNNING, state=OperationState.DONE)


def wait(server: Busy, seconds: float) -> Operation:
    operations: Any = module._Operations(cast(Caller, server))
    return cast(Operation, operations.wait("op", seconds))


def test_a_server_that_lets_nobody_wait_is_asked_again_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server = Busy(2)
    assert wait(server, 20.0).state is OperationState.DONE
    assert len(server.waits) == 3 and len(pauses) == 2
    assert all(0 < pause <= module._PAUSE for pause in pauses), "it is asked in a circle"


def test_it_is_not_waited_for_longer_than_was_said() -> None:
    server = Busy(10_000)
    assert wait(server, 0.0).state is OperationState.RUNNING and server.waits == [0.0]
