"""A copy is of one moment: nobody writes to its source meanwhile, unless the back end copies under a writer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.core.errors import NotFound, Occupied, Refused
from isthmus.core.model.operation import OperationState
from isthmus.core.model.request import AttachmentRequest, VolumeRequest
from isthmus.core.model.volume import VolumeState
from isthmus.core.store.database import Database
from tests.environment.engine import done, ended
from tests.unit.engine.bench import SIZE, Bench


@pytest.fixture
def plain(database: Database, tmp_path: Path) -> Iterator[Bench]:
    """The back end copies detached volumes only."""
    made = Bench.open(database, tmp_path, lacks=("live_snapshot",))
    yield made
    made.close()


def test_an_attached_volume_is_not_copied(plain: Bench) -> None:
    volume = plain.volume()
    attachment = plain.attach(volume, plain.host())
    with pytest.raises(Refused) as refused:
        plain.engine.volumes.create(plain.root, VolumeRequest("copy", source_volume=volume))
    assert "Detach" in str(refused.value.next_step)
    done(plain.engine, plain.engine.attachments.delete(plain.root, attachment))
    plain.volume("copy", source_volume=volume)


def test_a_volume_is_not_attached_while_it_is_copied(plain: Bench) -> None:
    volume, host = plain.volume(), plain.host()
    come, go_on = plain.hangs("clone")
    copy = plain.engine.volumes.create(plain.root, VolumeRequest("copy", source_volume=volume))
    assert come.wait(10)
    with pytest.raises(Occupied) as refused:
        plain.engine.attachments.create(plain.root, AttachmentRequest(volume, host))
    assert refused.value.details["operation"] == copy.id
    go_on.set()
    done(plain.engine, copy)
    plain.attach(volume, host)


def test_a_copy_that_is_retried_is_not_made_of_what_was_attached_meanwhile(plain: Bench) -> None:
    volume, host = plain.volume(), plain.host()
    plain.deadline("volume.create", 0.3)
    _, go_on = plain.hangs("clone")
    copy = plain.engine.volumes.create(plain.root, VolumeRequest("copy", source_volume=volume))
    plain.needs_attention(copy)
    go_on.set()
    plain.well()
    plain.attach(volume, host)
    plain.deadline("volume.create", 60.0)
    plain.engine.operations.retry(plain.root, copy.id)
    end = ended(plain.engine, copy.id)
    assert (end.state, (end.error or {}).get("code")) == (OperationState.FAILED, "storage_refused")
    with pytest.raises(NotFound):
        plain.engine.volumes.get(plain.root, str(copy.resource))
    assert plain.used() == (1, SIZE)
    assert plain.counts() == []


def test_where_writers_do_not_matter_an_attached_volume_is_copied_and_a_copied_one_attached(bench: Bench) -> None:
    volume, first, second = bench.volume(profile="shared"), bench.host("one"), bench.host("two")
    bench.attach(volume, first)
    come, go_on = bench.hangs("clone")
    copy = bench.engine.volumes.create(bench.root, VolumeRequest("copy", source_volume=volume))
    assert come.wait(10)
    attaching = bench.engine.attachments.create(bench.root, AttachmentRequest(volume, second))
    go_on.set()
    done(bench.engine, copy)
    done(bench.engine, attaching)
    assert bench.engine.volumes.get(bench.root, str(copy.resource)).state is VolumeState.AVAILABLE
