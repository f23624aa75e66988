"""Whatever a dialog, an operation or a plan shows of an action has words in every language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from isthmus.core.errors import IsthmusError, NeedsAttention, Refused
from isthmus.plugin_manager.action import Action
from isthmus.plugins.vsphere.actions.declaration import Declared
from isthmus.plugins.vsphere.actions.declared import DECLARED
from isthmus.plugins.vsphere.actions.told import told
from isthmus.plugins.vsphere.connection.errors import Unreachable
from isthmus.plugins.vsphere.reasons import because, texts
from isthmus.plugins.vsphere.systems.adapters import Form
from isthmus.plugins.vsphere.systems.declared import system_actions
from isthmus.plugins.vsphere.systems.storage_systems import StorageSystems


def _unused() -> StorageSystems:
    raise AssertionError("no system is asked for its words")


EVERY = [pytest.param(each, id=each.id) for each in DECLARED]
DIALOGS = [*EVERY, *(pytest.param(each, id=each.id) for each in system_actions(Form(()), _unused))]


def properties(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All of them, those of objects within by their paths."""
    for name, part in schema.get("properties", {}).items():
        yield f"{path}{name}", part
        yield from properties(part, f"{path}{name}.")
        yield from properties(part.get("items", {}), f"{path}{name}.")


@pytest.mark.parametrize("action", DIALOGS)
def test_every_field_of_a_dialog_has_a_title_and_a_note(action: Declared | Action) -> None:
    missing = [
        f"input.{action.id}.{name}{part}"
        for name, _ in properties(action.input)
        for part in ("", ".note")
        if not texts().has(f"input.{action.id}.{name}{part}") and not texts().has(f"input.{name}{part}")
    ]
    assert missing == []


@pytest.mark.parametrize("action", EVERY)
def test_every_value_to_choose_from_has_a_title(action: Declared) -> None:
    missing = [
        f"input.{action.id}.{name}.value.{value}"
        for name, part in properties(action.input)
        for value in part.get("enum") or part.get("items", {}).get("enum") or ()
        if not any(texts().has(f"input.{each}{name}.value.{value}") for each in (f"{action.id}.", ""))
    ]
    assert missing == []


@pytest.mark.parametrize("action", EVERY)
def test_every_step_has_words(action: Declared) -> None:
    steps = action.described()["steps"] if action.steps else []
    missing = [step for step in steps if not any(texts().has(f"step.{each}{step}") for each in (f"{action.id}.", ""))]
    assert missing == []


def test_a_step_that_keeps_failing_is_told_with_its_cause() -> None:
    cause = because(Refused, "host-offline", host="esx-01").to_json()
    error = NeedsAttention("It keeps failing.", next_step="Retry.", step="scan", cause=cause, because=None)
    message, cure = told(IsthmusError.from_json(error.to_json()), "de") or ("", "")
    assert message.startswith("Der Schritt „Hosts suchen das Volume“ scheitert immer wieder: Das vCenter hat keine")
    assert "wiederholen" in cure


def test_what_is_wrong_on_the_way_to_a_vcenter_is_told_in_the_readers_language() -> None:
    error = Unreachable("vCenter vc cannot be reached: no route.", next_step="Check.", vcenter="vc")
    assert told(error, "en") is None
    message, _ = told(error, "zh-CN") or ("", "")
    assert "vc" in message and "no route" in message and "无法访问" in message


def test_an_error_of_the_core_is_not_ours_to_tell() -> None:
    assert told(Refused("The pool is full."), "de") is None
