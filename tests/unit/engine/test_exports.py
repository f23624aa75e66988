"""Exports come back after a restart, after a daemon's death and after one that forgot everything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.drivers.contract import Device, Resized
from isthmus.core.errors import Transient, Unavailable
from isthmus.core.model.attachment import Connection
from isthmus.core.model.request import ProfileRequest
from isthmus.core.store import nouns, schema
from isthmus.core.store.database import Database
from tests.environment.engine import Installation, done
from tests.unit.engine.bench import Bench, Troubled, settled

SHARED = {
    "provisioningProperties": {"ioConnectivity": {"accessProtocol": "paper"}},
    "customProperties": {"capabilities:multiAttach": "<is> true"},
}


class Shelf(Troubled):
    """Serves its objects to targets of the node."""

    def forms(self) -> Mapping[str, str]:
        return {"path": ""}

    def device(self, placement: str, reference: Any, form: str) -> Device:
        return Device(Path("/dev/null"), "raw", 0)

    def release(self, placement: str, reference: Any) -> None:
        pass


class Paper:
    """A target whose daemon forgets everything when it dies, and is alive again with the next grant."""

    name = protocol = "paper"
    form = "path"
    settings_schema: Mapping[str, Any] = {}

    def __init__(self) -> None:
        self.life = 1
        self.published: dict[str, set[str]] = {}
        self.shown: dict[str, int] = {}
        self.trouble: Exception | None = None
        self.grown: Callable[[], None] = lambda: None

    def start(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    def stop(self) -> None: ...

    def end(self) -> None:
        self.published.clear()

    def check(self) -> None:
        if not self.life:
            raise Transient("it is dead")

    def generation(self) -> str:
        return str(self.life or "")

    def die(self) -> None:
        self.published, self.life, self._next = {}, 0, self.life + 1

    def grant(self, export: Any, device: Any, grant: Any) -> Connection:
        if not self.life:
            self.life = self._next
        self.published.setdefault(export.placement, set()).add(grant.attachment)
        return Connection("paper", {"sheet": export.placement}, {})

    def withdraw(self, export: Any, attachment: str) -> None:
        self.published.get(export.placement, set()).discard(attachment)

    def granted(self, export: Any) -> frozenset[str]:
        return frozenset(self.published.get(export.placement, ()))

    def resize(self, export: Any, grow: Callable[[], Any]) -> Resized:
        """`grown` is called between the device's growth and the moment in which hosts see it."""
        allocated = grow()
        self.grown()
        self.shown[export.placement] = allocated.size
        return Resized(allocated, online=True)

    def inventory(self) -> list[str]:
        return [placement for placement, attachments in self.published.items() if attachments]


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def bench(database: Database, tmp_path: Path, paper: Paper) -> Iterator[Bench]:
    made = opened(Installation.begin(database, tmp_path), paper)
    made.installation.furnish(made.engine)
    made.engine.profiles.create(made.root, ProfileRequest("paper", SHARED))
    yield made
    made.close()


def opened(installation: Installation, paper: Paper) -> Bench:
    driver = type("Mine", (Shelf,), {})
    engine = installation.engine(driver=driver)
    targets: Any = engine.watch._targets
    targets["paper"] = paper
    engine.start()
    return Bench(installation, engine, installation.administrator(engine), driver)


def attached(bench: Bench) -> dict[str, set[str]]:
    """What the store says is attached, by placement."""
    found: dict[str, set[str]] = {}
    with bench.engine.database.read() as tx:
        for attachment in nouns.attachments.where(tx):
            placement = str(nouns.volumes.get(tx, attachment.volume).placement)
            found.setdefault(placement, set()).add(attachment.id)
    return found


def three(bench: Bench) -> str:
    """Two attachments of one volume and one of another, which is returned."""
    shared, other = bench.volume("shared", profile="paper"), bench.volume("other", profile="paper")
    bench.attach(shared, bench.host("a"))
    bench.attach(shared, bench.host("b"))
    return bench.attach(other, bench.host("c"))


