"""What an installation begins with is made once, whoever starts first and whatever becomes of it later."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from isthmus.core.engine.first_start import Prepared, new_administrator_token, prepare
from isthmus.core.errors import Misconfigured
from isthmus.core.model.request import Credential, UserRequest
from isthmus.core.security.sealing import Sealer
from isthmus.core.store import nouns, schema
from isthmus.core.store.database import Database
from tests.environment.engine import KEY, Installation


def test_servers_that_start_together_are_one_installation(database: Database) -> None:
    made: list[Prepared | Exception] = []
    together = threading.Barrier(4)

    def start() -> None:
        together.wait(10)
        try:
            made.append(prepare(database, Sealer([KEY])))
        except Exception as error:
            made.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    prepared = [one for one in made if isinstance(one, Prepared)]
    assert len(prepared) == 4, made
    assert len({one.signer for one in prepared}) == len({one.authority.certificate for one in prepared}) == 1
    assert sum(one.token is not None for one in prepared) == 1


def test_an_installation_whose_first_administrator_left_starts_again(database: Database, tmp_path: Path) -> None:
    installation = Installation.begin(database, tmp_path)
    engine = installation.engine()
    root = installation.administrator(engine)
    second = engine.users.create(root, UserRequest("second", None, ("admin",)))
    token = new_administrator_token(database)
    assert engine.users.authenticate(Credential(token=token)).user == root.user
    engine.users.delete(root, root.user)
    assert prepare(database, Sealer([KEY])).token is None
    assert engine.users.authenticate(Credential(token=new_administrator_token(database))).user == second.id
    with database.read() as tx:
        assert [tenant.name for tenant in nouns.tenants.where(tx)] == ["default"]
    database.change(lambda tx: tx.execute(schema.users.update().values(enabled=False)))
    with pytest.raises(Misconfigured):
        new_administrator_token(database)
