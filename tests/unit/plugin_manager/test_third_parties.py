"""Extensions of other distributions under Isthmus' namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.unit.plugin_manager.distribution import install

# Installing distributions takes seconds.
pytestmark = pytest.mark.slow

MODULE = """
from isthmus.plugin_manager.base import Base

class Good(Base):
    name = "good"
    contract_version = 1

class Old(Base):
    name = "old"
    contract_version = 7

class Silent:
    name = "silent"

class Misnamed(Base):
    name = "somebody"
    contract_version = 1

class Half:
    name = "half"
    contract_version = 1
    settings_schema = {"type": "object"}
"""
POINTS = """
[project.optional-dependencies]
far = ["nonsuch"]
[project.entry-points."isthmus.plugins"]
good = "third_party:Good"
old = "third_party:Old"
silent = "third_party:Silent"
misnamed = "third_party:Misnamed"
half = "third_party:Half"
exits = "third_party_exits:Plugin"
raises = "third_party_raises:Plugin"
needy = "third_party_needy:Plugin"
extra = "third_party_needy:Plugin [far]"
gone = "third_party:Nothing"
rest = "third_party:Good"
[project.entry-points."isthmus.drivers"]
good = "third_party_driver:Driver"
"""
OTHER = """
[project.entry-points."isthmus.plugins"]
good = "another:Good"
"""
LOOK = """
import json, sys
from isthmus.plugin_manager.loader import find, load
from isthmus.plugin_manager.namespaces import NAMESPACES
found = {ns: find(NAMESPACES[ns]) for ns in ("plugins", "drivers")}
before = [name for name in sys.modules if name.startswith(("third_party", "another"))]
reports = [load(each).report for each in found["plugins"] + found["drivers"]]
print(json.dumps({
    "imported": before,
    "reports": [[r.namespace, r.name, r.state, r.distribution, r.version, r.reason] for r in reports],
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process says that has two other distributions beside Isthmus."""
    folder = tmp_path_factory.mktemp("site") / "packages"
    install(
        folder,
        "third-party",
        "third_party",
        POINTS,
        third_party=MODULE,
        third_party_exits="import sys\nsys.exit('I take you all with me')\n",
        third_party_raises="raise ValueError('broken by design')\n",
        third_party_needy="import nonsuch.deeply\n",
        third_party_driver="class Driver:\n    name = 'good'\n    settings_schema = {}\n",
    )
    install(folder, "another", "another", OTHER, another=MODULE)
    environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder.parent)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True, cwd="/"
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def reports(seen: dict[str, Any], name: str, namespace: str = "plugins") -> list[list[str]]:
    return [report[2:] for report in seen["reports"] if report[:2] == [namespace, name]]


def test_nothing_is_imported_to_find_it(seen: dict[str, Any]) -> None:
    assert seen["imported"] == []


def test_another_distribution_is_found_and_loaded(seen: dict[str, Any]) -> None:
    assert ["loaded", "another", "2.5", ""] in reports(seen, "good")
    assert reports(seen, "good", "drivers") == [["loaded", "third-party", "2.5", ""]]


def test_of_two_with_one_name_one_counts_and_the_other_is_told_why(seen: dict[str, Any]) -> None:
    states = {distribution: (state, reason) for state, distribution, _, reason in reports(seen, "good")}
    assert states["another"][0] == "loaded"
    assert states["third-party"] == ("broken", "The name is taken by the distribution another.")


def test_nobody_takes_a_name_of_isthmus(seen: dict[str, Any]) -> None:
    states = {distribution: state for state, distribution, _, _ in reports(seen, "rest")}
    assert states == {"isthmus": "loaded", "third-party": "broken"}


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("old", "incompatible", "written for version 7 of the contract, this release has version 1"),
        ("silent", "incompatible", "does not say which contract it was written for"),
        ("misnamed", "broken", "calls itself 'somebody', its entry point 'misnamed'"),
        ("half", "broken", "lacks prefixes, wsgi, actions, flows, duties, ready, close"),
        ("exits", "broken", "SystemExit: I take you all with me"),
        ("raises", "broken", "ValueError: broken by design"),
        ("needy", "broken", "needs the Python package nonsuch, which is not installed. Run `pip install 'nonsuch'`"),
        ("extra", "broken", "Run `pip install 'third-party[far]'`"),
        ("gone", "broken", "has no attribute 'Nothing'"),
    ],
)
def test_what_is_wrong_with_one_is_said_and_takes_nobody_down(
    seen: dict[str, Any], name: str, state: str, reason: str
) -> None:
    [(said, _, _, why)] = reports(seen, name)
    assert said == state
    assert reason in why
