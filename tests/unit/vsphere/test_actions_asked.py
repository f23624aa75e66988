"""A step that is tried anew asks another system anew for what failed there, and never twice for what did not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from isthmus.core.model.identity import now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.plugins.vsphere.actions.asked import asked


@dataclass
class Try:
    """A run of a step, as far as it is looked at."""

    attempt: int
    key: str = "operation/step"


@dataclass
class Elsewhere:
    """A system that keeps what each key stood for; the first `failing` operations fail."""

    failing: int
    accepted: dict[str, Operation] = field(default_factory=dict)

    def submit(self, key: str) -> Operation:
        if key not in self.accepted:
            made = Operation(
                id=str(len(self.accepted)), kind="volume.revert", resource_type="volume", resource="v", tenant="t",
                user="u", request_id="r", state=OperationState.PENDING, created_at=now(), updated_at=now(),
            )  # fmt: skip
            self.accepted[key] = made
            return made
        ended = OperationState.FAILED if len(self.accepted) <= self.failing else OperationState.DONE
        found = self.accepted[key]
        if found.state is OperationState.PENDING:
            found = self.accepted[key] = replace(found, state=ended)
        return found


def ask(system: Elsewhere, attempt: int) -> OperationState:
    """As a step does: asked once, and again when it has ended."""
    run: Any = Try(attempt)
    asked(run, "revert", system.submit)
    return asked(run, "revert", system.submit).state


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_each_try_asks_once_until_it_is_done(failing: int) -> None:
    system = Elsewhere(failing)
    states = [ask(system, attempt) for attempt in range(1, failing + 2)]
    assert states == [OperationState.FAILED] * failing + [OperationState.DONE]
    assert len(system.accepted) == failing + 1


def test_what_is_done_is_not_asked_for_again() -> None:
    system = Elsewhere(0)
    assert [ask(system, attempt) for attempt in (1, 2, 5)] == [OperationState.DONE] * 3 and len(system.accepted) == 1


def test_what_is_under_way_is_waited_for() -> None:
    run: Any = Try(4)
    system = Elsewhere(0)
    assert asked(run, "revert", system.submit).state is OperationState.PENDING and len(system.accepted) == 1
