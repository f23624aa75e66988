"""Systems in one process: which adapter serves, when another is made, and what is said of those that do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from isthmus.adapters.contract import AdapterSetup
from isthmus.adapters.local import LocalAdapter
from isthmus.core.context import Context
from isthmus.core.engine.systems import Systems
from isthmus.core.errors import Invalid, Misconfigured, Unavailable
from isthmus.core.model.backend import Health
from isthmus.core.model.description import Description
from isthmus.core.model.request import Changes, Credential, SystemRequest
from isthmus.core.model.system import LOCAL, System
from isthmus.core.security.sealing import Sealer
from isthmus.core.store import secrets
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from isthmus.plugin_manager.server import systems as module
from isthmus.plugin_manager.server.systems import LiveSystems
from tests.environment.engine import KEY, Installation, NoExtensions


class Shelf:
    """An adapter whose system does as it is told."""

    name: ClassVar[str] = "shelf"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"row": {"type": "integer", "default": 1}, "key": {"type": "string", "writeOnly": True}},
        "additionalProperties": False,
        "not": {"required": ["key"], "properties": {"row": {"const": 13}}},
    }
    made: ClassVar[list[Shelf]] = []
    trouble: ClassVar[Exception | None] = None
    hang: ClassVar[threading.Event | None] = None

    def __init__(self, setup: AdapterSetup) -> None:
        if setup.address == "mars":
            raise ZeroDivisionError("not a plain error")
        self.setup, self.closed = setup, False
        Shelf.made.append(self)

    def storage(self, context: Context) -> Any:
        return SimpleNamespace(describe=self.describe)

    def describe(self) -> Description:
        if Shelf.hang is not None:
            Shelf.hang.wait(30)
        if Shelf.trouble is not None:
            raise Shelf.trouble
        return Description(self.setup.name, "Shelf", "2", ("pools",))

    def close(self) -> None:
        self.closed = True


def load(name: str) -> Any:
    if name != "shelf":
        raise Misconfigured(f"There is no adapter {name!r}.")
    return Shelf


@dataclass
class World:
    database: Database
    installation: Installation
    root: Context
    live: LiveSystems
    systems: Systems
    others: list[LiveSystems] = field(default_factory=list)

    def add(self, name: str = "s", **more: Any) -> System:
        return self.systems.add(self.root, SystemRequest(name, "shelf", **{"secrets": {"key": "k"}, **more}))

    def update(self, name: str, **changes: Any) -> System:
        return self.systems.update(self.root, name, Changes(**changes))

    def another(self) -> LiveSystems:
        """As another process has it."""
        return LiveSystems(self.database, Sealer([KEY]), load)


def inner(live: LiveSystems, name: str = "s") -> Shelf:
    found: Any = live[name]
    return found._inner  # type: ignore[no-any-return]


def probe(world: World) -> None:
    """What the duty does each time."""
    held: Any = SimpleNamespace(go_on=lambda: True)
    world.live.probe(lambda: world.systems).run(held)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(Shelf, "made", [])
    monkeypatch.setattr(Shelf, "trouble", None)
    monkeypatch.setattr(Shelf, "hang", None)
    database = Database(f"sqlite:///{tmp_path}/isthmus.db")
    metadata.create_all(database.engine)
    installation = Installation.begin(database, tmp_path)
    engine = installation.engine()
    live = LiveSystems(database, Sealer([KEY]), load)
    systems = Systems(engine.parts, live)
    live.serve(LocalAdapter(engine, NoExtensions(), systems))
    root = engine.users.authenticate(Credential(token=installation.prepared.token))
    yield World(database, installation, root, live, systems)
    live.close()
    database.close()


def test_an_adapter_is_given_its_settings_with_defaults_and_its_secrets_apart(world: World) -> None:
    world.add("s", address="shelf://7", settings={})
    setup = inner(world.live).setup
    assert (setup.name, setup.address, setup.settings, setup.secrets) == ("s", "shelf://7", {"row": 1}, {"key": "k"})
    assert "'k'" not in repr(setup)


def test_what_was_made_for_a_trial_is_closed(world: World) -> None:
    world.add("s")
    assert [each.closed for each in Shelf.made] == [True, False]


def test_an_adapter_lives_until_how_it_is_reached_changes(world: World) -> None:
    world.add("s")
    other = world.another()
    other.look()
    first = inner(other)
    world.update("s", metadata={"a": "b"})
    probe(world)
    other.look()
    assert inner(other) is first
    moved = {"address": "shelf://2", "secrets": {"key": "another"}}
    for change in ({"settings": {"row": 2}}, {"secrets": {"key": "another"}}, moved):
        world.update("s", **change)
        before = inner(other)
        other.look()
        assert inner(other) is not before
        assert before.closed
    assert inner(other).setup.secrets == {"key": "another"}
    world.update("s", enabled=False)
    other.look()
    assert list(other) == []
    other.close()


def test_a_new_system_under_a_removed_ones_name_is_another(world: World) -> None:
    world.add("s")
    other = world.another()
    other.look()
    first = inner(other)
    world.systems.remove(world.root, "s")
    world.add("s", secrets={"key": "new"})
    other.look()
    assert first.closed
    assert inner(other).setup.secrets == {"key": "new"}
    other.close()


def test_removing_takes_the_secrets_along(world: World) -> None:
    system = world.add("s")
    world.systems.remove(world.root, "s")
    with world.database.read() as tx:
        assert secrets.names(tx, system.id) == []


def test_a_refused_setting_does_not_repeat_a_secret(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        world.add("s", settings={"row": 13}, secrets={"key": "swordfish"})
    assert "swordfish" not in str(refused.value.to_json())


def test_an_adapter_that_breaks_its_contract_is_reported(world: World) -> None:
    with pytest.raises(Misconfigured, match="ZeroDivisionError"):
        world.add("s", address="mars")
    world.add("s")
    Shelf.trouble = ZeroDivisionError("of its own")
    probe(world)
    system = world.systems.get(world.root, "s")
    assert (system.health, "server's log" in system.health_reason) == (Health.FAILED, True)


def test_health_is_kept_and_told_once(world: World) -> None:
    world.add("s")
    Shelf.trouble = Unavailable("the cable is out")
    probe(world)
    failed = world.systems.get(world.root, "s")
    assert (failed.health, failed.health_reason) == (Health.FAILED, "the cable is out")
    assert [finding.text for finding in world.live.findings()] == ["the cable is out"]
    probe(world)
    assert world.systems.get(world.root, "s").version == failed.version
    Shelf.trouble = None
    probe(world)
    assert world.systems.get(world.root, "s").health is Health.HEALTHY
    assert world.live.findings() == []


def test_an_answer_of_another_configuration_is_not_kept(world: World) -> None:
    asked = world.add("s")
    world.update("s", address="shelf://elsewhere", secrets={"key": "k"})
    world.systems.record(asked, Unavailable("no such shelf"))
    assert world.systems.get(world.root, "s").health is Health.HEALTHY


@pytest.mark.slow
def test_one_that_hangs_is_waited_for_once_and_not_by_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("s")
    world.add("t")
    Shelf.hang = threading.Event()
    monkeypatch.setattr(module, "PATIENCE", 1.5)
    probe(world)
    Shelf.hang.set()
    said = {world.systems.get(world.root, name).health_reason for name in ("s", "t")}
    assert said == {"It has not answered for 2 s."}
    assert world.systems.get(world.root, LOCAL).health is Health.HEALTHY


def test_what_cannot_be_opened_or_made_here_is_a_warning(world: World) -> None:
    system = world.add("s")
    world.add("t")
    world.database.change(lambda tx: secrets.put(tx, system.id, "key", b"damaged"))
    other = world.another()
    other.look()
    assert list(other) == ["t"]
    [finding] = other.findings()
    assert (finding.check, finding.level) == ("system s", "warning")
    mended = Sealer([KEY]).seal(system.id, b"k")
    world.database.change(lambda tx: secrets.put(tx, system.id, "key", mended))
    other.look()
    assert list(other) == ["t"]
    other.look(again=True)
    assert sorted(other) == ["s", "t"]
    assert other.findings() == []
    other.close()


def test_nothing_is_made_any_more_after_the_end(world: World) -> None:
    world.add("s")
    other = world.another()
    other.look()
    other.close()
    other.look()
    assert dict(other) == {}


def test_nothing_is_there_before_the_start_and_local_always_after(world: World) -> None:
    assert dict(world.another()) == {}
    assert list(world.live) == [LOCAL]
    world.live.look()
    assert list(world.live) == [LOCAL]
