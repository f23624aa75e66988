"""What the command line does to an installation beside serving it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from isthmus.core.datapath.daemon import Daemons
from isthmus.core.errors import Conflict, Misconfigured
from isthmus.plugin_manager.configuration import load
from isthmus.plugin_manager.server import data_path_stop, database_upgrade
from isthmus.plugin_manager.server.lock import StateLock
from isthmus.plugin_manager.settings import Configuration
from tests.integration.server.running import Server, alive


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load(environment={"ISTHMUS_STATE": str(tmp_path / "state"), "ISTHMUS_RUNTIME": str(tmp_path / "run")})


def test_stopping_the_data_path_ends_daemons_of_targets_and_back_ends(configuration: Configuration) -> None:
    started = []
    for place in ("targets/iscsi", "backends/b1/images"):
        daemons = Daemons(configuration.state / place, configuration.runtime)
        started.append(daemons.ensure("sleeper", ["/bin/sleep", "600"], ready=lambda: True, timeout=10))
    lock = StateLock(configuration.state)
    lock.acquire()
    try:
        with pytest.raises(Conflict, match="would start the daemons again"):
            data_path_stop(configuration)
        assert all(alive(daemon.pid) for daemon in started)
    finally:
        lock.release()
    assert list(data_path_stop(configuration)) == ["targets/iscsi/sleeper", "backends/b1/images/sleeper"]
    assert not any(alive(daemon.pid) for daemon in started)
    assert list(data_path_stop(configuration)) == []


def test_the_data_path_of_nothing_is_stopped_without_a_database(configuration: Configuration) -> None:
    assert list(data_path_stop(configuration)) == []


def test_an_upgrade_makes_the_tables_once(configuration: Configuration) -> None:
    assert database_upgrade(configuration)
    assert not database_upgrade(configuration)


def test_no_upgrade_under_a_running_server(configuration: Configuration) -> None:
    lock = StateLock(configuration.state)
    lock.acquire()
    try:
        with pytest.raises(Conflict, match="Another server"):
            database_upgrade(configuration)
    finally:
        lock.release()


def test_a_database_of_a_later_release_is_refused(configuration: Configuration) -> None:
    database_upgrade(configuration)
    with closing(sqlite3.connect(configuration.state / "isthmus.db")) as database:
        database.execute("update alembic_version set version_num = '9999'")
        database.commit()
    with pytest.raises(Misconfigured, match="later release"):
        database_upgrade(configuration)


def test_a_server_refuses_a_database_of_another_release(tmp_path: Path) -> None:
    server = Server(tmp_path)
    database_upgrade(load(server.file, {}))
    with closing(sqlite3.connect(server.state / "isthmus.db")) as database:
        database.execute("update alembic_version set version_num = '9999'")
        database.commit()
    try:
        assert server.launch().wait(60) == 1
    finally:
        server.kill()
    assert "a later release made" in server.log.read_text()


def test_the_flows_of_core_and_plugins_are_known_to_an_upgrade(configuration: Configuration) -> None:
    """In a process of its own: the answer comes from everything that is installed."""
    look = (
        "import sys\nfrom isthmus.plugin_manager.configuration import load\n"
        "from isthmus.plugin_manager.server.preparation import make_folders, open_database\n"
        "from isthmus.plugin_manager.server.upgrading import _supported\n"
        "configuration = load(environment={'ISTHMUS_STATE': sys.argv[1], 'ISTHMUS_RUNTIME': sys.argv[2]})\n"
        "make_folders(configuration)\n"
        "print(*sorted(_supported(configuration, open_database(configuration))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, str(configuration.state), str(configuration.runtime)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(_probe(configuration.state.parent))},
    )
    kinds = done.stdout.split()
    assert {"volume.create", "volume.delete", "probe.wait"} <= set(kinds)


def _probe(folder: Path) -> Path:
    from tests.integration.server.running import install_probe

    install_probe(folder / "plugins")
    return folder / "plugins"
