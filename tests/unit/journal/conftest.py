"""One world a test, on SQLite in memory: these tests are about what is written, not about a disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest

from tests.environment.postgresql import base_folder
from tests.unit.journal.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="isthmus-journal-", dir=base_folder()) as folder:
        world = World(f"sqlite:///{folder}/isthmus.db")
        yield world
        world.close()
