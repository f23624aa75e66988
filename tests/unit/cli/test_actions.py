"""Actions of plugins become commands of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
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
            "stalls": {"type": "array", "items": {"type": "string"}},
            "colours": {"type": "array", "items": {"type": "string", "enum": ["red", "white"]}, "minItems": 1},
            "loft": {"type": "integer", "x-unit": "bytes", "description": "Room for records, in bytes."},
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


def given(actions: Actions, *words: str) -> Any:
    """What the action is called with."""
    result = run("farm", "barn-grow", "b1", "--size", "4", *words)
    assert result.exit_code == 0, result.output
    return {name: value for name, value in actions.asked["input"].items() if name != "size"}


def test_words_of_a_list_are_given_one_by_one_or_as_json(actions: Actions) -> None:
    assert given(actions, "--stalls", "north", "--stalls", "south wing") == {"stalls": ["north", "south wing"]}
    assert given(actions, "--stalls", '["north", "south"]', "--stalls", "[east") == {
        "stalls": ["north", "south", "[east"]
    }
    assert given(actions, "--stalls", "[]") == {"stalls": []}
    assert given(actions, "--colours", "red") == {"colours": ["red"]}
    assert given(actions) == {}
    assert run("farm", "barn-grow", "b1", "--size", "4", "--colours", "blue").exit_code == 2


def test_bytes_are_given_as_sizes(actions: Actions) -> None:
    assert given(actions, "--loft", "20GiB") == {"loft": 20 << 30}
    assert given(actions, "--loft", "4096") == {"loft": 4096}
    assert run("farm", "barn-grow", "b1", "--size", "4", "--loft", "roomy").exit_code == 2


def test_its_help_says_what_it_takes(actions: Actions) -> None:
    text = run("farm", "barn-grow", "--help").output
    assert "Grow a barn" in text and "How large, in stalls." in text and "flat|steep" in text
    assert "BARN" in text and "red|white" in text and "20GiB" in text and "May be repeated" in text


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


LOCK = ActionDescription(
    plugin="farm",
    id="barn-lock",
    title="Lock a barn",
    permission="volume:update",
    input={
        "type": "object",
        "required": ["code"],
        "properties": {
            "code": {"type": "string", "writeOnly": True, "description": "The new code."},
            "spare_code": {"type": "string", "writeOnly": True},
            "deed": {"type": "string", "contentMediaType": "application/x-pem-file"},
        },
    },
)


class Locks(Actions):
    def list(self, kind: str | None = None) -> list[ActionDescription]:
        return [LOCK]


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> Locks:
    made = Locks()
    monkeypatch.setattr(Session, "actions", made)
    return made


def test_secrets_are_no_options_and_come_a_line_each_from_standard_input(locks: Locks) -> None:
    answer = CliRunner().invoke(isthmus, ["farm", "barn-lock", "--spare-code"], input="first\nsecond\n")
    assert answer.exit_code == 0, answer.output
    assert locks.asked["input"] == {"code": "first", "spare_code": "second"}
    assert CliRunner().invoke(isthmus, ["farm", "barn-lock", "--code", "first"]).exit_code == 2
    assert "first" not in answer.output


def test_an_optional_secret_is_asked_for_only_when_it_is_wanted(locks: Locks) -> None:
    assert CliRunner().invoke(isthmus, ["farm", "barn-lock"], input="first\nsecond\n").exit_code == 0
    assert locks.asked["input"] == {"code": "first"}


def test_a_secret_that_is_needed_and_not_there_is_said_so(locks: Locks) -> None:
    answer = CliRunner().invoke(isthmus, ["farm", "barn-lock"], input="")
    assert (answer.exit_code, locks.asked) == (2, {})
    assert "code was not given" in answer.output


def test_secrets_and_documents_come_from_files(locks: Locks, tmp_path: Path) -> None:
    (tmp_path / "code").write_text("first\nand a remark\n")
    (tmp_path / "deed.pem").write_text("-----\nPEM\n")
    words = ["farm", "barn-lock", "--code-file", str(tmp_path / "code"), "--deed", str(tmp_path / "deed.pem")]
    assert CliRunner().invoke(isthmus, words).exit_code == 0
    assert locks.asked["input"] == {"code": "first", "deed": "-----\nPEM\n"}


def test_a_file_that_is_not_there_is_said_so(locks: Locks, tmp_path: Path) -> None:
    answer = CliRunner().invoke(isthmus, ["farm", "barn-lock", "--code-file", str(tmp_path / "none")])
    assert (answer.exit_code, locks.asked) == (2, {})


CLEAN = ActionDescription(
    plugin="farm",
    id="clean",
    title="Clean",
    permission="volume:update",
    kinds=("BarnHouse", "HenHouse"),
    input={
        "type": "object",
        "required": ["rooms"],
        "properties": {"rooms": {"type": "array", "items": {"type": "string"}, "description": "Empty for all."}},
    },
)


class Cleaning(Actions):
    """Answers what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.result: dict[str, Any] = {}

    def list(self, kind: str | None = None) -> list[ActionDescription]:
        return [CLEAN]

    def invoke(self, plugin: str, action: str, **given: Any) -> Mapping[str, Any]:
        self.asked = given
        return {"plan": {"rooms": [{"name": "loft"}]}} if given["dry_run"] else {"result": self.result}


