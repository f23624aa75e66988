"""Actions of plugins become commands of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from isthmus.adapters.remote.actions import ActionDescription
from isthmus.plugins.cli.main import isthmus
from isthmus.plugins.cli.session import Session

GROW = ActionDescription(
    plugin="farm",
    id="barn-grow",
    title="Grow a barn",
    permission="volume:extend",
    kinds=("barn",),
    input={
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "description": "How large, in stalls."},
            "roof": {"enum": ["flat", "steep"]},
            "heated": {"type": "boolean"},
            "animals": {"type": "array"},
        },
    },
)


class Actions:
    """A server's plugins, one of which can grow barns."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def list(self, kind: str | None = None) -> list[ActionDescription]:
        return [GROW] if kind in (None, "barn") else []

    def invoke(self, plugin: str, action: str, **given: Any) -> Mapping[str, Any]:
        self.asked = {"plugin": plugin, "action": action, **given}
        return {"plan": {"stalls": 4}} if given["dry_run"] else {"result": {"stalls": 4}}


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch) -> Actions:
    made = Actions()
    monkeypatch.setattr(Session, "actions", made)
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(isthmus, list(words))


def test_an_action_is_a_command_with_an_option_for_each_input(actions: Actions) -> None:
    result = run("farm", "barn-grow", "b1", "--size", "4", "--roof", "flat", "--no-heated", "--animals", '["cow"]')
    assert result.exit_code == 0, result.output
    assert actions.asked == {
        "plugin": "farm",
        "action": "barn-grow",
        "subject": ("barn", "b1"),
        "input": {"size": 4, "roof": "flat", "heated": False, "animals": ["cow"]},
        "key": None,
        "dry_run": False,
    }
    assert "stalls" in result.output


def test_its_help_says_what_it_takes(actions: Actions) -> None:
    text = run("farm", "barn-grow", "--help").output
    assert "Grow a barn" in text and "How large, in stalls." in text and "flat|steep" in text


@pytest.mark.parametrize(
    "words", [("b1",), ("b1", "--size", "big"), ("b1", "--size", "4", "--roof", "thatched"), ("--size", "4")]
)
def test_what_its_schema_forbids_is_refused_before_anything_is_asked(actions: Actions, words: tuple[str, ...]) -> None:
    assert run("farm", "barn-grow", *words).exit_code == 2
    assert actions.asked == {}


def test_it_can_be_listed_and_run_by_name(actions: Actions) -> None:
    assert "barn-grow" in run("action", "list").output
    assert "No plugin" in run("action", "list", "--kind", "shed").output
    result = run("action", "run", "farm", "barn-grow", "--on", "barn:b1", "--input", '{"size": 4}', "--dry-run")
    assert result.exit_code == 0 and actions.asked["dry_run"] is True
    assert run("action", "run", "farm", "nothing").exit_code == 2


def test_a_word_that_nobody_knows_is_a_usage_error(actions: Actions) -> None:
    result = run("frobnicate")
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit | click.UsageError)
