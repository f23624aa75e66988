"""The plugin without its library, and what it says to vCenters of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus.plugin_manager.action import Action
from isthmus.plugins.vsphere.registration.declaration import registration_actions
from isthmus.plugins.vsphere.registration.identity import KEY, manifest_url, version_of
from isthmus.plugins.vsphere.registration.offer import Offer
from isthmus.plugins.vsphere.vcenters.privileges import (
    ADMINISTER,
    MANAGE,
    PRIVILEGES,
    PROVISION,
    VIEW,
    principal,
    role,
    stands_for,
)
from isthmus.ui_bridge.locale import Texts

GROW = Action("barn-grow", "Grow", "volume:extend", kinds=("Datastore",), run=lambda call: {})
_SCRIPT = """
import json, sys
from unittest.mock import MagicMock
if sys.argv[1] == "without":
    sys.modules["pyVmomi"] = None
from isthmus.plugin_manager.loader import find, load
from isthmus.plugin_manager.namespaces import NAMESPACES
(found,) = [each for each in find(NAMESPACES["plugins"]) if each.name == "vsphere"]
loaded = load(found)
if loaded.value is not None:
    made = loaded.value(MagicMock())
    made.actions(), made.duties(), made.flows(), made.prefixes(), made.ready()
print(json.dumps([loaded.report.state, loaded.report.reason, sys.modules.get("pyVmomi") is not None]))
"""


def loaded(way: str, folder: Path) -> list[object]:
    command = [sys.executable, "-c", _SCRIPT, way]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    found: list[object] = json.loads(answer.stdout)
    return found


def test_without_the_library_it_is_reported_with_what_to_install(tmp_path: Path) -> None:
    state, reason, _ = loaded("without", tmp_path)
    assert state == "broken"
    assert "pyVmomi" in str(reason) and "isthmus[vsphere]" in str(reason)


def test_the_library_is_not_loaded_before_it_is_needed(tmp_path: Path) -> None:
    assert loaded("with", tmp_path) == ["loaded", "", False]


def test_the_strongest_privilege_makes_the_role() -> None:
    assert role({VIEW, PROVISION, MANAGE}) == "manager"
    assert role({VIEW, PROVISION}) == "member"
    assert role({VIEW, "System.Read"}) == "reader"
    assert role({"System.Read"}) is None
    assert role({ADMINISTER}) == "manager" and role({ADMINISTER}, administrators=True) == "admin"


def test_a_role_stands_for_its_privilege_and_the_weaker_ones() -> None:
    for held in PRIVILEGES:
        made = role({held}, administrators=True)
        assert made is not None
        weaker = PRIVILEGES[: PRIVILEGES.index(held) + 1]
        assert [each for each in PRIVILEGES if stands_for({made}, each)] == list(weaker)
    assert not stands_for({"service"}, VIEW) and not stands_for((), VIEW)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("VSPHERE.LOCAL\\Administrator", "administrator@vsphere.local"),
        ("anna@corp.example", "anna@corp.example"),
        ("root", "root"),
    ],
)
def test_people_have_one_name_however_vcenter_writes_it(name: str, expected: str) -> None:
    assert principal(name) == expected


@pytest.mark.parametrize(
    ("release", "expected"), [("0.1.0", "0.1.0"), ("1.2.3.4.5", "1.2.3.4"), ("2.0.dev1", "2.0"), ("x", "0")]
)
def test_a_version_is_one_to_four_numbers(release: str, expected: str) -> None:
    assert version_of(release) == expected


def test_the_newest_vcenters_are_given_an_archive() -> None:
    assert manifest_url("https://i", "9.0.0").endswith("/vsphere/ui/plugin-1.2.0.json")
    assert manifest_url("https://i", "9.1.0").endswith("/vsphere/ui/plugin-1.2.0.zip")
    assert manifest_url("https://i", "8.0.3", archive=True).endswith(".zip")


def test_every_action_on_an_object_is_a_type_of_task_with_texts_in_every_language() -> None:
    texts = Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere")
    offer = Offer((GROW, *registration_actions(lambda: pytest.fail("nothing is called"), dict)), texts)
    assert offer.tasks() == [f"{KEY}.barn-grow"]
    tasks = {locale: data for locale, module, data in offer.resources() if module == "task"}
    assert tasks.keys() == {"en", "de", "zh_CN"}
    assert all(data.keys() == {f"{KEY}.barn-grow.label", f"{KEY}.barn-grow.summary"} for data in tasks.values())


def test_every_type_of_event_and_privilege_has_its_texts() -> None:
    offer = Offer((), Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere"))
    for _, module, data in offer.resources():
        if module == "event":
            assert all(f"{event}.fullFormat" in data for event in offer.events())
        if module == "auth":
            assert all(f"{privilege}.label" in data for privilege, _ in offer.privileges())
        assert all("." not in text or " " in text for text in data.values()), "a key stands where a text should"


def test_passwords_are_declared_as_secrets_and_certificates_as_files() -> None:
    for action in registration_actions(lambda: pytest.fail("nothing is called"), dict):
        for name, schema in action.input.get("properties", {}).items():
            assert schema.get("writeOnly", False) == ("password" in name)
            assert ("contentMediaType" in schema) == (name in ("ca", "next_certificate"))
