"""Databases with the tables in them: the same test on SQLite and on PostgreSQL, each test with one of its own.

A conftest.py offers it by `from tests.environment.database import database, postgresql_template, sqlite_template`.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from tests.environment.postgresql import Server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "isthmus.db"
    made = Database(f"sqlite:///{path}")
    metadata.create_all(made.engine)
    made.close()
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Server) -> str:
    """The name of a PostgreSQL database with the tables and nothing in them."""
    name = postgresql_server.create_database()
    made = Database(postgresql_server.url(name))
    metadata.create_all(made.engine)
    made.close()
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An open database with empty tables; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "tables.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        opened = Database(f"sqlite:///{path}")
        yield opened
        opened.close()
        return
    server: Server = request.getfixturevalue("postgresql_server")
    name = f"t_{secrets.token_hex(6)}"
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{request.getfixturevalue("postgresql_template")}"')
    opened = Database(server.url(name))
    yield opened
    opened.close()
    server.drop_database(name)


def another(database: Database) -> Database:
    """A second, independent opening of the same database, as another process would have."""
    return Database(database.engine.url.render_as_string(hide_password=False))
