"""Engines that many clients reach at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.store.database import Database
from tests.environment.database import database, postgresql_template, sqlite_template
from tests.environment.engine import Installation

__all__ = ["database", "postgresql_template", "sqlite_template"]


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return Installation.begin(database, tmp_path)


@pytest.fixture
def engine(installation: Installation) -> Iterator[Engine]:
    """A running engine with nothing in it."""
    made = installation.engine(threads=4, backlog=1000, lease=10.0, heartbeat=3.0)
    made.start()
    yield made
    made.stop(drain=2.0)


@pytest.fixture
def context(installation: Installation, engine: Engine) -> Context:
    return installation.administrator(engine)
