"""Everything sealed can be moved to a new root key, at any time, and opens at every moment in between."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import LargeBinary

from isthmus.core.engine.resealing import PLACES, counted, reseal
from isthmus.core.errors import Unavailable
from isthmus.core.model.record import Record
from isthmus.core.security.keys import LocalKey
from isthmus.core.security.sealing import Sealer
from isthmus.core.store import schema, secrets
from isthmus.core.store.database import Database, Tx
from isthmus.core.store.records import OwnedRecords
from tests.environment.engine import KEY
from tests.unit.engine.bench import Bench

OLD, NEW = LocalKey(b"\x07" * 32), LocalKey(b"\x08" * 32)
BEFORE, BOTH, AFTER = Sealer([OLD]), Sealer([NEW, OLD]), Sealer([NEW])


def fill(database: Database, count: int) -> None:
    """Secrets and records with a sealed part, and records without."""

    def keep(tx: Tx) -> None:
        for number in range(count):
            owner = f"o{number % 3}"
            secrets.put(tx, owner, f"s{number}", BEFORE.seal(owner, b"secret %d" % number))

    database.change(keep)
    for number in range(count):
        for owner in ("plugin:a", "driver:b"):
            records = OwnedRecords(database, owner, BEFORE)
            records.put(Record("kind", f"r{number}", {}, sealed=records.seal(b"record %d" % number)))
            records.put(Record("kind", f"open{number}", {}))


def opened(database: Database, sealer: Sealer, count: int) -> Iterator[bytes]:
    for number in range(count):
        owner = f"o{number % 3}"
        with database.read() as tx:
            yield sealer.open(owner, secrets.get(tx, owner, f"s{number}") or b"")
        for owner in ("plugin:a", "driver:b"):
            records = OwnedRecords(database, owner, sealer)
            found = records.get("kind", f"r{number}")
            assert found is not None and found.sealed is not None
            assert found.version == 1
            yield records.open(found.sealed)


def expected(count: int) -> list[bytes]:
    return [text for n in range(count) for text in (b"secret %d" % n, b"record %d" % n, b"record %d" % n)]


def test_everything_opens_under_the_new_key_alone(database: Database) -> None:
    fill(database, 7)
    assert counted(database) == {OLD.id: 21}
    done = reseal(database, BOTH, batch=2)
    assert (done.changed, done.broken) == (21, ())
    assert counted(database) == {NEW.id: 21}
    assert list(opened(database, AFTER, 7)) == expected(7)
    assert reseal(database, BOTH).changed == 0


class DyingKey:
    """A root key that a process dies with, after so many uses."""

    def __init__(self, uses: int) -> None:
        self.id, self.uses = NEW.id, uses

    def wrap(self, data_key: bytes, owner: bytes) -> bytes:
        self.uses -= 1
        if self.uses < 0:
            raise Unavailable("The key service is away.")
        return NEW.wrap(data_key, owner)

    def unwrap(self, wrapped: bytes, owner: bytes) -> bytes:
        return NEW.unwrap(wrapped, owner)


@pytest.mark.parametrize("uses", range(5))
def test_interrupted_anywhere_everything_opens_and_another_run_ends_it(database: Database, uses: int) -> None:
    fill(database, 4)
    with pytest.raises(Unavailable):
        reseal(database, Sealer([DyingKey(uses), OLD], cached=1), batch=1)
    assert list(opened(database, BOTH, 4)) == expected(4)
    left = counted(database)[OLD.id]
    assert 0 < left <= 12
    assert reseal(database, BOTH).changed == left
    assert list(opened(database, AFTER, 4)) == expected(4)


def test_a_secret_that_is_set_anew_meanwhile_stays(database: Database) -> None:
    fill(database, 1)

    class Slow(Sealer):
        def reseal(self, owner: str, sealed: bytes) -> bytes:
            if owner == "o0":
                database.change(lambda tx: secrets.put(tx, "o0", "s0", BEFORE.seal("o0", b"another")))
            return super().reseal(owner, sealed)

    assert reseal(database, Slow([NEW, OLD])).changed == 2
    with database.read() as tx:
        assert BOTH.open("o0", secrets.get(tx, "o0", "s0") or b"") == b"another"


def test_what_opens_no_more_is_named_and_keeps_nothing_else_from_being_resealed(database: Database) -> None:
    fill(database, 2)
    lost = Sealer([LocalKey(os.urandom(32))]).seal("o9", b"x")
    database.change(lambda tx: secrets.put(tx, "o9", "lost", lost))
    database.change(lambda tx: secrets.put(tx, "o9", "rubbish", b"rubbish"))
    done = reseal(database, BOTH)
    assert done.changed == 6
    assert [place.split(":")[0] for place in done.broken] == ["secrets o9 lost", "secrets o9 rubbish"]
    assert counted(database)[""] == 1
    with database.read() as tx:
        assert secrets.get(tx, "o9", "lost") == lost


def test_no_table_with_sealed_values_is_forgotten() -> None:
    sealed = {
        table.name
        for table in schema.metadata.tables.values()
        if any(isinstance(column.type, LargeBinary) for column in table.c)
    }
    assert sealed == {place.table.name for place in PLACES}


def test_the_doctor_says_what_is_under_an_older_key_and_what_opens_no_more(bench: Bench) -> None:
    def secrets_of(doctor: Bench) -> list[tuple[str, str]]:
        found = doctor.engine.doctor.examine(doctor.root)
        return [(finding.level, finding.text) for finding in found if finding.check == "secrets"]

    parts, database = bench.engine.parts, bench.engine.database
    ((level, text),) = secrets_of(bench)
    assert level == "ok"
    assert int(text.split()[0]) == counted(database).total() >= 2

    database.change(lambda tx: secrets.put(tx, "o1", "lost", Sealer([NEW]).seal("o1", b"x")))
    (key,) = parts.sealer.keys
    ((level, text),) = secrets_of(bench)
    assert level == "error"
    assert text.startswith("1 secrets") and NEW.id in text

    parts.sealer = Sealer([NEW, KEY])
    ((level, text),) = secrets_of(bench)
    assert level == "warning"
    assert text.startswith(f"{counted(database)[key]} secrets")
