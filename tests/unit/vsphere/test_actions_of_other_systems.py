"""What steps ask of another storage system: waited for in place, read again, and asked anew when it failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from isthmus.core.model.identity import now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Page
from isthmus.core.model.volume import Volume, VolumeState
from isthmus.plugins.vsphere.actions.new_volume import NewVolume
from isthmus.plugins.vsphere.actions.stage import Stage
from isthmus.plugins.vsphere.actions.wanted import MARK, Wanted

WANTED = Wanted("gold", 1 << 30, SimpleNamespace(id="p", name="shared"), None, 2)  # type: ignore[arg-type]


def volume(state: VolumeState) -> Volume:
    """One that is being made, or was."""
    return Volume(
        id="v", tenant="t", name="gold", size=1 << 30, profile="p", state=state, protocol="iscsi",
        created_at=now(), updated_at=now(),
        identifier="naa.6", operation="o", metadata={MARK: "operation"},
    )  # fmt: skip


def operation(state: OperationState) -> Operation:
    return Operation(
        id="o", kind="volume.create", resource_type="volume", resource="v", tenant="t", user="u", request_id="r",
        state=state, created_at=now(), updated_at=now(), result={"volume": "v"},
    )  # fmt: skip


@dataclass
class Elsewhere:
    """A storage system with one volume, which has `later` as its state when its operation was waited for. Each key
    stands for the outcome that it had; the first `failing` fail."""

    later: VolumeState = VolumeState.AVAILABLE
    failing: int = 0
    state: VolumeState = VolumeState.CREATING
    keys: dict[str, OperationState] = field(default_factory=dict)

    def storage(self) -> Any:
        changing = SimpleNamespace(create=self.asked, delete=self.asked, extend=self.asked)
        volumes = SimpleNamespace(**vars(changing), list=self.volumes, get=lambda moid: volume(self.state))
        attachments = SimpleNamespace(**vars(changing), list=self.attached)
        operations = SimpleNamespace(get=lambda moid: operation(OperationState.RUNNING), wait=self.wait)
        return SimpleNamespace(volumes=volumes, attachments=attachments, operations=operations)

    def asked(self, *what: Any, key: str, **more: Any) -> Operation:
        failed = len(self.keys) < self.failing
        self.keys.setdefault(key, OperationState.FAILED if failed else OperationState.DONE)
        return operation(self.keys[key])

    def volumes(self, query: Any) -> Any:
        return Page((volume(self.state),), None)

    def attached(self, query: Any) -> Any:
        return Page((SimpleNamespace(id="a", host="h", state="attached", metadata={}, connection={}),), None)

    def wait(self, moid: str, seconds: float) -> Operation:
        self.state = self.later
        return operation(OperationState.DONE)


class Elsewheres(Stage):
    """The stage of a plug-in that has this system only."""

    def __init__(self, system: Elsewhere) -> None:
        self._only = system.storage()

    def storage(self, run: Any, system: str | None = None) -> Any:
        return self._only


@dataclass
class Try:
    """A run of a step, as far as it is looked at."""

    attempt: int = 1
    key: str = "operation/step"
    operation: Any = field(default_factory=lambda: SimpleNamespace(id="operation", progress=0.0, note=""))
    data: dict[str, Any] = field(default_factory=lambda: {
        "system": "elsewhere", "volume": "v", "attachments": ["a"],
        "input": {"name": "gold", "with_snapshots": False, "delete_volume": True, "size": 2 << 30},
    })  # fmt: skip
    result: dict[str, Any] = field(default_factory=dict)

    def progress(self, fraction: float, note: str = "") -> None:
        """Nobody reads it."""

    def cancelled(self) -> bool:
        return False


def making(system: Elsewhere) -> NewVolume:
    found = NewVolume()
    found._stage = Elsewheres(system)
    return found


def test_a_volume_that_an_earlier_try_asked_for_is_taken_when_it_is_made() -> None:
    run: Any = Try()
    made = making(Elsewhere())._make(run, WANTED)
    assert isinstance(made, Volume) and made.state is VolumeState.AVAILABLE


def test_one_that_did_not_become_what_was_asked_for_is_not_taken() -> None:
    run: Any = Try()
    with pytest.raises(Exception, match="gold is not what was asked for"):
        making(Elsewhere(later=VolumeState.ERROR))._make(run, WANTED)
