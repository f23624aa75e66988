"""The manifest is made of actions and views, and is what a vSphere Client takes."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from isthmus.core.errors import Invalid
from isthmus.plugin_manager.action import Action
from isthmus.ui_bridge.archive import archive
from isthmus.ui_bridge.locale import Texts, language
from isthmus.ui_bridge.manifest import VERSIONS, Surface, fault, generation, manifest
from isthmus.ui_bridge.view import View
from tests.unit.ui_bridge.surface import surface


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_well_formed(version: str) -> None:
    document = manifest(surface(), version)
    assert fault(document) == ""
    assert document["requirements"]["plugin.api.version"] == version
    assert json.loads(json.dumps(document)) == document


def test_menus_are_the_actions_on_a_kind_of_object_and_no_others() -> None:
    objects = manifest(surface())["objects"]
    assert [each["id"] for each in objects["Datastore"]["menu"]["actions"]] == ["barn-grow", "barn-delete"]
    assert [each["id"] for each in objects["HostSystem"]["menu"]["actions"]] == ["barn-delete"]
    assert objects["Datastore"]["menu"]["dynamicUri"] == "dynamic/Datastore/menu"
    assert objects["Datastore"]["summary"]["view"]["uri"] == "view/barn.html"
    assert "barns" not in json.dumps(objects)


def test_what_cannot_be_undone_has_its_own_icon() -> None:
    entries = manifest(surface())["objects"]["Datastore"]["menu"]["actions"]
    assert [each["icon"]["name"] for each in entries] == ["change", "remove"]


def test_a_plugin_with_nothing_to_offer_has_a_manifest_too() -> None:
    empty = Surface("farm", (), (View("overview"),), surface().texts)
    document = manifest(empty)
    assert fault(document) == "" and "objects" not in document


def test_every_text_is_there_in_every_language() -> None:
    definitions = manifest(surface())["definitions"]["i18n"]["definitions"]
    assert definitions["action.barn-grow.title"] == {
        "en-US": "Grow a barn", "de-DE": "de: Grow a barn", "zh-CN": "zh: Grow a barn",
    }  # fmt: skip


def test_the_newest_says_for_which_vcenters_it_is() -> None:
    assert "vcenter.server" in manifest(surface(), "1.2.0")["requirements"]
    assert "vcenter.server" not in manifest(surface(), "1.1.0")["requirements"]


@pytest.mark.parametrize(
    ("release", "expected"),
    [("7.0.0", "1.0.0"), ("7.0.3", "1.0.1"), ("8.0.3", "1.1.0"), ("9.1.0", "1.2.0"), ("?", "1.0.0")],
)  # fmt: skip
def test_a_vcenter_is_given_what_it_takes(release: str, expected: str) -> None:
    assert generation(release) == expected


def broken(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    document = manifest(surface())
    part = document
    for name in place[:-1]:
        part = part[name]
    if value is None:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    return document


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (("surprise",), 1, "surprise"),
        (("manifestVersion",), "2.0.0", "manifestVersion"),
        (("manifestVersion",), "1.1.0", "different versions"),
        (("definitions", "i18n", "definitions", "plugin.name"), None, "plugin.name is missing in en-US"),
        (("definitions", "i18n", "definitions", "view.stalls.title", "de-DE"), None, "missing in de-DE"),
        (("definitions", "iconSpriteSheet", "definitions", "remove"), None, "icon remove"),
        (("global", "view", "uri"), "https://elsewhere.example/", "uri"),
    ],
)
def test_what_a_client_would_refuse_is_named(place: tuple[str, ...], value: Any, why: str) -> None:
    assert why in fault(broken(place, value))


def test_a_version_that_there_is_not_is_refused() -> None:
    with pytest.raises(Invalid):
        manifest(surface(), "3.0.0")


def test_the_archive_holds_the_manifest_and_its_icons_and_is_the_same_each_time() -> None:
    content = archive(surface(), "1.2.0")
    assert content == archive(surface(), "1.2.0")
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        document = json.loads(found.read("plugin.json"))
        assert document == manifest(surface(), "1.2.0")
        sheet = document["definitions"]["iconSpriteSheet"]
        assert {sheet["uri"], sheet["themeOverrides"]["dark"]["uri"]} < set(found.namelist())


@pytest.mark.parametrize(
    ("locale", "expected"), [("de-AT", "de"), ("zh_CN", "zh"), ("zh-Hant", "zh"), ("fr-FR", "en"), ("", "en")]
)
def test_a_locale_is_served_by_the_language_nearest_to_it(locale: str, expected: str) -> None:
    assert language(locale) == expected


def test_a_missing_text_is_found() -> None:
    assert Texts({"en": {"a": "A", "b": "B"}, "de": {"a": "A"}, "zh": {"b": "B"}}).missing() == ["de: b", "zh: a"]


@pytest.mark.parametrize("packages", [("isthmus.ui_bridge",), ("isthmus.ui_bridge", "isthmus.plugins.vsphere")])
def test_no_text_of_ours_is_missing_in_any_language(packages: tuple[str, ...]) -> None:
    texts = Texts.load(*packages)
    assert texts.missing() == []
    assert all(text.strip() for found in texts.by_language.values() for text in found.values())


def test_a_text_with_values_has_the_same_ones_in_every_language() -> None:
    texts = Texts.load("isthmus.ui_bridge", "isthmus.plugins.vsphere").by_language
    for key, text in texts["en"].items():
        for name in texts:
            assert texts[name][key].count("{") == text.count("{"), f"{name}: {key}"


def test_an_action_without_a_kind_needs_no_text() -> None:
    alone = Action("barns", "List", "volume:read", run=lambda call: {})
    assert Surface("farm", (alone,), (), surface().texts).text_keys() == ["plugin.name"]
