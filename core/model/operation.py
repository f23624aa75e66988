"""An operation: one journaled change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class OperationState(StrEnum):
    """`pending` waits for a runner or for a time, `waiting` for a child operation; the last four are ends, of which
    `needs_attention` can be left again by retry or abandon."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"
    ABANDONED = "abandoned"

    @property
    def live(self) -> bool:
        """Whether the operation still owns its resource and goes on by itself."""
        return self in _LIVE

    @property
    def ended(self) -> bool:
        """Whether it will never run again."""
        return self in _ENDED


_LIVE = frozenset({OperationState.PENDING, OperationState.RUNNING, OperationState.WAITING})
_ENDED = frozenset({OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED, OperationState.ABANDONED})


@dataclass(frozen=True, slots=True)
class Operation:
    """One journaled change of one resource.

    `progress` is 0.0 to 1.0. `step` is the name of the step that runs next or runs now; `undoing` says that steps
    are being taken back. `error` is an error document (see `IsthmusError.to_json`). `result` holds what the flow
    wants to tell the caller (ids, warnings such as "the client sees the size when it reconnects"); `explanation`
    is the scheduler's. `plan` is set on a dry run, which is never stored.
    """

    id: str
    kind: str
    resource_type: str
    resource: str | None
    tenant: str | None
    user: str
    request_id: str
    state: OperationState
    created_at: datetime
    updated_at: datetime
    flow_version: int = 1
    parent: str | None = None
    idempotency_key: str | None = None
    step: str | None = None
    undoing: bool = False
    progress: float = 0.0
    note: str = ""
    cancel_requested: bool = False
    node: str | None = None
    attempts: int = 0
    error: Mapping[str, Any] | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    explanation: Mapping[str, Any] | None = None
    plan: Mapping[str, Any] | None = None
