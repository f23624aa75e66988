"""The promises of tests/unit/journal, kept on PostgreSQL too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.journal.test_acceptance import *  # noqa: F403
from tests.unit.journal.test_cancel import *  # noqa: F403
from tests.unit.journal.test_control import *  # noqa: F403
from tests.unit.journal.test_crashes import *  # noqa: F403
from tests.unit.journal.test_deadline import *  # noqa: F403
from tests.unit.journal.test_failure import *  # noqa: F403
from tests.unit.journal.test_forward import *  # noqa: F403
from tests.unit.journal.test_leases import *  # noqa: F403
from tests.unit.journal.test_waiting import *  # noqa: F403
from tests.unit.journal.world import World


@pytest.fixture
def world(postgresql_url: str) -> Iterator[World]:
    world = World(postgresql_url)
    yield world
    world.close()
