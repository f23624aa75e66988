"""Many clients change one thing at once: each change happens once or not at all, and nothing is left in between."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import Conflict, Invalid, NotFound, Stale
from isthmus.core.journal.operations import repository
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.request import AttachmentRequest, Changes, HostRequest, SnapshotRequest, VolumeRequest
from isthmus.core.store import nouns
from tests.environment.engine import done, ended
from tests.integration.races.crowd import all_at_once, furnish, storage

pytestmark = pytest.mark.timeout(300)

MIB = 1 << 20


def test_one_idempotency_key_raced_is_one_operation(engine: Engine, context: Context) -> None:
    furnish(engine, context)
    wanted = VolumeRequest("once", size=MIB, profile="memory")

    operations, refused = all_at_once(20, lambda _: storage(engine, context)[0].volumes.create(wanted, key="one"))

    assert not refused
    assert len({operation.id for operation in operations}) == 1
    done(engine, operations[0])
    assert len(engine.volumes.list(context).items) == 1
    assert engine.tenants.limits(context, str(context.tenant))[0].volumes == 1


def test_of_changes_that_name_the_same_version_one_happens(engine: Engine, context: Context) -> None:
    furnish(engine, context)
    made = done(engine, engine.volumes.create(context, VolumeRequest("v", size=MIB, profile="memory")))
    volume = engine.volumes.get(context, str(made.result["volume"]))

    changed, refused = all_at_once(
        20,
        lambda number: storage(engine, context)[0].volumes.update(
            volume.id, Changes(name=f"name{number}"), if_version=volume.version
        ),
    )

    assert len(changed) == 1
    assert len(refused) == 19 and all(isinstance(error, Stale) for error in refused)
    now = engine.volumes.get(context, volume.id)
    assert (now.name, now.version) == (changed[0].name, volume.version + 1)


def test_of_deletions_that_name_the_same_version_one_is_accepted(engine: Engine, context: Context) -> None:
    furnish(engine, context)
    made = done(engine, engine.volumes.create(context, VolumeRequest("v", size=MIB, profile="memory")))
    volume = engine.volumes.get(context, str(made.result["volume"]))

    accepted, refused = all_at_once(
        20, lambda _: storage(engine, context)[0].volumes.delete(volume.id, if_version=volume.version)
    )

    assert len(accepted) == 1
    assert all(isinstance(error, Conflict | NotFound) for error in refused)
    done(engine, accepted[0])
    assert engine.tenants.limits(context, str(context.tenant))[0].volumes == 0


@pytest.mark.slow
def test_a_tumult_over_one_volume_leaves_everything_in_order(engine: Engine, context: Context) -> None:
    """12 clients attach, detach, extend, snapshot, revert, clone and delete snapshots of one volume as they like."""
    furnish(engine, context)
    made = done(engine, engine.volumes.create(context, VolumeRequest("v", size=MIB, profile="shared")))
    volume = str(made.result["volume"])
    hosts = [engine.hosts.create(context, HostRequest(f"host{number}")).id for number in range(4)]

    def client(number: int) -> int:
        chooser, accepted = random.Random(number), 0
        mine, _ = storage(engine, context)
        for _ in range(15):
            snapshots = [found.id for found in mine.snapshots.list().items]
            attachments = [found.id for found in mine.attachments.list().items]
            size = mine.volumes.get(volume).size
            changes: list[Callable[[], Operation]] = [
                lambda: mine.attachments.create(AttachmentRequest(volume, chooser.choice(hosts))),
                partial(mine.volumes.extend, volume, size + MIB),
                lambda: mine.snapshots.create(SnapshotRequest(volume, "s")),
                lambda: mine.volumes.create(VolumeRequest("copy", source_volume=volume, profile="shared")),
            ]
            if attachments:
                changes += [partial(mine.attachments.delete, chooser.choice(attachments))] * 3
            if snapshots:
                changes += [partial(mine.snapshots.delete, chooser.choice(snapshots))]
                changes += [partial(mine.volumes.revert, volume, chooser.choice(snapshots))]
            try:
                operation = chooser.choice(changes)()
            except (Conflict, NotFound, Invalid):
                continue
            accepted += 1
            if chooser.random() < 0.5:
                ended(engine, operation.id, 60.0)
        return accepted

    accepted, refused = all_at_once(12, client)

    assert not refused, refused
    assert sum(accepted) > 12
    _all_ended(engine)
    _in_order(engine, context)


@pytest.mark.slow
def test_one_volume_deleted_among_its_changes_goes_whole_or_stays_whole(engine: Engine, context: Context) -> None:
    furnish(engine, context)
    host = engine.hosts.create(context, HostRequest("host")).id
    for _ in range(8):
        made = done(engine, engine.volumes.create(context, VolumeRequest("v", size=MIB, profile="shared")))
        volume = str(made.result["volume"])

        def change(number: int, volume: str = volume) -> None:
            mine, _ = storage(engine, context)
            (
                lambda: mine.volumes.delete(volume, with_snapshots=True),
                lambda: mine.attachments.create(AttachmentRequest(volume, host)),
                lambda: mine.snapshots.create(SnapshotRequest(volume, "s")),
                lambda: mine.volumes.extend(volume, 2 * MIB),
                lambda: mine.volumes.create(VolumeRequest("copy", source_volume=volume, profile="shared")),
            )[number % 5]()

        _, refused = all_at_once(10, change)
        assert all(isinstance(error, Conflict | NotFound | Invalid) for error in refused), refused
        _all_ended(engine)
        _in_order(engine, context)
        for attachment in engine.attachments.list(context).items:
            done(engine, engine.attachments.delete(context, attachment.id))
    with engine.database.read() as tx:
        there = {found.id for found in nouns.volumes.where(tx)}
        assert all(snapshot.volume in there for snapshot in nouns.snapshots.where(tx))


def _all_ended(engine: Engine) -> None:
    with engine.database.read() as tx:
        found = repository.where(tx, limit=10_000)
    for operation in found:
        over = ended(engine, operation.id, 60.0)
        assert over.state is not OperationState.NEEDS_ATTENTION, over.error
        assert over.state is OperationState.DONE or over.error, over


def _in_order(engine: Engine, context: Context) -> None:
    wrong = [finding for finding in engine.doctor.examine(context) if finding.level != "ok"]
    assert not wrong, wrong
