"""Every test here runs on each database, with an engine whose back end does as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.core.store.database import Database
from tests.environment.database import database, postgresql_template, sqlite_template
from tests.unit.engine.bench import Bench

__all__ = ["database", "postgresql_template", "sqlite_template"]


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Iterator[Bench]:
    """A started engine with two pools and the profiles `memory` and `shared`."""
    made = Bench.open(database, tmp_path)
    yield made
    made.close()
