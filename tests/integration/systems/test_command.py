"""`isthmus system` against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from isthmus.plugins.cli.main import isthmus
from tests.integration.systems.conftest import Place

pytestmark = pytest.mark.xdist_group("systems")

Run = Callable[..., Result]


@pytest.fixture
def run(near: Place, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("ISTHMUS_ADDRESS", "ISTHMUS_TOKEN", "ISTHMUS_TENANT", "ISTHMUS_CA", "ISTHMUS_CLIENT"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*words: str, input: str | None = None) -> Result:
        client = str(near.server.state / "client.toml")
        return CliRunner().invoke(isthmus, ["--client", client, *words], input=input)

    return invoke


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_system_is_added_shown_changed_and_removed(run: Run, far: Place) -> None:
    token, there = far.token_of("command", "member")
    how = ("--address", far.server.address, "--set-file", f"ca={far.server.ca}", "--secret", "token")
    tried = run("system", "test", "branch", "--adapter", "remote", *how, input=f"{there}\n")
    assert tried.exit_code == 0 and "It answers." in tried.output
    added = run("system", "add", "branch", *how, "--set", "tenant=default", input=f"{there}\n")
    assert added.exit_code == 0 and there not in added.output
    assert {each["name"] for each in read(run("--json", "system", "list"))} == {"branch", "local"}
    changed = read(run("--json", "system", "update", "branch", "--unset", "tenant", "--name", "office"))
    assert (changed["name"], set(changed["settings"])) == ("office", {"ca"})
    assert "healthy" in run("system", "show", "office").output
    assert read(run("--json", "system", "update", "office", "--disable"))["state"] == "disabled"
    assert read(run("--json", "system", "update", "office", "--enable"))["state"] == "enabled"
    far.ask("DELETE", f"/v1/tokens/{token}")
    asked = run("system", "test", "office")
    assert asked.exit_code == 1 and "does not accept the credential" in asked.output
    _, fresh = far.token_of("command-again", "member")
    assert run("system", "update", "office", "--secret", "token", input=f"{fresh}\n").exit_code == 0
    assert run("system", "test", "office").exit_code == 0
    assert run("system", "remove", "office").exit_code == 0
    assert run("system", "show", "office").exit_code == 3


def test_what_is_no_use_is_said(run: Run, tmp_path: Path) -> None:
    assert "Nothing to change" in run("system", "update", "local").output
    assert "--adapter" in run("system", "test", "local", "--address", "https://storage.example").output
    missing = run("system", "add", "x", "--set-file", f"ca={tmp_path}/none.pem")
    assert missing.exit_code == 2 and "cannot be read" in missing.output
    removed = run("system", "remove", "local")
    assert removed.exit_code == 5 and "this installation itself" in removed.output
