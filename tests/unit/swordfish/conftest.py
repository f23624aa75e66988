"""What tests of the Redfish service's parts stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from isthmus.plugins.swordfish.events.subscription import Subscriptions
from tests.environment.engine import KEY


@pytest.fixture
def subscriptions(tmp_path: Path) -> Iterator[Subscriptions]:
    """Those of a store of the test's own."""
    database = Database(f"sqlite:///{tmp_path}/isthmus.db")
    metadata.create_all(database.engine)
    yield Subscriptions(OwnedRecords(database, "plugin:swordfish", Sealer([KEY])))
    database.close()
