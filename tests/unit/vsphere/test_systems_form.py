"""One form has the settings of all adapters, and each adapter gets its own of what is written into it."""

from __future__ import annotations

from typing import Any

from isthmus.core.model.description import Extension
from isthmus.plugins.vsphere.systems.adapters import AdapterKind, Form, kinds


def kind(name: str, /, **properties: Any) -> AdapterKind:
    return AdapterKind(name, {"type": "object", "properties": properties})


TEXT = {"type": "string"}
SECRET = {"type": "string", "writeOnly": True}


def test_settings_of_one_name_and_type_share_a_field() -> None:
    form = Form([kind("far", user=TEXT, key=SECRET), kind("near", user={**TEXT, "minLength": 3})])
    assert form.fields["user"]["x-for"] == {"adapter": ["far", "near"]}
    assert form.fields["key"]["x-for"] == {"adapter": ["far"]}
    assert form.fields["key"]["description"] == "far: key"


def test_settings_of_one_name_that_differ_have_fields_of_their_own() -> None:
    form = Form([kind("far", key=SECRET), kind("near", key=TEXT, name=TEXT)])
    assert form.fields.keys() == {"key", "near_key", "near_name"}
    given = {"name": "what it is called", "adapter": "near", "near_key": "plain", "near_name": "inner"}
    found = form.given("near", given)
    assert (found.settings, found.secrets, found.strange) == ({"key": "plain", "name": "inner"}, {}, ())
    assert form.setting("near", "near_key") == ("key", False) and form.setting("far", "key") == ("key", True)
    assert form.setting("far", "near_key") is None


def test_what_is_another_adapters_is_told() -> None:
    form = Form([kind("far", key=SECRET), kind("near", colour=TEXT)])
    found = form.given("near", {"key": "k", "colour": "blue", "name": "n", "adapter": "near"})
    assert (found.settings, found.strange) == ({"colour": "blue"}, ("key",))
    assert "k" not in repr(form.given("far", {"key": "k"}))


def test_a_default_is_left_to_the_adapter_and_a_certificate_is_a_file() -> None:
    ca = {"type": "string", "pattern": "-----BEGIN CERTIFICATE-----"}
    form = Form([kind("far", colour={**TEXT, "default": "blue"}, ca=ca)])
    assert "default" not in form.fields["colour"]
    assert form.fields["ca"]["contentMediaType"] == "application/x-pem-file"


def test_adapters_that_cannot_be_used_are_not_offered() -> None:
    def extension(name: str, state: str, namespace: str = "adapters") -> Extension:
        return Extension(namespace, name, state, details={"settings_schema": {"properties": {}}})

    found = kinds(
        [
            extension("remote", "loaded"), extension("fragile", "broken"), extension("array", "available"),
            extension("local", "loaded"), extension("old", "disabled"), extension("file", "loaded", "drivers"),
        ]
    )  # fmt: skip
    assert [each.name for each in found] == ["array", "remote"]
