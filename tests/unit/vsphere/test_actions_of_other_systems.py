"""What steps ask of another storage system: waited for in place, read again, and asked anew when it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from isthmus.core.errors import IsthmusError
from isthmus.core.model.identity import now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Page
from isthmus.core.model.snapshot import SnapshotState
from isthmus.core.model.volume import Volume, VolumeState
from isthmus.plugins.vsphere.actions.delete import Delete
from isthmus.plugins.vsphere.actions.expand import Expand
from isthmus.plugins.vsphere.actions.mount import Mount
from isthmus.plugins.vsphere.actions.new_volume import NewVolume
from isthmus.plugins.vsphere.actions.provision import Provision
from isthmus.plugins.vsphere.actions.rdm_remove import RdmRemove
from isthmus.plugins.vsphere.actions.snapshot import TakeSnapshot
from isthmus.plugins.vsphere.actions.stage import Stage
from isthmus.plugins.vsphere.actions.unmount import Unmount
from isthmus.plugins.vsphere.actions.wanted import MARK, Wanted

WANTED = Wanted("gold", 1 << 30, SimpleNamespace(id="p", name="shared"), None, 2)  # type: ignore[arg-type]


NOBODY: Any = None
HOST = SimpleNamespace(initiators=(SimpleNamespace(name="iqn.a"),))


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
        state=state, created_at=now(), updated_at=now(), result={"volume": "v", "snapshot": "s"},
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
        hosts = SimpleNamespace(list=lambda query: Page((), None), get=lambda moid: HOST)
        operations = SimpleNamespace(get=lambda moid: operation(OperationState.RUNNING), wait=self.wait)
        taken = SimpleNamespace(id="s", name="monday", state=SnapshotState.AVAILABLE)
        snapshots = SimpleNamespace(**vars(changing), get=lambda moid: taken)
        return SimpleNamespace(
            volumes=volumes, attachments=attachments, operations=operations, hosts=hosts, snapshots=snapshots
        )

    def asked(self, *what: Any, key: str, **more: Any) -> Operation:
        failed = len(self.keys) < self.failing
        self.keys.setdefault(key, OperationState.FAILED if failed else OperationState.DONE)
        return operation(self.keys[key])

    def volumes(self, query: Any) -> Any:
        return Page((volume(self.state),), None)

    def attached(self, query: Any) -> Any:
        return Page(
            (SimpleNamespace(id="a", host="h", state="attached", metadata={MARK: "operation"}, connection={}),), None
        )

    def wait(self, moid: str, seconds: float) -> Operation:
        self.state = self.later
        return operation(OperationState.DONE)


class Elsewheres(Stage):
    """The stage of a plug-in that has this system only."""

    def __init__(self, system: Elsewhere) -> None:
        self._only = system.storage()

    def storage(self, run: Any, system: str | None = None) -> Any:
        return self._only

    def steward(self, run: Any) -> Any:
        return self._only


@dataclass
class Try:
    """A run of a step, as far as it is looked at."""

    attempt: int = 1
    key: str = "operation/step"
    operation: Any = field(default_factory=lambda: SimpleNamespace(id="operation", progress=0.0, note=""))
    data: dict[str, Any] = field(default_factory=lambda: {
        "system": "elsewhere", "volume": "v", "attachments": ["a"],
        "hosts": ["host-1"], "iqns": {"host-1": "iqn.a"}, "before": {"host-1": {"attached": False}},
        "origin": "v", "file_system": "uuid",
        "input": {"name": "gold", "with_snapshots": False, "delete_volume": True, "size": 2 << 30},
    })  # fmt: skip
    result: dict[str, Any] = field(default_factory=dict)

    def progress(self, fraction: float, note: str = "") -> None:
        """Nobody reads it."""

    def cancelled(self) -> bool:
        return False


STEPS: dict[str, Callable[[Stage, Any], Any]] = {
    "delete": lambda stage, run: Delete(NOBODY, stage).volume(run),
    "delete-withdraw": lambda stage, run: Delete(NOBODY, stage).withdraw(run),
    "rdm-remove": lambda stage, run: RdmRemove(NOBODY, stage).volume(run),
    "rdm-remove-detach": lambda stage, run: RdmRemove(NOBODY, stage).detach(run),
    "expand": lambda stage, run: Expand(NOBODY, stage).extend(run),
    "snapshot": lambda stage, run: TakeSnapshot(NOBODY, stage).take(run),
    "unmount": lambda stage, run: Unmount(NOBODY, stage).detach(run),
    "mount-undo": lambda stage, run: Mount(NOBODY, stage).detach(run),
    "provision-undo": lambda stage, run: Provision(NOBODY, stage).no_volume(run),
    "provision-undo-attach": lambda stage, run: Provision(NOBODY, stage).detach(run),
}


@pytest.mark.parametrize("step", STEPS)
def test_what_failed_there_is_asked_for_anew_when_the_step_is_tried_again(step: str) -> None:
    system = Elsewhere(failing=1, state=VolumeState.AVAILABLE)
    with pytest.raises(IsthmusError):
        STEPS[step](Elsewheres(system), Try(1))
    STEPS[step](Elsewheres(system), Try(2))
    assert list(system.keys.values()) == [OperationState.FAILED, OperationState.DONE]


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
