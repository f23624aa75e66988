"""A plugin's records: its own only, changed by compare-and-swap."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Invalid, NotFound, NotOffered, Stale
from isthmus.core.model.identity import now
from isthmus.core.model.record import LARGEST_RECORD, Record, Records
from isthmus.core.store import records
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords


@pytest.fixture
def mine(database: Database) -> Records:
    return OwnedRecords(database, "plugin:mine")


def past() -> Any:
    return now() - timedelta(seconds=60)


def test_a_record_comes_back_as_it_was_put(mine: Records) -> None:
    stored = mine.put(
        Record("datastore", "1", {"name": "ds", "sizes": [1, 2]}, "acme", "ds-1", b"\x00sealed", now() + timedelta(1))
    )
    assert stored.version == 1
    assert mine.get("datastore", "1") == stored
    assert mine.find_by_key("datastore", "ds-1") == stored
    assert mine.get("other", "1") is None
    assert mine.find_by_key("datastore", "ds-2") is None


def test_an_owner_sees_and_touches_only_its_own(database: Database, mine: Records) -> None:
    other = OwnedRecords(database, "plugin:other")
    stored = mine.put(Record("k", "1", {"a": 1}, key="x"))
    assert other.get("k", "1") is None
    assert other.find_by_key("k", "x") is None
    assert list(other.list("k")) == []
    assert not other.delete("k", "1")
    with pytest.raises(NotFound):
        other.replace(stored)
    other.put(Record("k", "1", {"b": 2}, key="x"))
    assert mine.get("k", "1") == stored
    assert database.change(lambda tx: records.forget(tx, "plugin:other")) == 1
    assert mine.get("k", "1") == stored


def test_a_change_needs_the_version_it_was_made_from(mine: Records) -> None:
    first = mine.put(Record("k", "1", {"n": 1}))
    second = mine.replace(replace(first, body={"n": 2}))
    assert (second.version, second.body, second.created_at) == (2, {"n": 2}, first.created_at)
    with pytest.raises(Stale) as stale:
        mine.replace(replace(first, body={"n": 3}))
    assert stale.value.details == {"version": 2}
    with pytest.raises(Stale):
        mine.delete("k", "1", version=1)
    assert mine.get("k", "1") == second
    assert mine.delete("k", "1", version=2)
    assert not mine.delete("k", "1", version=2)
    with pytest.raises(NotFound):
        mine.replace(second)


def test_an_id_and_a_key_exist_once_in_a_kind(mine: Records) -> None:
    mine.put(Record("k", "1", key="x"))
    second = mine.put(Record("k", "2", key="y"))
    mine.put(Record("k", "3"))
    mine.put(Record("k", "4"))
    mine.put(Record("other", "1", key="x"))
    with pytest.raises(Conflict, match="record 1"):
        mine.put(Record("k", "1", key="z"))
    with pytest.raises(Conflict, match="key x"):
        mine.put(Record("k", "5", key="x"))
    with pytest.raises(Conflict, match="key x"):
        mine.replace(replace(second, key="x"))
    assert mine.replace(replace(second, key=None)).key is None
    assert mine.put(Record("k", "5", key="y")).key == "y"


def test_lists_go_on_after_an_id(mine: Records) -> None:
    for i in range(5):
        mine.put(Record("k", str(i), tenant="acme" if i % 2 else "other"))
    mine.put(Record("another", "9"))
    assert [r.id for r in mine.list("k", limit=2)] == ["0", "1"]
    assert [r.id for r in mine.list("k", after="1", limit=2)] == ["2", "3"]
    assert [r.id for r in mine.list("k", tenant="acme")] == ["1", "3"]
    for wrong in (0, 1001):
        with pytest.raises(Invalid):
            mine.list("k", limit=wrong)


def test_what_has_expired_is_not_there_and_makes_way(database: Database, mine: Records) -> None:
    mine.put(Record("k", "1", key="x", expires_at=past()))
    mine.put(Record("k", "2", expires_at=now() + timedelta(hours=1)))
    assert mine.get("k", "1") is None
    assert mine.find_by_key("k", "x") is None
    assert [r.id for r in mine.list("k")] == ["2"]
    with pytest.raises(NotFound):
        mine.replace(Record("k", "1"))
    assert mine.put(Record("k", "3", key="x")).version == 1
    mine.put(Record("k", "4", expires_at=past()))
    assert database.change(lambda tx: records.expire(tx)) == 1
    assert database.change(lambda tx: records.expire(tx)) == 0
    assert [r.id for r in mine.list("k")] == ["2", "3"]


@pytest.mark.parametrize(
    "wrong",
    [
        Record("k", "1", {"text": "x" * LARGEST_RECORD}),
        Record("k", "1", sealed=b"x" * (LARGEST_RECORD + 1)),
        Record("k", "1", {"not": object()}),
        Record("k", "1", {"not": float("nan")}),
        Record("", "1"),
        Record("k", ""),
        Record("k", "x" * 65),
        Record("k", "1", key=""),
        Record("k", "a\0"),
        Record("k" * 129, "1"),
    ],
)
def test_what_is_too_large_or_not_json_is_refused(mine: Records, wrong: Record) -> None:
    with pytest.raises(Invalid):
        mine.put(wrong)
    assert list(mine.list(wrong.kind)) == []


def test_a_record_as_large_as_allowed_is_kept(mine: Records) -> None:
    body = {"t": "x" * (LARGEST_RECORD - len('{"t":""}'))}
    assert mine.put(Record("k", "1", body, sealed=b"x" * LARGEST_RECORD)) == mine.get("k", "1")


class Sealer:
    """Marks instead of sealing, so that a test sees for whom."""

    def seal(self, owner: str, plaintext: bytes) -> bytes:
        return f"{owner}|".encode() + plaintext[::-1]

    def open(self, owner: str, sealed: bytes) -> bytes:
        assert sealed.startswith(f"{owner}|".encode())
        return sealed.removeprefix(f"{owner}|".encode())[::-1]


def test_secrets_are_sealed_for_their_owner(database: Database, mine: Records) -> None:
    sealing = OwnedRecords(database, "plugin:mine", Sealer())
    sealed = sealing.seal(b"secret")
    assert sealed == b"records:plugin:mine|terces"
    assert sealing.open(sealed) == b"secret"
    with pytest.raises(NotOffered):
        mine.seal(b"secret")
    assert "terces" not in repr(sealing.put(Record("k", "1", sealed=sealed)))
