"""The messages that the service sends are the registries', word for word; the code says them with what they need."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from isthmus.plugins import swordfish
from isthmus.plugins.swordfish.protocol.messages import TABLE, message_id, said
from tests.environment import redfish_schemas

PLUGIN = Path(swordfish.__path__[0])
NAMES = {
    f"{prefix}.{key}": message for prefix, registry in TABLE.items() for key, message in registry["messages"].items()
}
_PASSING_ON = ("protocol/refusal.py", "protocol/core_errors.py")
"""These say what they are told to."""
_PLACE = re.compile(r"%(\d)")

officially = pytest.mark.skipif(bool(redfish_schemas.missing()), reason=redfish_schemas.missing() or "at hand")


@dataclass(frozen=True, slots=True)
class Call:
    """A place where a message is said: its possible names, and how many arguments it gets (None: not to be seen)."""

    place: str
    names: tuple[str, ...]
    arguments: int | None


def registry(prefix: str) -> dict[str, Any]:
    """The official registry in the version that the table names."""
    data = redfish_schemas.folder()
    assert data is not None
    found: dict[str, Any] = json.loads((data / "registries" / f"{prefix}.{TABLE[prefix]['version']}.json").read_text())
    return found


@officially
@pytest.mark.parametrize("prefix", TABLE)
def test_the_version_is_the_registrys(prefix: str) -> None:
    assert (registry(prefix)["RegistryPrefix"], registry(prefix)["RegistryVersion"]) == (
        prefix,
        TABLE[prefix]["version"],
    )


@officially
@pytest.mark.parametrize("name", NAMES)
def test_severity_text_and_resolution_are_the_registrys(name: str) -> None:
    prefix, _, key = name.partition(".")
    official = registry(prefix)["Messages"][key]
    assert NAMES[name] == [official["MessageSeverity"], official["Message"], official["Resolution"]]


@officially
@pytest.mark.parametrize("name", NAMES)
def test_a_message_with_its_arguments_is_a_good_one(name: str) -> None:
    arguments = [str(number) for number in range(1, places(name) + 1)]
    assert redfish_schemas.official().messages.errors(said(name, *arguments)) == []


def test_an_id_has_two_numbers_of_the_version() -> None:
    assert re.fullmatch(r"Base\.\d+\.\d+\.Success", message_id("Success"))
    assert message_id("Base.Success") == message_id("Success")


def test_an_argument_that_looks_like_a_place_stays_as_it_is() -> None:
    assert said("PropertyValueTypeError", "%2", "Size")["Message"].startswith("The value '%2' for the property Size ")


def test_what_the_code_says_is_in_the_table() -> None:
    calls = found()
    assert len(calls) > 60
    assert [call.place for call in calls if not call.names] == []
    assert [(call.place, name) for call in calls for name in call.names if name not in NAMES] == []


def test_what_the_code_says_has_the_arguments_it_needs() -> None:
    wrong = [
        f"{call.place}: {name} takes {places(name)}, not {call.arguments}"
        for call in found()
        for name in call.names
        if call.arguments not in (None, places(name)) and name in NAMES
    ]
    assert wrong == []


def test_what_is_in_the_table_is_said_somewhere() -> None:
    written = {full(text) for file in modules() for text in constants(parsed(file))}
    assert set(NAMES) - written - {name for call in found() for name in call.names} == set()


def places(name: str) -> int:
    """How many arguments a message takes."""
    return len(set(_PLACE.findall(NAMES[name][1])))


def modules() -> Iterator[Path]:
    return (file for file in sorted(PLUGIN.rglob("*.py")) if "adapter" not in file.relative_to(PLUGIN).parts)


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def full(name: str) -> str:
    return name if "." in name else f"Base.{name}"


def constants(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@cache
def found() -> tuple[Call, ...]:
    """Every call of `said` and `refuse`, and of what `core_errors` makes of a name."""
    calls = []
    for file in modules():
        tree = parsed(file)
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] in ("messages", "refusal")
            for alias in node.names
        }
        if not imported & {"said", "refuse"}:
            continue
        for scope in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))):
            for node in own_calls(scope):
                calls += said_in(node, scope, tree, f"{file.relative_to(PLUGIN)}:{node.lineno}")
    return tuple(calls)


def own_calls(scope: ast.AST) -> Iterator[ast.Call]:
    """The calls in a function or module, without those of functions in it."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.FunctionDef):
            yield from own_calls(node)


def said_in(call: ast.Call, scope: ast.AST, tree: ast.Module, place: str) -> list[Call]:
    function = call.func.id if isinstance(call.func, ast.Name) else ""
    if function == "_as":
        at = any(keyword.arg == "at" for keyword in call.keywords)
        return [Call(place, names(call.args[1], scope, tree), int(at))]
    first = {"said": 0, "refuse": 1}.get(function)
    if first is None or (isinstance(call.args[first], ast.Name) and place.startswith(_PASSING_ON)):
        return []
    given = call.args[first + 1 :]
    counted = None if any(isinstance(argument, ast.Starred) for argument in given) else len(given)
    return [Call(place, names(call.args[first], scope, tree), counted)]


def names(expression: ast.expr, scope: ast.AST, tree: ast.Module) -> tuple[str, ...]:
    """The messages that an expression may name: itself, a beginning with every ending, or what its function has."""
    if isinstance(expression, ast.Constant):
        return (full(str(expression.value)),)
    if isinstance(expression, ast.JoinedStr) and isinstance(expression.values[0], ast.Constant):
        beginning = str(expression.values[0].value)
        return tuple(name for text in sorted(constants(tree)) if text and (name := full(beginning + text)) in NAMES)
    direct = {
        argument.value
        for call in own_calls(scope)
        if isinstance(call.func, ast.Name) and call.func.id in ("said", "refuse")
        for argument in call.args[:2]
        if isinstance(argument, ast.Constant)
    }
    known = {text for text in constants(scope) if full(text) in NAMES} - direct
    return tuple(map(full, sorted(known or {text for text in constants(tree) if text in NAMES})))
