"""Transactions: all or nothing, durable where asked for, run again where that is safe."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from isthmus.core.errors import Misconfigured, Unavailable
from isthmus.core.store import secrets
from isthmus.core.store.columns import DatabaseClock
from isthmus.core.store.database import Database, Tx
from tests.environment.database import another


def put(tx: Tx, name: str) -> None:
    secrets.put(tx, "o", name, b"x")


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return secrets.names(tx, "o")


def test_a_failed_change_leaves_nothing_and_the_error_is_the_callers(database: Database) -> None:
    def work(tx: Tx) -> None:
        put(tx, "a")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        database.change(work)
    assert names(database) == []
    database.change(lambda tx: put(tx, "b"))
    assert names(database) == ["b"]


def test_a_broken_rule_of_the_tables_is_no_trouble_of_the_connection(database: Database) -> None:
    insert = text("INSERT INTO counters (name, value) VALUES ('a', 1)")
    database.change(lambda tx: tx.execute(insert))
    with pytest.raises(IntegrityError):
        database.change(lambda tx: tx.execute(insert))


@pytest.mark.parametrize("durable", [True, False])
def test_a_commit_is_as_durable_as_asked_for_whatever_the_one_before_was(database: Database, durable: bool) -> None:
    question = text("PRAGMA synchronous" if database.is_sqlite else "SHOW synchronous_commit")
    database.change(lambda tx: put(tx, "a"), durable=not durable)
    answer = database.change(lambda tx: tx.execute(question).scalar(), durable=durable)
    assert answer == ((2 if durable else 1) if database.is_sqlite else ("on" if durable else "off"))


def test_a_read_sees_what_was_committed_and_not_what_is_being_changed(database: Database) -> None:
    inside, leave = threading.Event(), threading.Event()

    def work(tx: Tx) -> None:
        put(tx, "a")
        inside.set()
        assert leave.wait(20)

    thread = threading.Thread(target=database.change, args=(work,))
    thread.start()
    assert inside.wait(20)
    assert names(database) == []
    leave.set()
    thread.join()
    assert names(database) == ["a"]


def test_writers_of_several_processes_wait_for_each_other(database: Database) -> None:
    opened = [another(database) for _ in range(4)]

    def count(mine: Database) -> None:
        for _ in range(20):
            mine.change(lambda tx: tx.execute(text("UPDATE counters SET value = value + 1 WHERE name = 'n'")))

    database.change(lambda tx: tx.execute(text("INSERT INTO counters (name, value) VALUES ('n', 0)")))
    threads = [threading.Thread(target=count, args=(mine,)) for mine in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine in opened:
        mine.close()
    with database.read() as tx:
        assert tx.execute(text("SELECT value FROM counters WHERE name = 'n'")).scalar() == 80


def test_the_clock_of_the_database_goes_on_within_a_transaction(database: Database) -> None:
    def work(tx: Tx) -> list[int]:
        first = int(tx.execute(DatabaseClock().select()).scalar_one())
        time.sleep(0.02)
        return [first, int(tx.execute(DatabaseClock().select()).scalar_one())]

    first, second = database.change(work)
    assert 10_000 <= second - first < 10_000_000
    assert abs(first - time.time() * 1_000_000) < 5_000_000


def test_a_deadlock_is_solved_by_running_one_again(database: Database) -> None:
    database.change(lambda tx: tx.execute(text("INSERT INTO counters (name, value) VALUES ('a', 0), ('b', 0)")))
    met = threading.Barrier(2)
    runs: list[str] = []

    def work(tx: Tx, first: str, second: str) -> None:
        runs.append(first)
        change = text("UPDATE counters SET value = value + 1 WHERE name = :n")
        tx.execute(change, {"n": first})
        if not database.is_sqlite and len(runs) <= 2:
            met.wait(20)
        tx.execute(change, {"n": second})

    threads = [
        threading.Thread(target=database.change, args=(lambda tx, pair=pair: work(tx, *pair),))
        for pair in (("a", "b"), ("b", "a"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert tx.execute(text("SELECT value FROM counters ORDER BY name")).scalars().all() == [2, 2]
    assert len(runs) == (2 if database.is_sqlite else 3)


@pytest.mark.server
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_change_whose_connection_was_cut_is_run_again(database: Database) -> None:
    runs = 0

    def work(tx: Tx) -> None:
        nonlocal runs
        runs += 1
        put(tx, f"run{runs}")
        if runs == 1:
            cut(database)
        put(tx, "end")

    def cut(opened: Database) -> None:
        with another(opened).read() as other:
            other.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid != pg_backend_pid()"
                )
            )

    database.change(work)
    assert names(database) == ["end", "run2"]
    cut(database)
    with pytest.raises(Unavailable, match="does not answer"):
        names(database)
    assert names(database) == ["end", "run2"]


@pytest.mark.server
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_frozen_transaction_loses_its_locks(database: Database) -> None:
    with database.read() as tx:
        assert tx.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "30s"


def test_a_database_that_cannot_be_reached_says_so(tmp_path: Any) -> None:
    away = Database("postgresql+psycopg://nobody:secret@127.0.0.1:1/isthmus")
    folder = Database(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    for database in (away, folder):
        with pytest.raises(Unavailable) as refused:
            database.ping()
        assert "secret" not in str(refused.value.to_json())
        with pytest.raises(Unavailable):
            database.change(lambda tx: None)
    assert "secret" not in away.url
    with pytest.raises(Misconfigured, match="oracle"):
        Database("oracle://x/y")
