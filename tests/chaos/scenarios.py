"""Every flow of the core, with what must be there before it and what must be true after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from isthmus.core.context import Context
from isthmus.core.drivers.memory import content as blocks
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import NotFound
from isthmus.core.flows.volume_settle import settled
from isthmus.core.model.attachment import AttachmentState
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import AttachmentRequest, HostRequest, SnapshotRequest, VolumeRequest
from isthmus.core.model.volume import VolumeState
from isthmus.core.store import nouns
from tests.environment.engine import done

SIZE = 1 << 20
OLD, NEW = b"o" * 4096, b"n" * 4096


@dataclass(slots=True)
class Stage:
    """What a scenario has set up."""

    engine: Engine
    context: Context
    ids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`prepare` sets up, `act` asks for the change, `holds` checks after it was done or undone.

    What has no way back (`final`) may only end undone when its accepting transaction was cut short.
    """

    name: str
    prepare: Callable[[Stage], None]
    act: Callable[[Stage], Operation]
    holds: Callable[[Stage, bool], None]
    final: bool = False


def _volume(stage: Stage, name: str = "volume", **more: Any) -> str:
    wanted = VolumeRequest(name, size=SIZE, profile=more.pop("profile", "memory"), **more)
    operation = done(stage.engine, stage.engine.volumes.create(stage.context, wanted))
    stage.ids[name] = str(operation.result["volume"])
    return stage.ids[name]


def _snapshot(stage: Stage) -> None:
    operation = stage.engine.snapshots.create(stage.context, SnapshotRequest(stage.ids["volume"], "before"))
    stage.ids["snapshot"] = str(done(stage.engine, operation).result["snapshot"])


def _host(stage: Stage, name: str) -> None:
    stage.ids[name] = stage.engine.hosts.create(stage.context, HostRequest(name)).id


def _attach(stage: Stage, host: str = "host") -> None:
    request = AttachmentRequest(stage.ids["volume"], stage.ids[host])
    operation = done(stage.engine, stage.engine.attachments.create(stage.context, request))
    stage.ids[f"attachment-{host}"] = str(operation.result["attachment"])


def content(stage: Stage, volume: str) -> bytes:
    """The first bytes of a volume, from the array itself."""
    driver, placement = _driver(stage, volume)
    with driver._array.reading() as array:
        return blocks.read(array, placement, 0, 4096)


def write(stage: Stage, volume: str, data: bytes) -> None:
    """Change the first bytes of a volume, on the array itself."""
    driver, placement = _driver(stage, volume)
    pool = driver.inspect(placement, {}).pool
    with driver._array.changing() as array:
        blocks.write(array, placement, pool, 0, data)


def _driver(stage: Stage, volume: str) -> tuple[Any, str]:
    with stage.engine.database.read() as tx:
        placement = nouns.placements.get(tx, str(nouns.volumes.get(tx, volume).placement))
    return stage.engine.parts.live.get(placement.backend).driver, placement.id


def _exists(stage: Stage, service: Any, identifier: str) -> bool:
    try:
        service.get(stage.context, identifier)
    except NotFound:
        return False
    return True


def _with_volume(stage: Stage) -> None:
    _volume(stage)
    write(stage, stage.ids["volume"], OLD)


def _with_snapshot(stage: Stage) -> None:
    _with_volume(stage)
    _snapshot(stage)
    write(stage, stage.ids["volume"], NEW)


def _with_volume_and_host(stage: Stage) -> None:
    _with_volume(stage)
    _host(stage, "host")


def _with_attachment(stage: Stage) -> None:
    _with_volume_and_host(stage)
    _attach(stage)


def _with_two_hosts(stage: Stage) -> None:
    _volume(stage, profile="shared")
    for host in ("host", "other"):
        _host(stage, host)
    _attach(stage, "other")


def _create(stage: Stage) -> Operation:
    return stage.engine.volumes.create(stage.context, VolumeRequest("made", size=SIZE, profile="memory"))


def _created(expected: bytes) -> Callable[[Stage, bool], None]:
    def holds(stage: Stage, was_done: bool) -> None:
        found = [v for v in stage.engine.volumes.list(stage.context).items if v.name == "made"]
        assert len(found) == (1 if was_done else 0)
        if was_done:
            assert found[0].state is VolumeState.AVAILABLE
            assert content(stage, found[0].id) == expected

    return holds


def _copy(source: str) -> Callable[[Stage], Operation]:
    def act(stage: Stage) -> Operation:
        named: dict[str, Any] = {f"source_{source}": stage.ids[source]}
        return stage.engine.volumes.create(stage.context, VolumeRequest("made", profile="memory", **named))

    return act


def _extended(stage: Stage, was_done: bool) -> None:
    volume = stage.engine.volumes.get(stage.context, stage.ids["volume"])
    assert volume.state is VolumeState.AVAILABLE
    # Nothing shrinks: taken back after the back end grew it, the volume keeps the size.
    assert volume.size in ((2 * SIZE,) if was_done else (SIZE, 2 * SIZE))
    driver, placement = _driver(stage, volume.id)
    assert driver.inspect(placement, {}).size == volume.size
    assert content(stage, volume.id) == OLD


