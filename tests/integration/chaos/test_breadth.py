"""Whatever dies, fails or is cancelled, and wherever: afterwards store and back end agree, and nothing is stuck."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos import breadth
from tests.chaos.scenarios import SCENARIOS, Scenario

EVERY = 3
"""Of the deaths on the way back every third is enough here; `python -m tests.chaos.breadth` runs them all."""

TWICE = 5


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """In memory where there is some: what is looked for are wrong orders, not what a disk does."""
    folder = tempfile.mkdtemp(prefix="isthmus-chaos-", dir=breadth.FAST if breadth.FAST.is_dir() else None)
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_flow_survives_deaths_failures_and_cancels_at_every_point(
    kind: str,
    scenario: Scenario,
    quick_folder: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    url = "sqlite" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    count = breadth.run(scenario, url, quick_folder, twice=TWICE, every=EVERY)
    record_property(f"counted: chaos in breadth, cases on {kind}", count)
    print(f"{scenario.name}: {count} cases on {kind}")
    assert count > 50
