"""Sealed secrets by owner and name."""

from __future__ import annotations

from isthmus.core.store import secrets
from isthmus.core.store.database import Database


def test_a_secret_is_kept_replaced_and_forgotten(database: Database) -> None:
    def put(owner: str, name: str, sealed: bytes) -> None:
        database.change(lambda tx: secrets.put(tx, owner, name, sealed))

    put("backend:1", "password", b"\x00one")
    put("backend:1", "password", b"\x00two")
    put("backend:1", "key", b"three")
    put("backend:2", "password", b"four")
    with database.read() as tx:
        assert secrets.get(tx, "backend:1", "password") == b"\x00two"
        assert secrets.get(tx, "backend:1", "nothing") is None
        assert secrets.names(tx, "backend:1") == ["key", "password"]
    assert database.change(lambda tx: secrets.delete(tx, "backend:1", "password")) == 1
    assert database.change(lambda tx: secrets.delete(tx, "backend:1")) == 1
    with database.read() as tx:
        assert secrets.names(tx, "backend:1") == []
        assert secrets.get(tx, "backend:2", "password") == b"four"
