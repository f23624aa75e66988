"""Servers for tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server.running import Server, running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that no test of the module stops."""
    with running(tmp_path_factory.mktemp("shared"), listen={"threads": 8, "body_limit": 4096}) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server of the test's own."""
    with running(tmp_path) as server:
        yield server