def _give_up(stage: Stage) -> Operation:
    """What giving up an extend leads to, by itself."""
    parts, volume = stage.engine.parts, stage.ids["volume"]
    given_up: Any = SimpleNamespace(data={"volume": volume, "node": parts.settings.node}, context=stage.context)
    parts.database.change(lambda tx: settled(parts, VolumeState.EXTENDING)(given_up, tx))
    operation = str(stage.engine.volumes.get(stage.context, volume).operation)
    return stage.engine.operations.get(stage.context, operation)


def _settled(stage: Stage, was_done: bool) -> None:
    volume = stage.engine.volumes.get(stage.context, stage.ids["volume"])
    assert (volume.state, volume.size) == (VolumeState.AVAILABLE, SIZE)
    assert content(stage, volume.id) == OLD


def _reverted(stage: Stage, was_done: bool) -> None:
    volume = stage.engine.volumes.get(stage.context, stage.ids["volume"])
    assert volume.state is VolumeState.AVAILABLE
    assert content(stage, volume.id) == (OLD if was_done else NEW)
    assert _exists(stage, stage.engine.snapshots, stage.ids["snapshot"])


def _deleted(stage: Stage, was_done: bool) -> None:
    assert _exists(stage, stage.engine.volumes, stage.ids["volume"]) is not was_done


def _snapshotted(stage: Stage, was_done: bool) -> None:
    found = stage.engine.snapshots.list(stage.context).items
    assert len(found) == (1 if was_done else 0)
    assert content(stage, stage.ids["volume"]) == OLD


def _forgotten(stage: Stage, was_done: bool) -> None:
    assert _exists(stage, stage.engine.snapshots, stage.ids["snapshot"]) is not was_done
    assert content(stage, stage.ids["volume"]) == NEW


def _attached(host: str) -> Callable[[Stage, bool], None]:
    def holds(stage: Stage, was_done: bool) -> None:
        found = [a for a in stage.engine.attachments.list(stage.context).items if a.host == stage.ids[host]]
        assert len(found) == (1 if was_done else 0)
        others = [a for a in stage.engine.attachments.list(stage.context).items if a.host != stage.ids[host]]
        reachable = _granted(stage)
        assert reachable == {a.id for a in (*found, *others)}
        assert all(a.state is AttachmentState.ATTACHED for a in (*found, *others))

    return holds


def _detached(stage: Stage, was_done: bool) -> None:
    assert _granted(stage) == (frozenset() if was_done else {stage.ids["attachment-host"]})


def _granted(stage: Stage) -> frozenset[str]:
    volume = stage.engine.volumes.get(stage.context, stage.ids["volume"])
    with stage.engine.database.read() as tx:
        placement = nouns.placements.get(tx, str(volume.placement))
    return stage.engine.parts.exports.granted(placement, volume.protocol)


SCENARIOS = (
    Scenario("create", lambda stage: None, _create, _created(bytes(4096))),
    Scenario("create from a snapshot", _with_snapshot, _copy("snapshot"), _created(OLD)),
    Scenario("clone", _with_volume, _copy("volume"), _created(OLD)),
    Scenario(
        "extend",
        _with_volume,
        lambda s: s.engine.volumes.extend(s.context, s.ids["volume"], 2 * SIZE),
        _extended,
    ),
    Scenario(
        "extend while attached",
        _with_attachment,
        lambda s: s.engine.volumes.extend(s.context, s.ids["volume"], 2 * SIZE),
        _extended,
    ),
    Scenario("settle after an extend was given up", _with_volume, _give_up, _settled, final=True),
    Scenario(
        "revert",
        _with_snapshot,
        lambda s: s.engine.volumes.revert(s.context, s.ids["volume"], s.ids["snapshot"]),
        _reverted,
    ),
    Scenario(
        "delete", _with_volume, lambda s: s.engine.volumes.delete(s.context, s.ids["volume"]), _deleted, final=True
    ),
    Scenario(
        "delete with snapshots",
        _with_snapshot,
        lambda s: s.engine.volumes.delete(s.context, s.ids["volume"], with_snapshots=True),
        _deleted,
        final=True,
    ),
    Scenario(
        "snapshot",
        _with_volume,
        lambda s: s.engine.snapshots.create(s.context, SnapshotRequest(s.ids["volume"], "made")),
        _snapshotted,
    ),
    Scenario(
        "snapshot while attached",
        _with_attachment,
        lambda s: s.engine.snapshots.create(s.context, SnapshotRequest(s.ids["volume"], "made")),
        _snapshotted,
    ),
    Scenario(
        "delete a snapshot",
        _with_snapshot,
        lambda s: s.engine.snapshots.delete(s.context, s.ids["snapshot"]),
        _forgotten,
        final=True,
    ),
    Scenario(
        "attach",
        _with_volume_and_host,
        lambda s: s.engine.attachments.create(s.context, AttachmentRequest(s.ids["volume"], s.ids["host"])),
        _attached("host"),
    ),
    Scenario(
        "attach a second host",
        _with_two_hosts,
        lambda s: s.engine.attachments.create(s.context, AttachmentRequest(s.ids["volume"], s.ids["host"])),
        _attached("host"),
    ),
    Scenario(
        "detach",
        _with_attachment,
        lambda s: s.engine.attachments.delete(s.context, s.ids["attachment-host"]),
        _detached,
        final=True,
    ),
)


def ended_well(operation: Operation) -> bool:
    """Whether it was done (rather than undone); any other end is not allowed."""
    assert operation.state in (OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED), operation
    return operation.state is OperationState.DONE
