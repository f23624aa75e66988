"""Profiles in the form in which OpenSDS has them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.integration.cli.test_command import Run, client_file, read, run

__all__ = ["client_file", "run"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "profiles.md"
FIRST = re.search(r"^```json\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
assert FIRST is not None
GOLD: dict[str, Any] = json.loads(FIRST[1])
SECTIONS = {name: value for name, value in GOLD.items() if name not in ("name", "storageType")}


def post(client_file: Path, body: Any) -> requests.Response:
    client = tomllib.loads(client_file.read_text())
    headers = {"Authorization": f"Bearer {client['token']}"}
    return requests.post(f"{client['address']}/v1/profiles", json=body, headers=headers, timeout=30)


def test_the_example_of_the_documents_can_be_posted_as_it_is(run: Run, client_file: Path) -> None:
    foreign = {"id": "theirs", "createdAt": "2019-09-07T07:02:35", "description": "theirs too"}
    made = post(client_file, {**GOLD, **foreign, "metadata": {"from": "soda"}})
    assert made.status_code == 201, made.text
    profile = made.json()
    assert (profile["name"], profile["storage_type"], profile["properties"]) == ("gold", "block", SECTIONS)
    assert (profile["description"], profile["metadata"]) == ("theirs too", {"from": "soda"})
    assert profile["id"] != "theirs"
    assert run("profile", "delete", "gold").exit_code == 0


def test_a_body_in_both_forms_at_once_is_refused(client_file: Path) -> None:
    refused = post(client_file, {**GOLD, "properties": SECTIONS})
    assert refused.status_code == 400
    assert refused.json()["details"]["faults"][0]["path"] == "/properties"


def test_the_example_of_the_documents_can_be_given_as_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "gold.json"
    file.write_text(json.dumps({**GOLD, "description": "of the file"}))
    made = read(run("--json", "profile", "create", "silver", "--file", str(file), "--multi-attach"))
    assert (made["name"], made["storage_type"], made["properties"]) == ("silver", "block", SECTIONS)
    assert made["description"] == "of the file"
    assert run("profile", "delete", "silver").exit_code == 0


def test_a_file_may_hold_the_sections_only(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "sections.json"
    file.write_text(json.dumps(SECTIONS))
    made = read(
        run("--json", "profile", "create", "shares", "--type", "file", "--description", "said", "--file", str(file))
    )
    assert (made["storage_type"], made["properties"], made["description"]) == ("file", SECTIONS, "said")
    file.write_text(json.dumps({"customProperties": {"availabilityZone": "west"}}))
    changed = read(run("--json", "profile", "update", "shares", "--file", str(file)))
    assert changed["properties"] == {"customProperties": {"availabilityZone": "west"}}
    assert changed["description"] == "said"
    file.write_text(json.dumps(GOLD))
    refused = run("profile", "update", "shares", "--file", str(file))
    assert refused.exit_code == 2 and "stays one for file" in refused.output
    assert run("profile", "delete", "shares").exit_code == 0


@pytest.mark.parametrize(
    "text", ['{"colour": "red"}', '{"snapshotProperties": {"retention": {"number": "many"}}}', "[]"]
)
def test_a_file_that_is_no_profile_is_refused_with_the_place(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(text)
    refused = run("profile", "create", "wrong", "--file", str(file))
    assert refused.exit_code == 2
    assert "Traceback" not in refused.output
    assert any(word in refused.output for word in ("/colour", "/snapshotProperties/retention/number", "no JSON object"))
