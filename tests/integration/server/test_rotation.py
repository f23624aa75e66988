"""A new root key: everything sealed comes under it, and no server is ever left with what it cannot open."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from isthmus.core.engine.resealing import counted
from isthmus.core.errors import Conflict, Misconfigured, NotOffered
from isthmus.core.security.keys import FileKeys
from isthmus.core.security.sealing import Sealer, sealing_key
from isthmus.core.store.database import Tx
from isthmus.core.store.secrets import get, put
from isthmus.plugin_manager.configuration import load
from isthmus.plugin_manager.server import key_list, key_rotate
from isthmus.plugin_manager.server.preparation import make_ready
from isthmus.plugin_manager.settings import Configuration
from isthmus.plugins.cli.main import isthmus
from tests.environment.postgresql import Server as PostgreSQL
from tests.integration.server.running import Server, until


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Any]]:
    """What to say in a configuration to have a database of one's own."""
    if request.param == "sqlite":
        yield {}
        return
    cluster: PostgreSQL = request.getfixturevalue("postgresql_server")
    name = cluster.create_database()
    yield {"database": cluster.url(name)}
    cluster.drop_database(name)


def command(server: Server, *words: str) -> Any:
    """What `isthmus --json key WORDS` says."""
    done = CliRunner().invoke(isthmus, ["--json", "key", *words, "--config", str(server.file)])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def whoami(server: Server) -> int:
    token = (server.state / "admin.token").read_text().strip()
    return server.get("/v1/whoami", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_server_goes_on_under_the_new_key_even_when_the_old_one_is_gone(
    tmp_path: Path, database: Mapping[str, Any]
) -> None:
    server = Server(tmp_path, **database)
    try:
        server.start()
        with pytest.raises(Conflict, match="Another server"):
            key_rotate(load(server.file, {}))
        authority = (server.state / "tls" / "ca.pem").read_bytes()
        assert server.stop() == 0

        (old,) = command(server, "list")
        assert (old["newest"], old["present"]) == (True, True)
        assert old["sealed"] >= 2
        done = command(server, "rotate")
        assert (done["added"], done["resealed"], done["broken"]) == (True, old["sealed"], [])
        new, before = command(server, "list")
        assert (new["key"], new["newest"], new["sealed"]) == (done["key"], True, old["sealed"])
        assert (before["key"], before["sealed"]) == (old["key"], 0)

        lines = (server.state / "root.key").read_text().splitlines()
        (server.state / "root.key").write_text("\n".join(lines[:-1]) + "\n")
        server.start()
        assert whoami(server) == 200
        assert (server.state / "tls" / "ca.pem").read_bytes() == authority
        assert server.stop() == 0
        assert [use["key"] for use in command(server, "list")] == [new["key"]]
    finally:
        server.kill()


@pytest.fixture
def configuration(tmp_path: Path, database: Mapping[str, str]) -> Configuration:
    """An installation that was started once."""
    variables = {"ISTHMUS_STATE": str(tmp_path / "state"), "ISTHMUS_RUNTIME": str(tmp_path / "run")}
    made = load(environment=variables | {f"ISTHMUS_{name.upper()}": value for name, value in database.items()})
    make_ready(made).database.close()
    return made


def test_a_server_of_another_node_keeps_the_key_from_being_rotated(
    tmp_path: Path, postgresql_server: PostgreSQL
) -> None:
    name = postgresql_server.create_database()
    other = Server(tmp_path, database=postgresql_server.url(name))
    own = {
        "ISTHMUS_STATE": str(tmp_path / "own"),
        "ISTHMUS_NODE": "n2",
        "ISTHMUS_DATABASE": postgresql_server.url(name),
    }
    try:
        other.start()
        until(lambda: other.json("/readyz")["ready"])
        configuration = load(environment=own | {"ISTHMUS_KEY_SOURCE": f"file:{other.state}/root.key"})
        with pytest.raises(Conflict, match="on n1"):
            key_rotate(configuration)
        assert len(FileKeys(other.state / "root.key").load()) == 1
        assert other.stop() == 0
        assert key_rotate(configuration).added
    finally:
        other.kill()
        postgresql_server.drop_database(name)


def test_an_interrupted_rotation_is_brought_to_its_end_without_a_further_key(configuration: Configuration) -> None:
    new = FileKeys(configuration.state / "root.key").rotate()
    make_ready(configuration).database.close()
    done = key_rotate(configuration)
    assert (done.key, done.added) == (new.id, False)
    assert done.resealed >= 2
    assert len(FileKeys(configuration.state / "root.key").load()) == 2
    again = key_rotate(configuration)
    assert again.added
    assert again.resealed == done.resealed
    assert len(FileKeys(configuration.state / "root.key").load()) == 3


@pytest.mark.timeout(300)
def test_killed_while_it_seals_everything_opens_and_it_is_brought_to_its_end(configuration: Configuration) -> None:
    count, place = 1500, configuration.state / "root.key"
    installation = make_ready(configuration)
    database, sealer = installation.database, installation.sealer

    def fill(tx: Tx) -> None:
        for n in range(count):
            put(tx, "o", f"s{n}", sealer.seal("o", b"secret %d" % n))

    def begun() -> bool:
        with database.read() as tx:
            return sealing_key(get(tx, "o", "s0") or b"") != old

    try:
        database.change(fill)
        (old,) = counted(database)
        environment = {
            **os.environ,
            "ISTHMUS_STATE": str(configuration.state),
            "ISTHMUS_DATABASE": configuration.database,
        }
        rotating = subprocess.Popen([sys.executable, "-m", "isthmus", "key", "rotate"], env=environment)
        try:
            until(lambda: begun() or rotating.poll() is not None, 120)
        finally:
            rotating.kill()
            rotating.wait()
        left = counted(database)[old]

        both = Sealer(FileKeys(place).load())
        with database.read() as tx:
            assert all(both.open("o", get(tx, "o", f"s{n}") or b"") == b"secret %d" % n for n in range(count))
        done = key_rotate(configuration)
        assert done.added is (left == 0)
        assert done.resealed == (left or counted(database).total())
        newest, *_ = FileKeys(place).load()
        assert set(counted(database)) == {newest.id}
    finally:
        database.close()


def test_keys_from_the_environment_are_rotated_by_whoever_sets_it(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = (configuration.state / "root.key").read_text().splitlines()[-1]
    monkeypatch.setenv("ROOT_KEYS_OF_THE_TEST", old)
    configuration = replace(configuration, key_source="env:ROOT_KEYS_OF_THE_TEST")
    with pytest.raises(NotOffered, match="takes no new key") as refused:
        key_rotate(configuration)
    assert old not in str(refused.value) + str(refused.value.details)
    monkeypatch.setenv("ROOT_KEYS_OF_THE_TEST", f"{base64.b64encode(secrets.token_bytes(32)).decode()},{old}")
    assert key_rotate(configuration).resealed >= 2
    assert [use.sealed > 0 for use in key_list(configuration)] == [True, False]


def test_a_key_that_is_missing_is_named(configuration: Configuration) -> None:
    (before,) = key_list(configuration)
    path = configuration.state / "root.key"
    path.unlink()
    FileKeys(path).load()
    present, missing = key_list(configuration)
    assert (present.present, present.sealed) == (True, 0)
    assert (missing.key, missing.present, missing.sealed) == (before.key, False, before.sealed)
    done = key_rotate(configuration)
    assert (done.resealed, len(done.broken)) == (0, before.sealed)


def test_what_was_never_started_has_no_keys(tmp_path: Path) -> None:
    configuration = load(environment={"ISTHMUS_STATE": str(tmp_path / "s"), "ISTHMUS_RUNTIME": str(tmp_path / "r")})
    with pytest.raises(Misconfigured, match="no installation yet"):
        key_rotate(configuration)
    assert not (configuration.state / "root.key").exists()


def test_a_package_may_bring_a_key_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vault_of_the_test.py").write_text(
        "from isthmus.core.security.keys import LocalKey\n\n\nclass Vault:\n"
        "    def __init__(self, place):\n        self.place = place\n\n"
        "    def load(self):\n        return (LocalKey(self.place.encode().ljust(32, b'.')),)\n"
    )
    info = tmp_path / "vault_of_the_test-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vault-of-the-test\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[isthmus.key_sources]\nvault = vault_of_the_test:Vault\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    configuration = load(
        environment={
            "ISTHMUS_STATE": str(tmp_path / "s"),
            "ISTHMUS_RUNTIME": str(tmp_path / "r"),
            "ISTHMUS_KEY_SOURCE": "vault:one",
        }
    )
    make_ready(configuration).database.close()
    (use,) = key_list(configuration)
    assert use.sealed >= 2
    assert not (configuration.state / "root.key").exists()
    with pytest.raises(NotOffered):
        key_rotate(configuration)
