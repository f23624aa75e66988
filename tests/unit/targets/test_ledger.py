"""The ledger keeps what was put into tgtd, and who has which number and user name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from isthmus.core.drivers.contract import Grant
from isthmus.core.model.attachment import AccessMode
from isthmus.core.targets.iscsi.layout import Name
from isthmus.core.targets.iscsi.ledger import Entry, Guest, Ledger, guest_of

ONE = Guest("a1", "u1", ("iqn.x:1", "iqn.x:2"), "proof")
ANY = Guest("a2", "u2", (), "proof")
ENTRY = Entry(Name("n", "p", "shared"), 7, "life", "6" * 32, "/d", False, True, (ONE, ANY), ("f",))


def test_entries_are_read_as_they_were_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(ENTRY)
    other = replace(ENTRY, name=Name("n", "q", "a9"), tid=8)
    ledger.write(other)
    assert ledger.read(ENTRY.name) == ENTRY
    assert ledger.of_placement("p") == (ENTRY,) and set(ledger.all()) == {ENTRY, other}
    ledger.remove(ENTRY)
    ledger.remove(ENTRY)
    assert ledger.read(ENTRY.name) is None and ledger.all() == (other,)


def test_a_file_that_makes_no_sense_is_no_entry(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write(ENTRY)
    (tmp_path / "p" / "shared.json").write_text("{")
    assert ledger.read(ENTRY.name) is None and ledger.all() == ()


def test_who_is_admitted_follows_from_the_guests_that_stay() -> None:
    assert ENTRY.admitted() == {"iqn.x:1", "iqn.x:2", "ALL"}
    leaving = ENTRY.with_guest(replace(ANY, leaving=True))
    assert leaving.admitted() == {"iqn.x:1", "iqn.x:2"}
    assert leaving.staying == (ONE,)
    assert leaving.without("a1").admitted() == frozenset()


def test_no_two_targets_have_one_number(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / str(ENTRY.name.tid)).symlink_to("another")
    tid = ledger.reserve(ENTRY.name)
    assert tid != ENTRY.name.tid
    assert ledger.reserve(ENTRY.name) == tid
    ledger.remove(replace(ENTRY, tid=tid))
    assert not (tmp_path / "numbers" / str(tid)).is_symlink()


def test_a_user_name_is_one_attachments_while_that_is_there(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    other = Name("n", "q", "a9")
    assert ledger.claim("u1", ENTRY.name, "a1", "life")
    ledger.write(ENTRY)
    assert ledger.claim("u1", ENTRY.name, "a1", "life")
    assert not ledger.claim("u1", other, "a9", "life")
    # What claimed it was of another life of tgtd, or never came to be: the name is free.
    assert ledger.claim("u1", other, "a9", "next life")
    assert ledger.claim("u1", ENTRY.name, "a1", "next life")


def test_a_secret_is_recognised_but_not_kept(tmp_path: Path) -> None:

    grant = Grant("a", "h", AccessMode.READ_WRITE, user="u", secret="0123456789abcdef")
    assert guest_of(grant) == guest_of(grant)
    assert guest_of(grant).proof != guest_of(replace(grant, secret="0123456789abcdeg")).proof
    assert grant.secret not in repr(guest_of(grant))