def test_all_are_granted_again_to_a_daemon_that_was_born_anew(bench: Bench, paper: Paper) -> None:
    three(bench)
    bench.engine.watch.look()
    whole = attached(bench)
    assert paper.published == whole
    # It dies, and is alive again with one attachment of each placement before anybody looks.
    paper.die()
    paper.life, paper.published = 2, {placement: {min(ids)} for placement, ids in whole.items()}
    bench.engine.watch.look()
    assert paper.published == whole
    bench.engine.watch.look()
    paper.die()
    bench.engine.watch.look()
    assert paper.published == whole


def test_a_start_publishes_what_is_attached_and_leaves_the_rest_to_its_operations(bench: Bench, paper: Paper) -> None:
    last = three(bench)
    bench.engine.stop(drain=1.0)
    paper.die()
    bench.engine.database.change(
        lambda tx: nouns.attachments.change(tx, last, state="detaching", operation="of another process")
    )
    again = opened(bench.installation, paper)
    assert {a for ids in paper.published.values() for a in ids} == {
        a for ids in attached(again).values() for a in ids
    } - {last}
    again.close()


def test_what_another_node_reaches_is_left_to_it(bench: Bench, paper: Paper) -> None:
    three(bench)
    bench.engine.database.change(lambda tx: tx.execute(schema.backends.update().values(node="elsewhere")))
    paper.die()
    paper.life = 2
    bench.engine.watch.look()
    assert paper.published == {}
    assert bench.engine.watch.unpublished == {}


def test_a_target_that_cannot_start_is_tried_again_and_told_of(bench: Bench, paper: Paper) -> None:
    three(bench)
    bench.engine.stop(drain=1.0)
    paper.die()
    for trouble in (Unavailable("no daemon here"), TypeError("a defect")):
        paper.trouble = trouble
        again = opened(bench.installation, paper)
        told = [finding.check for finding in again.engine.ready() if finding.level == "warning"]
        assert "target paper" in told
        assert "paper" not in again.engine.pools.list(again.root).items[0].protocols
        paper.trouble = None
        again.engine.watch.look()
        assert paper.published == attached(again)
        assert "paper" in again.engine.pools.list(again.root).items[0].protocols
        again.engine.stop(drain=1.0)
        paper.die()


def test_a_detached_volume_grows_and_is_kept_while_its_target_is_down(bench: Bench, paper: Paper) -> None:
    volume = bench.volume(profile="paper")
    del bench.engine.watch._started["paper"]
    bench.engine.watch._targets.clear()
    bench.snapshot(volume)
    done(bench.engine, bench.engine.volumes.extend(bench.root, volume, 2 << 20))


def test_hosts_see_what_a_volume_grew_to_before_its_extend_was_given_up(bench: Bench, paper: Paper) -> None:
    volume = bench.volume(profile="paper")
    bench.attach(volume, bench.host())
    bench.deadline("volume.extend", 0.3)
    go_on = threading.Event()

    def hang() -> None:
        assert go_on.wait(30)
        raise Transient("the answer of long ago")

    paper.grown = hang
    operation = bench.engine.volumes.extend(bench.root, volume, 2 << 20)
    bench.needs_attention(operation)
    assert paper.shown == {}
    paper.grown = lambda: None
    go_on.set()
    bench.engine.operations.abandon(bench.root, operation.id)
    settled(bench, volume)
    assert bench.engine.volumes.get(bench.root, volume).size == 2 << 20
    assert list(paper.shown.values()) == [2 << 20]


def test_secrets_go_with_the_attachment(bench: Bench) -> None:
    attachment = three(bench)
    bench.engine.database.change(lambda tx: bench.engine.parts.exports.make_secrets(tx, attachment, "iscsi"))
    with bench.engine.database.read() as tx:
        secret = bench.engine.parts.exports.read_secrets(tx, attachment)["chap_secret"]
        rows = [
            str(row)
            for table in (schema.operations, schema.events, schema.messages, schema.attachments)
            for row in tx.execute(table.select())
        ]
    assert len(secret) == 16
    assert not [row for row in rows if secret in row]
    done(bench.engine, bench.engine.attachments.delete(bench.root, attachment))
    with bench.engine.database.read() as tx:
        assert bench.engine.parts.exports.read_secrets(tx, attachment) == {}