@pytest.fixture
def cleaning(monkeypatch: pytest.MonkeyPatch) -> Cleaning:
    made = Cleaning()
    monkeypatch.setattr(Session, "actions", made)
    return made


@pytest.mark.parametrize(
    ("word", "subject"),
    [
        ("BarnHouse:b1", ("BarnHouse", "b1")),
        ("urn:farm:HenHouse:h1:1234", ("HenHouse", "urn:farm:HenHouse:h1:1234")),
        ("BarnHouse:urn:farm:BarnHouse:b1:1", ("BarnHouse", "urn:farm:BarnHouse:b1:1")),
    ],
)
def test_a_subject_is_named_with_its_kind_or_by_a_urn_that_has_it(
    cleaning: Cleaning, word: str, subject: tuple[str, str]
) -> None:
    assert run("farm", "clean", word).exit_code == 0
    assert cleaning.asked["subject"] == subject
    assert run("action", "run", "farm", "clean", "--on", word, "--input", '{"rooms": []}').exit_code == 0
    assert cleaning.asked["subject"] == subject


@pytest.mark.parametrize("word", ["b1", "urn:farm:Field:f1:1234", "Field:f1"])
def test_a_subject_of_no_known_kind_is_refused_with_what_to_write(cleaning: Cleaning, word: str) -> None:
    refused = run("farm", "clean", word)
    assert (refused.exit_code, cleaning.asked) == (2, {})
    assert "BarnHouse:ID or HenHouse:ID" in refused.output and "urn" in refused.output


def test_the_kinds_of_its_subject_are_in_its_help(cleaning: Cleaning) -> None:
    text = " ".join(run("farm", "clean", "--help").output.split())
    assert "SUBJECT is a urn that names its kind (BarnHouse or HenHouse), or KIND:ID." in text


def test_a_list_that_is_needed_and_may_be_empty_is_empty_when_nothing_is_given(cleaning: Cleaning) -> None:
    assert run("farm", "clean", "BarnHouse:b1").exit_code == 0
    assert cleaning.asked["input"] == {"rooms": []}


def test_a_dry_run_says_what_it_is_of(cleaning: Cleaning) -> None:
    shown = run("farm", "clean", "BarnHouse:b1", "--dry-run").output
    assert "Would do: farm clean (nothing was changed)" in shown and "loft" in shown


TROUBLE = {"code": "unavailable", "message": "The door is locked.", "next_step": "Unlock it."}


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({}, 0),
        ({"barns": [{"name": "b1", "findings": [{"check": "door", "level": "ok", "text": "It opens."}]}]}, 0),
        ({"barns": [{"name": "b1", "findings": [{"check": "door", "level": "warning", "text": "It creaks."}]}]}, 0),
        ({"barns": [{"name": "b1", "findings": [{"check": "door", "level": "error", "text": "It is stuck."}]}]}, 1),
        ({"barns": [{"name": "b1"}, {"name": "b2", "error": TROUBLE}]}, 1),
    ],
)
def test_it_ends_with_1_when_its_answer_tells_of_an_error(
    cleaning: Cleaning, result: dict[str, Any], code: int
) -> None:
    cleaning.result = result
    assert run("farm", "clean", "BarnHouse:b1").exit_code == code
    answer = run("--json", "farm", "clean", "BarnHouse:b1")
    assert answer.exit_code == code and json.loads(answer.output) == {"result": result}
