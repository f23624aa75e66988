"""Operations and messages go some time after they are over, and what still matters stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.duties.retention import Kept, discard_messages, discard_operations, duty
from isthmus.core.journal import operations
from isthmus.core.journal.step import Flow, Step
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.message import Message
from isthmus.core.model.operation import OperationState
from isthmus.core.store import nouns, schema
from isthmus.core.store.database import Database, Tx
from isthmus.plugin_manager.configuration import load
from isthmus.plugin_manager.server.parts import engine_settings
from tests.environment.nouns import make_context

FLOW = Flow("test", (Step("only", lambda run: None),))
TABLE = schema.operations
DAYS = Kept(operations=timedelta(days=30), messages=timedelta(days=30), keys=timedelta(days=7))


def operation(database: Database, state: str, *, days: float = 31, accepted: float | None = None, **more: Any) -> str:
    """An operation that came to `state` so many days ago, and was accepted then or before."""
    identifier = new_id()
    waits_for = more.pop("waits_for", None)

    def work(tx: Tx) -> None:
        operations.accept(
            tx, id=identifier, flow=FLOW, resource_type="test", resource=None, context=make_context(), **more
        )
        ended, began = (now() - timedelta(days=ago) for ago in (days, days if accepted is None else accepted))
        values = {"state": state, "updated_at": ended, "created_at": began, "waits_for": waits_for}
        tx.execute(TABLE.update().where(TABLE.c.id == identifier).values(values))

    database.change(work)
    return identifier


def message(database: Database, *, days: float, about: str | None = None) -> str:
    said = Message(new_id(), "acme", "error", "failed", "It failed.", "req-1", now() - timedelta(days=days))
    database.change(lambda tx: nouns.messages.insert(tx, replace(said, operation=about)))
    return said.id


def left(database: Database, table: Any = TABLE) -> set[str]:
    with database.read() as tx:
        return set(tx.execute(table.select().with_only_columns(table.c.id)).scalars())


@pytest.mark.parametrize("state", [state.value for state in OperationState if state.ended])
def test_what_ended_a_month_ago_goes(database: Database, state: str) -> None:
    operation(database, state)
    younger = operation(database, state, days=29, accepted=90)
    assert discard_operations(database, DAYS) == 1
    assert left(database) == {younger}


@pytest.mark.parametrize("state", [state.value for state in OperationState if not state.ended])
def test_what_has_not_ended_stays_however_old_it_is(database: Database, state: str) -> None:
    kept = operation(database, state, days=4000)
    assert discard_operations(database, DAYS) == 0
    assert left(database) == {kept}


def test_what_an_unfinished_operation_asked_for_stays_until_that_has_ended(database: Database) -> None:
    parent = operation(database, "running", days=40)
    child = operation(database, "done", days=39)
    waited_for = operation(database, "failed", days=39)
    waiting = operation(database, "waiting", days=39, waits_for=waited_for)
    database.change(lambda tx: tx.execute(TABLE.update().where(TABLE.c.id == child).values(parent=parent)))
    assert discard_operations(database, DAYS) == 0

    everybody = TABLE.update().where(TABLE.c.id.in_([parent, waiting]))
    database.change(lambda tx: tx.execute(everybody.values(state="done", waits_for=None)))
    assert discard_operations(database, DAYS) == 4
    assert left(database) == set()


def test_an_idempotency_key_finds_its_operation_for_as_long_as_promised(database: Database) -> None:
    keyed = operation(database, "done", days=6.9, idempotency_key="k1", request_hash="h")
    operation(database, "done", days=7.1, idempotency_key="k2", request_hash="h")
    operation(database, "done", days=6.9)
    short = replace(DAYS, operations=timedelta(days=1))
    assert discard_operations(database, short) == 2
    found = operations.known(database, make_context(), "k1", "h")
    assert found is not None and found.id == keyed
    assert operations.known(database, make_context(), "k2", "h") is None


def test_messages_go_but_not_those_about_what_needs_attention(database: Database) -> None:
    stuck = operation(database, "needs_attention", days=60)
    over = operation(database, "done", days=60)
    kept = {message(database, days=60, about=stuck), message(database, days=29), message(database, days=0)}
    for gone in (None, over, "discarded before"):
        message(database, days=31, about=gone)
    assert discard_messages(database, DAYS) == 3
    assert left(database, schema.messages) == kept


def test_each_transaction_is_small_and_asks_whether_to_go_on(database: Database) -> None:
    for _ in range(7):
        operation(database, "done")
    asked: list[int] = []

    def twice() -> bool:
        asked.append(len(left(database)))
        return len(asked) <= 2

    assert discard_operations(database, DAYS, batch=3, go_on=twice) == 6
    assert asked == [7, 4, 1]
    assert discard_operations(database, DAYS, batch=3) == 1


class Held:
    """A run that is never lost and does not sleep."""

    name, epoch = "history.retention", 1

    def held(self) -> bool:
        return True

    def wait(self, seconds: float) -> bool:
        assert seconds > 0
        return True

    def go_on(self) -> bool:
        return True

    def alive(self) -> None: ...


def test_the_duty_does_both(database: Database) -> None:
    operation(database, "failed")
    message(database, days=31)
    duty(database, DAYS).run(Held())
    tables: Iterable[Any] = (schema.operations, schema.messages)
    assert [left(database, table) for table in tables] == [set(), set()]


def test_an_administrator_says_how_long(tmp_path: Path) -> None:
    said = {"ISTHMUS_STATE": str(tmp_path), "ISTHMUS_KEEP_OPERATIONS": "3600", "ISTHMUS_KEEP_KEYS": str(10**15)}
    kept = engine_settings(load(environment=said)).kept
    assert (kept.operations, kept.messages) == (timedelta(hours=1), timedelta(days=30))
    assert kept.keys < timedelta(days=101 * 365)
