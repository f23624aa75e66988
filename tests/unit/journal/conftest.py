"""One world a test, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.journal.world import World


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    world = World(sqlite_url)
    yield world
    world.close()
