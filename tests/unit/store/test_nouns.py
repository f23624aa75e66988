"""What is put into the store comes out as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from isthmus.core.errors import NotFound, Stale
from isthmus.core.model.backend import Backend, BackendState, Health
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.tenant import Token, User
from isthmus.core.model.volume import VolumeState
from isthmus.core.store import nouns
from isthmus.core.store.database import Database
from tests.environment.nouns import make_volume


def test_a_user_comes_back_without_the_columns_that_are_nobodys_business(database: Database) -> None:
    user = User(new_id(), "ann", None, ("admin", "member"), now(), now(), locked_until=now() + timedelta(1))
    database.change(lambda tx: nouns.users.insert(tx, user, password="scrypt$hash"))
    with database.read() as tx:
        assert nouns.user_by_name.find(tx, "ann") == nouns.users.get(tx, user.id) == user
        assert nouns.user_by_name.find(tx, "bob") is None


def test_a_token_is_found_by_its_hash(database: Database) -> None:
    token = Token(new_id(), "ann", "acme", ("member",), "laptop", now())
    database.change(lambda tx: nouns.tokens.insert(tx, token, hash="f" * 64))
    with database.read() as tx:
        assert nouns.token_by_hash.find(tx, "f" * 64) == token


def test_enumerations_and_documents_come_back_as_they_were(database: Database) -> None:
    backend = Backend(
        new_id(),
        "array",
        "memory",
        BackendState.ENABLED,
        Health.DEGRADED,
        now(),
        now(),
        abilities=("Extends", "Snapshots"),
        settings={"path": "/var", "deep": {"list": [1, 2.5, None, "é"]}},
    )
    database.change(lambda tx: nouns.backends.insert(tx, backend))
    with database.read() as tx:
        assert nouns.backend_by_name.find(tx, "array") == backend


def test_all_of_something_are_found_together(database: Database) -> None:
    with database.read() as tx:
        assert nouns.attachments_of_host.all(tx, "h") == []
        assert nouns.pools_of_backend.all(tx, "b") == []


def test_a_change_happens_only_in_the_named_states_and_at_the_named_version(database: Database) -> None:
    volume = make_volume()
    database.change(lambda tx: nouns.volumes.insert(tx, volume))

    def change(**said: object) -> bool:
        return database.change(lambda tx: nouns.volumes.change(tx, volume.id, **said))  # type: ignore[arg-type]

    assert not change(states=(VolumeState.ERROR,), state=VolumeState.DELETING)
    assert change(states=(VolumeState.AVAILABLE, VolumeState.ERROR), if_version=1, state=VolumeState.DELETING)
    assert not change(if_version=1, name="late")
    with database.read() as tx:
        now_there = nouns.volumes.get(tx, volume.id)
        assert (now_there.state, now_there.version, now_there.name) == (VolumeState.DELETING, 2, volume.name)
        with pytest.raises(Stale):
            nouns.volumes.require_version(tx, volume.id, 1)
        with pytest.raises(NotFound):
            nouns.volumes.get(tx, new_id())
