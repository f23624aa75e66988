"""The private PostgreSQL that the other tests stand on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy

from tests.environment import postgresql

pytestmark = pytest.mark.server


def test_each_test_gets_an_empty_database(postgresql_server: postgresql.Server) -> None:
    first, second = postgresql_server.create_database(), postgresql_server.create_database()
    engine = sqlalchemy.create_engine(postgresql_server.url(first))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE volume (id text)"))
    other = sqlalchemy.create_engine(postgresql_server.url(second))
    assert sqlalchemy.inspect(engine).get_table_names() == ["volume"]
    assert sqlalchemy.inspect(other).get_table_names() == []
    postgresql_server.drop_database(first)  # though a pooled connection is still open
    other.dispose()
    postgresql_server.drop_database(second)


def test_it_is_reached_over_tcp_only_with_its_password(postgresql_server: postgresql.Server) -> None:
    url = sqlalchemy.make_url(postgresql_server.url(tcp=True))
    with sqlalchemy.create_engine(url).connect() as connection:
        assert connection.execute(sqlalchemy.text("SHOW fsync")).scalar() == "on"
    with pytest.raises(sqlalchemy.exc.OperationalError):
        sqlalchemy.create_engine(url.set(password="guess")).connect()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_ends_with_a_test_run_that_is_killed(checkout: Path, postgresql_server: postgresql.Server) -> None:
    script = (
        "from tests.environment.postgresql import start\n"
        "server = start()\n"
        "print(server.process.pid, server.folder, flush=True)\n"
        "input()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        assert is_running(int(pid))
        run.kill()
    until = time.monotonic() + 30
    while is_running(int(pid)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(int(pid))
    postgresql.clear_dead(postgresql.base_folder())
    assert not Path(folder).exists()
    assert postgresql_server.answers()


def test_after_an_outage_it_is_where_it_was(postgresql_server: postgresql.Server, postgresql_url: str) -> None:
    engine = sqlalchemy.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE volume (id text)"))
    with postgresql_server.outage(), pytest.raises(sqlalchemy.exc.OperationalError):
        engine.connect().execute(sqlalchemy.text("SELECT 1"))
    engine.dispose()
    assert sqlalchemy.inspect(engine).get_table_names() == ["volume"]
    engine.dispose()
