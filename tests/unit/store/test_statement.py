"""Statements compiled once: the same values in and out, and the same errors, as SQLAlchemy gives."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from isthmus.core.store import nouns, schema
from isthmus.core.store.database import Database, Tx
from isthmus.core.store.statement import Statement
from tests.environment.nouns import make_pool, make_volume

_ADD = Statement(schema.counters.insert(), ("name", "value"))
_RAISE = Statement(
    schema.counters.update()
    .where(schema.counters.c.name == bindparam("n"))
    .values(value=schema.counters.c.value + bindparam("more", type_=schema.counters.c.value.type))
)


def test_every_type_of_column_is_written_and_read_as_sqlalchemy_does(database: Database) -> None:
    volume = replace(make_volume(metadata={"k": "v"}), zone=None)
    pool = make_pool()

    def write(tx: Tx) -> None:
        nouns.volumes.insert(tx, volume)
        nouns.pools.insert(tx, pool)

    database.change(write)
    with database.read() as tx:
        for repository, noun in ((nouns.volumes, volume), (nouns.pools, pool)):
            table = repository.table
            chosen = select(*repository.columns).where(table.c.id == bindparam("wanted"))
            plain = tx.execute(chosen, {"wanted": noun.id}).one()
            compiled = tx.execute(Statement(chosen), {"wanted": noun.id})
            assert [list(row) for row in compiled] == [list(plain)]
            assert repository.get(tx, noun.id) == noun


def test_a_statement_counts_what_it_changes_and_is_used_again(database: Database) -> None:
    def work(tx: Tx) -> list[int]:
        tx.execute(_ADD, {"name": "n", "value": 1})
        return [tx.execute(_RAISE, {"n": name, "more": more}).rowcount for name, more in (("n", 2), ("x", 3), ("n", 4))]

    assert database.change(work) == [1, 0, 1]
    with database.read() as tx:
        assert tx.execute(text("SELECT value FROM counters")).scalar() == 7


def test_what_is_written_either_way_is_one_transaction(database: Database) -> None:
    def work(tx: Tx) -> None:
        tx.execute(_ADD, {"name": "a", "value": 1})
        tx.execute(text("INSERT INTO counters (name, value) VALUES ('b', 1)"))
        tx.execute(_ADD, {"name": "c", "value": 1})
        raise KeyError

    with pytest.raises(KeyError):
        database.change(work)
    with database.read() as tx:
        assert tx.execute(Statement(select(schema.counters.c.name))).all() == []


def test_errors_are_those_of_sqlalchemy_and_repeat_no_value(database: Database) -> None:
    database.change(lambda tx: tx.execute(_ADD, {"name": "secret-name", "value": 1}))
    with pytest.raises(IntegrityError) as twice:
        database.change(lambda tx: tx.execute(_ADD, {"name": "secret-name", "value": 2}))
    assert "INSERT INTO counters" in str(twice.value) and "parameters" not in str(twice.value)
    with pytest.raises(DBAPIError):
        database.change(lambda tx: tx.execute(_ADD, {"name": None, "value": 2}))
    database.change(lambda tx: tx.execute(_RAISE, {"n": "secret-name", "more": 1}))


def test_lists_and_computed_defaults_are_refused_before_they_do_harm(database: Database) -> None:
    listed = Statement(select(schema.counters).where(schema.counters.c.name.in_(["a"])))
    computed = Statement(schema.volumes.insert(), ("id",))
    with database.read() as tx:
        for refused in (listed, computed):
            with pytest.raises(ValueError, match="not compiled once"):
                tx.execute(refused, {"id": "x"})


def test_a_connection_is_used_again_and_closed_in_the_end(database: Database) -> None:
    with database.read() as first:
        driver = first.driver
    with database.read() as again:
        assert again.driver is driver
        with database.read() as another:
            assert another.driver is not driver
    database.close()
    with database.read() as fresh:
        assert fresh.driver is not driver


def test_threads_never_share_a_connection(database: Database) -> None:
    database.change(lambda tx: tx.execute(_ADD, {"name": "n", "value": 0}))
    using: set[int] = set()
    shared: list[int] = []

    def work() -> None:
        for _ in range(50):
            with database.read() as tx:
                if id(tx) in using:
                    shared.append(id(tx))
                using.add(id(tx))
                tx.execute(Statement(select(schema.counters.c.value)))
                using.discard(id(tx))
            database.change(lambda tx: tx.execute(_RAISE, {"n": "n", "more": 1}))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared == []
    with database.read() as tx:
        assert tx.execute(Statement(select(schema.counters.c.value))).scalar() == 300
