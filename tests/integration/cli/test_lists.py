"""Lists: what they leave out they tell, the latest comes first where that is what people look for."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from isthmus.plugins.cli.main import isthmus
from tests.integration.cli.test_command import Run, client_file, read, run

__all__ = ["client_file", "run"]

MORE = "There are more; use --all."


@pytest.fixture(scope="module")
def tenants(client_file: Path) -> None:
    """Three tenants more, each with an event of the installation."""
    for name in ("one", "two", "three"):
        assert CliRunner().invoke(isthmus, ["--client", str(client_file), "tenant", "create", name]).exit_code == 0


@pytest.mark.parametrize("shape", [(), ("--json",)])
def test_a_list_that_is_cut_says_so_on_standard_error_in_every_form(run: Run, tenants: None, shape: Any) -> None:
    cut = run(*shape, "tenant", "list", "--limit", "2")
    assert cut.exit_code == 0 and cut.stderr.strip() == MORE
    assert MORE not in cut.stdout
    for words in (("--all", "--limit", "2"), ("--limit", "1000")):
        whole = run(*shape, "tenant", "list", *words)
        assert whole.exit_code == 0 and whole.stderr == ""


def test_a_list_that_a_filter_empties_does_not_say_that_there_is_nothing(run: Run) -> None:
    assert run("volume", "create", "there", "--size", "1MiB", "--profile", "memory", "--wait").exit_code == 0
    assert run("volume", "list", "--where", "state=error").output.strip() == "None of them is so."
    found = read(run("--json", "volume", "list", "--where", "profile=memory"))
    assert "there" in {each["name"] for each in found}
    refused = run("volume", "list", "--where", "profile=platinum")
    assert refused.exit_code == 2 and "There is no profile platinum." in refused.output
    assert run("volume", "delete", found[0]["id"], "--wait").exit_code == 0


def test_operations_and_messages_are_listed_with_the_latest_first(run: Run) -> None:
    for name in ("first", "second"):
        assert run("volume", "create", name, "--size", "1MiB", "--profile", "memory", "--wait").exit_code == 0
        assert run("volume", "create", name, "--size", "900PiB", "--profile", "memory").exit_code == 6
    for kind in ("operation", "message"):
        times = [each["created_at"] for each in read(run("--json", kind, "list"))]
        assert len(times) > 1 and times == sorted(times, reverse=True)
        other = [each["created_at"] for each in read(run("--json", kind, "list", "--sort", "created_at"))]
        assert other == sorted(other)


def told(run: Run) -> None:
    """Wait until all that was done has its number: numbers come a moment after the events."""
    last = read(run("--json", "tenant", "create", f"last-{time.monotonic_ns()}"))["id"]
    until = time.monotonic() + 20
    while last not in {each["resource"] for each in read(run("--json", "--tenant", "", "event", "list"))}:
        assert time.monotonic() < until
        time.sleep(0.02)


def numbers(result: Any) -> list[int]:
    return [each["number"] for each in read(result)]


def test_events_are_the_newest_in_order_and_all_of_them_on_request(run: Run, tenants: None) -> None:
    told(run)
    everywhere = ("--json", "--tenant", "")
    whole = numbers(run(*everywhere, "event", "list", "--all"))
    assert len(whole) > 5 and whole == sorted(whole)
    newest = run(*everywhere, "event", "list", "--limit", "3")
    assert numbers(newest) == whole[-3:] and newest.stderr.strip() == MORE
    following = run(*everywhere, "event", "list", "--limit", "2", "--after", str(whole[1]))
    assert numbers(following) == whole[2:4] and following.stderr.strip() == MORE
    assert numbers(run(*everywhere, "event", "list", "--all", "--after", str(whole[-3]))) == whole[-2:]
    exactly = run(*everywhere, "event", "list", "--limit", "2", "--after", str(whole[-3]))
    assert numbers(exactly) == whole[-2:] and exactly.stderr == ""


def test_the_newest_of_a_tenant_are_found_between_those_of_others(run: Run, tenants: None) -> None:
    """Its own are far apart: each has a number that many of others follow."""
    made = read(run("--json", "volume", "create", "far", "--size", "1MiB", "--profile", "memory", "--wait"))
    mine = made["resource"]
    for number in range(12):
        assert run("profile", "create", f"p{number}").exit_code == 0
    told(run)
    shown = read(run("--json", "event", "list", "--limit", "1"))
    assert [each["resource"] for each in shown] == [mine]
    own = numbers(run("--json", "event", "list", "--all"))
    assert numbers(run("--json", "event", "list", "--limit", "3")) == own[-3:]


def test_an_empty_tenant_on_the_command_line_is_none_whatever_the_client_file_says(run: Run, tenants: None) -> None:
    told(run)
    kinds = {each["kind"] for each in read(run("--json", "event", "list", "--all"))}
    assert "backend.created" not in kinds
    kinds = {each["kind"] for each in read(run("--json", "--tenant", "", "event", "list", "--all"))}
    assert {"backend.created", "tenant.created"} <= kinds


def test_events_that_are_no_longer_kept_do_not_hide_the_others(run: Run, forgetful: int) -> None:
    everywhere = ("--json", "--tenant", "")
    assert numbers(run(*everywhere, "event", "list", "--all"))[0] == forgetful
    assert numbers(run(*everywhere, "event", "list", "--limit", "1000"))[0] == forgetful
    gone = run(*everywhere, "event", "list", "--after", "1")
    assert gone.exit_code == 1 and "no longer kept" in gone.output


@pytest.fixture
def forgetful(run: Run, client_file: Path) -> int:
    """The number of the oldest event, once the three before it were discarded."""
    told(run)
    with sqlite3.connect(client_file.parent / "isthmus.db") as database:
        database.execute("DELETE FROM events WHERE number <= 3")
    return 4


def test_pools_are_told_apart_by_their_back_ends(run: Run) -> None:
    settings = ("--driver", "memory", "--set", 'pools=[{"name": "pool0", "total": 1073741824}]')
    assert run("backend", "add", "twin", *settings).exit_code == 0
    listed = run("pool", "list").output.splitlines()
    assert listed[0].split()[:3] == ["ID", "BACKEND", "NAME"]
    assert {tuple(line.split()[1:3]) for line in listed[1:]} >= {("array", "pool0"), ("twin", "pool0")}
    refused = run("volume", "create", "huge", "--size", "900PiB", "--profile", "memory")
    explained = run("explain", refused.output.split("Request ")[1].split(";")[0]).output
    assert "array/pool0: capacity" in explained and "twin/pool0: capacity" in explained
    planned = run("volume", "create", "v", "--size", "20GiB", "--profile", "memory", "--dry-run").output
    assert "twin/pool0: capacity" in planned and "chosen: array/pool" in planned
    assert run("backend", "remove", "twin").exit_code == 0
    gone = run("explain", refused.output.split("Request ")[1].split(";")[0]).output
    assert "array/pool0: capacity" in gone and " pool0: capacity" in gone


def limits(run: Run, profile: str | None = None) -> tuple[int | None, int | None]:
    wanted = None if profile is None else read(run("--json", "profile", "show", profile))["id"]
    found = next(each for each in read(run("--json", "limit", "list", "--of", "one")) if each["profile"] == wanted)
    return found["max_volumes"], found["max_bytes"]


def test_a_limit_that_is_not_named_stays(run: Run, tenants: None) -> None:
    assert run("limit", "set", "one", "--size", "1GiB").exit_code == 0
    assert run("limit", "set", "one", "--volumes", "7").exit_code == 0
    assert limits(run) == (7, 1 << 30)
    assert run("limit", "set", "one", "--profile", "memory", "--volumes", "3").exit_code == 0
    assert run("limit", "set", "one", "--profile", "memory", "--size", "1MiB").exit_code == 0
    assert (limits(run, "memory"), limits(run)) == ((3, 1 << 20), (7, 1 << 30))
    assert run("limit", "set", "one", "--size", "none").exit_code == 0
    assert limits(run) == (7, None)
    assert run("limit", "set", "one", "--volumes", "0", "--size", "0").exit_code == 0
    assert limits(run) == (0, 0)


def test_a_limit_that_says_nothing_is_a_mistake_and_changes_nothing(run: Run, tenants: None) -> None:
    assert run("limit", "set", "one", "--volumes", "5", "--size", "1GiB").exit_code == 0
    refused = run("limit", "set", "one")
    assert refused.exit_code == 2 and "none lifts a limit" in refused.output
    for words in (("--volumes", "few"), ("--volumes", "-1"), ("--size", "-1")):
        assert run("limit", "set", "one", *words).exit_code == 2
    assert limits(run) == (5, 1 << 30)
