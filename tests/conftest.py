"""What every test may use, and the order in which tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["tests.environment.postgresql"]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, so that a plain mistake shows before any server has started."""
    items.sort(key=lambda item: sum(item.get_closest_marker(name) is not None for name in ("server", "slow")))
