"""Systems in the store, on each database, however they are reached."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.engine.systems import Systems
from isthmus.core.errors import Conflict, InUse, IsthmusError, NotFound, Stale, Unavailable
from isthmus.core.journal import operations
from isthmus.core.journal.step import Flow, Step
from isthmus.core.model.backend import Health
from isthmus.core.model.description import Description
from isthmus.core.model.identity import new_id
from isthmus.core.model.operation import OperationState
from isthmus.core.model.page import Query
from isthmus.core.model.request import Changes, SystemRequest
from isthmus.core.model.system import LOCAL, System
from isthmus.core.store import nouns, secrets
from isthmus.core.store.database import Tx
from isthmus.core.store.schema import operations as table
from tests.unit.engine.bench import Bench


class Reach:
    """Reaches everything that has the secret `open`."""

    def __init__(self) -> None:
        self.before: Any = lambda: None

    def check(self, adapter: str, settings: Mapping[str, Any], given: Mapping[str, str]) -> None:
        return

    def describe(self, system: System, given: Mapping[str, str]) -> Description:
        self.before()
        if given.get("key") != "open":
            raise Unavailable(f"Not with {sorted(given)}.")
        return Description(system.name, "Shelf", "1", ("pools",))

    def changed(self) -> None:
        return

    def faults(self) -> Mapping[str, str]:
        return {}


WANTED = SystemRequest("s", "shelf", "shelf://1", {"row": 1}, {"key": "open"})


def kinds(bench: Bench) -> list[str]:
    with bench.engine.database.read() as tx:
        return sorted(event.kind for event in nouns.events.where(tx) if event.resource_type == "system")


def test_what_is_kept_is_what_was_said(bench: Bench) -> None:
    systems = Systems(bench.engine.parts, Reach())
    added = systems.add(bench.root, WANTED)
    assert systems.get(bench.root, "s") == added
    assert (added.product, added.offers, added.settings) == ("Shelf 1", ("pools",), {"row": 1})
    found = systems.list(bench.root, Query({"adapter": "shelf"}, "-name"))
    assert [each.id for each in found.items] == [added.id]
    systems.update(bench.root, "s", Changes(settings={"row": 2}))
    systems.remove(bench.root, "s")
    assert kinds(bench) == ["system.created", "system.deleted", "system.updated"]


def test_of_two_that_take_a_name_at_once_one_has_it(bench: Bench) -> None:
    reach, both = Reach(), threading.Barrier(2)
    reach.before = lambda: both.wait(10)
    systems = Systems(bench.engine.parts, reach)
    outcomes: list[System | IsthmusError] = []

    def add() -> None:
        try:
            outcomes.append(systems.add(bench.root, WANTED))
        except IsthmusError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    with bench.engine.database.read() as tx:
        [kept] = [each for each in nouns.systems.where(tx) if each.name == "s"]
        assert secrets.names(tx, kept.id) == ["key"]


def test_a_refused_change_leaves_settings_and_secrets(bench: Bench) -> None:
    systems = Systems(bench.engine.parts, Reach())
    added = systems.add(bench.root, WANTED)
    for changes in (Changes(secrets={"key": "shut"}), Changes(settings={"row": 9}, secrets={"key": None})):
        with pytest.raises(Unavailable):
            systems.update(bench.root, "s", changes)
    with pytest.raises(Stale):
        systems.update(bench.root, "s", Changes(secrets={"more": "m"}), if_version=added.version + 1)
    with pytest.raises(Conflict):
        systems.update(bench.root, "s", Changes(name=LOCAL))
    assert systems.get(bench.root, "s") == added
    assert systems.test(bench.root, "s").ok
    with bench.engine.database.read() as tx:
        assert secrets.names(tx, added.id) == ["key"]


def working(bench: Bench, system: str, state: OperationState) -> str:
    """The id of an operation in this state that works with the system; nobody runs it."""
    flow, identifier = Flow("test.carry", (Step("carry", lambda run: None),)), new_id()
    data = {"system": system, "input": {"system": "other"}}

    def work(tx: Tx) -> None:
        named: Any = {"id": identifier, "flow": flow, "resource_type": "test", "resource": None}
        operations.accept(tx, **named, context=bench.root, data=data)
        tx.execute(table.update().where(table.c.id == identifier).values(state=state.value))

    bench.engine.database.change(work)
    return identifier


@pytest.mark.parametrize("state", OperationState)
def test_a_system_that_operations_work_with_is_neither_removed_nor_renamed_nor_disabled(
    bench: Bench, state: OperationState
) -> None:
    systems = Systems(bench.engine.parts, Reach())
    added = systems.add(bench.root, WANTED)
    systems.add(bench.root, replace(WANTED, name="other"))
    operation = working(bench, "s", state)
    changes: tuple[Changes, ...] = (Changes(name="t"), Changes(enabled=False))
    if state.ended:
        for each in changes:
            systems.update(bench.root, added.id, each)
        systems.remove(bench.root, added.id)
        return
    named = rf"test\.carry {operation} \({state.replace('_', ' ')}\)"
    for each in changes:
        with pytest.raises(InUse, match=named):
            systems.update(bench.root, "s", each)
    with pytest.raises(InUse, match=named) as told:
        systems.remove(bench.root, "s")
    assert told.value.details["operations"] == [{"id": operation, "kind": "test.carry", "state": state.value}]
    assert told.value.next_step and systems.get(bench.root, "s") == added
    # What may mend an operation that goes on trying is not refused, nor is anything of another system.
    systems.update(bench.root, "s", Changes(name="s", enabled=True, settings={"row": 2}))
    systems.remove(bench.root, "other")


def test_a_secret_that_is_taken_away_is_gone_and_the_others_stay(bench: Bench) -> None:
    systems = Systems(bench.engine.parts, Reach())
    added = systems.add(bench.root, SystemRequest("s", "shelf", secrets={"key": "open", "more": "m"}))
    changed = systems.update(bench.root, "s", Changes(secrets={"more": None}))
    assert changed.version == added.version + 1
    with bench.engine.database.read() as tx:
        assert secrets.names(tx, added.id) == ["key"]
    assert systems.test(bench.root, "s").ok


def test_how_it_answers_is_kept_and_told_when_it_changes(bench: Bench) -> None:
    reach = Reach()
    systems = Systems(bench.engine.parts, reach)
    added = systems.add(bench.root, WANTED)
    assert systems.test(bench.root, "s").ok
    assert systems.get(bench.root, "s").version == added.version

    def cut() -> None:
        raise Unavailable("the cable is out")

    reach.before = cut
    for _ in range(2):
        assert systems.test(bench.root, "s").reason == "the cable is out"
    assert systems.get(bench.root, "s").health is Health.FAILED
    [finding] = systems.examine(bench.root)
    assert (finding.level, finding.text) == ("warning", "the cable is out")
    assert kinds(bench) == ["system.created", "system.updated"]
    systems.remove(bench.root, "s")
    with pytest.raises(NotFound):
        systems.test(bench.root, "s")


def test_an_installation_has_one_local_system(bench: Bench) -> None:
    [local] = Systems(bench.engine.parts).list(bench.root).items
    assert (local.name, local.adapter) == (LOCAL, LOCAL)
