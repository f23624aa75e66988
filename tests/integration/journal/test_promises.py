"""The promises of tests/unit/journal, kept on PostgreSQL too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from isthmus.core.store.schema import operations as table
from tests.environment.postgresql import Server
from tests.unit.journal.test_acceptance import *  # noqa: F403
from tests.unit.journal.test_cancel import *  # noqa: F403
from tests.unit.journal.test_control import *  # noqa: F403
from tests.unit.journal.test_crashes import *  # noqa: F403
from tests.unit.journal.test_deadline import *  # noqa: F403
from tests.unit.journal.test_failure import *  # noqa: F403
from tests.unit.journal.test_forward import *  # noqa: F403
from tests.unit.journal.test_leases import *  # noqa: F403
from tests.unit.journal.test_machine import *  # noqa: F403
from tests.unit.journal.test_until import *  # noqa: F403
from tests.unit.journal.test_waiting import *  # noqa: F403
from tests.unit.journal.world import World


@pytest.fixture(scope="module")
def lasting_url(postgresql_server: Server) -> Iterator[str]:
    """One database for all of these tests: making one costs more than most of them."""
    name = postgresql_server.create_database()
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)


@pytest.fixture
def world(lasting_url: str) -> Iterator[World]:
    world = World(lasting_url)
    world.database.change(lambda tx: tx.execute(table.delete()))
    yield world
    world.close()


@pytest.fixture(scope="module")  # type: ignore[no-redef]
def lasting(postgresql_server: Server) -> Iterator[World]:
    """What the property test plays in, in place of its own."""
    name = postgresql_server.create_database()
    world = World(postgresql_server.url(name))
    yield world
    world.close()
    postgresql_server.drop_database(name)
