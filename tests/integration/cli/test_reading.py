"""What the command prints for people: names beside ids, and errors in sentences."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import click
from click.testing import CliRunner

from isthmus.core.errors import Failed, NeedsAttention
from isthmus.core.model.identity import now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.plugins.cli.command import answer
from isthmus.plugins.cli.following import show_operation
from isthmus.plugins.cli.naming import Names
from isthmus.plugins.cli.session import Session
from tests.integration.cli.test_command import Run, client_file, read, run

__all__ = ["client_file", "run"]


def _shown(text: str, field: str) -> str:
    """What stands beside a label."""
    found = re.search(rf"^{field}\s+(.*?)\s*$", text, re.M)
    assert found is not None, text
    return found[1]


def test_limits_are_listed_by_the_names_of_profiles(run: Run) -> None:
    profile = read(run("--json", "profile", "show", "memory"))["id"]
    assert _shown(run("limit", "set", "default", "--profile", "memory", "--volumes", "9").output, "profile") == "memory"
    listed = run("limit", "list").output
    assert profile not in listed
    heading, everything, *rest = listed.splitlines()
    assert heading.startswith("PROFILE")
    assert everything.split()[0] == "all"
    assert "memory" in {line.split()[0] for line in rest}
    assert profile in {each["profile"] for each in read(run("--json", "limit", "list"))}


def test_a_volume_is_shown_with_the_names_of_its_profile_and_pool(run: Run) -> None:
    made = read(run("--json", "volume", "create", "named", "--size", "1MiB", "--profile", "memory", "--wait"))
    volume = read(run("--json", "volume", "show", made["result"]["volume"]))
    shown = run("volume", "show", volume["id"]).output
    assert _shown(shown, "profile") == f"memory ({volume['profile']})"
    assert re.fullmatch(rf"array/pool\d \({volume['pool']}\)", _shown(shown, "pool"))
    assert run("volume", "delete", volume["id"], "--wait").exit_code == 0


def test_an_operation_shows_why_its_volume_was_placed_where_it_was(run: Run) -> None:
    made = read(run("--json", "volume", "create", "placed", "--size", "1MiB", "--profile", "memory", "--wait"))
    shown = run("operation", "show", made["id"]).output
    assert re.search(r"^placement +\d+ pools considered", shown, re.M)
    assert "{" not in shown
    assert read(run("--json", "operation", "show", made["id"]))["explanation"] == made["explanation"]
    assert run("volume", "delete", made["result"]["volume"], "--wait").exit_code == 0


def _printed(operation: Operation, *, as_json: bool = False) -> str:
    session = Session(client=None, address=None, ca=None, tenant=None, as_json=as_json)
    command = click.Command(
        "show", callback=lambda: answer(session, operation, partial(show_operation, names=Names(session)))
    )
    result = CliRunner().invoke(command)
    assert result.exit_code == 0, result.output
    return result.output


def _operation(state: OperationState, error: dict[str, Any]) -> Operation:
    moment = now()
    return Operation(
        "op-1", "volume.delete", "volume", "v1", "acme", "ann", "req-1", state, moment, moment, error=error
    )


def test_an_error_is_printed_in_sentences_with_its_cause_and_what_to_do() -> None:
    cause = Failed("Isthmus may not write to /srv.", next_step="Correct its owner.").to_json()
    error = NeedsAttention(
        "Step delete keeps failing: Isthmus may not write to /srv.",
        next_step="Remove the cause and retry.",
        attempts=4,
        cause=cause,
        because=Failed("The array is full.").to_json(),
    ).to_json()
    operation = _operation(OperationState.NEEDS_ATTENTION, error)
    shown = _printed(operation)
    assert _shown(shown, "error") == "Step delete keeps failing: Isthmus may not write to /srv."
    assert _shown(shown, "what to do") == "Remove the cause and retry."
    assert "attempts: 4" in shown
    assert "Correct its owner." in shown
    assert _shown(shown, "taken back") == "The array is full."
    assert shown.count("may not write") == 1
    assert "{" not in shown and '"' not in shown
    assert json.loads(_printed(operation, as_json=True))["error"] == error
