"""The command against a server: what it prints, what it asks for, and how it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from isthmus.core.context import new_request_id
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from isthmus.plugin_manager.places import Places
from isthmus.plugins.cli.main import isthmus
from isthmus.plugins.rest.application import make_application
from isthmus.plugins.rest.routes.catalogue import ROUTES
from tests.environment.engine import Installation

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def client_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The client file of a server with a memory back end."""
    folder = tmp_path_factory.mktemp("installation")
    database = Database(f"sqlite:///{folder}/isthmus.db")
    metadata.create_all(database.engine)
    installation = Installation.begin(database, folder)
    engine = installation.engine()
    engine.start()
    installation.furnish(engine)
    adapter = installation.adapter(engine)
    application = make_application(ROUTES, lambda: adapter, Places(8))

    def identified(environ: dict[str, Any], start_response: Any) -> Any:
        environ["isthmus.request_id"] = environ.get("HTTP_X_OPENSTACK_REQUEST_ID") or new_request_id()
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, identified, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = folder / "client.toml"
    lines = {
        "address": f"http://127.0.0.1:{server.server_port}",
        "token": installation.prepared.token,
        "tenant": "default",
    }
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items()))
    yield path
    server.shutdown()
    engine.stop(drain=1.0)
    database.close()


@pytest.fixture
def run(client_file: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("ISTHMUS_ADDRESS", "ISTHMUS_TOKEN", "ISTHMUS_TENANT", "ISTHMUS_CA", "ISTHMUS_CLIENT"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*words: str, input: str | None = None) -> Result:
        return CliRunner().invoke(isthmus, ["--client", str(client_file), *words], input=input)

    return invoke


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_volume_is_made_shown_grown_and_deleted(run: Run) -> None:
    made = run("volume", "create", "db1", "--size", "1GiB", "--profile", "memory", "--note", "team=a", "--wait")
    assert made.exit_code == 0 and "Done: volume.create" in made.output
    volume = next(each for each in read(run("--json", "volume", "list")) if each["name"] == "db1")
    assert volume["metadata"] == {"team": "a"}
    shown = run("volume", "show", volume["id"])
    assert "1 GiB (1073741824 bytes)" in shown.output
    assert run("volume", "extend", volume["id"], "2GiB", "--wait").exit_code == 0
    assert "2 GiB" in run("volume", "list").output
    assert run("volume", "update", volume["id"], "--name", "db2").exit_code == 0
    assert run("volume", "delete", volume["id"], "--wait").exit_code == 0
    assert run("volume", "show", volume["id"]).exit_code == 3


def test_a_dry_run_shows_the_plan_and_makes_nothing(run: Run) -> None:
    shown = run("volume", "create", "plan", "--size", "1GiB", "--profile", "memory", "--dry-run")
    assert "Would do: volume.create" in shown.output and "room after" in shown.output
    assert "plan" not in {each["name"] for each in read(run("--json", "volume", "list", "--all"))}


def test_without_wait_it_says_how_to_follow(run: Run) -> None:
    accepted = run("--json", "volume", "create", "later", "--size", "1MiB", "--profile", "memory")
    operation = read(accepted)
    ended = read(run("--json", "operation", "show", operation["id"], "--wait"))
    assert ended["state"] == "done"
    assert "volume.create" in run("operation", "list", "--where", f"resource={operation['resource']}").output


def test_who_waited_in_vain_is_not_told_that_it_is_done(run: Run) -> None:
    waited = run("volume", "create", "unending", "--size", "1MiB", "--profile", "memory", "--wait", "--timeout", "0")
    assert waited.exit_code == 10 and "goes on without you" in waited.output


def test_snapshot_attach_detach_revert(run: Run) -> None:
    volume = read(run("--json", "volume", "create", "s", "--size", "1MiB", "--profile", "memory", "--wait"))
    identifier = volume["result"]["volume"]
    snapshot = read(run("--json", "snapshot", "create", identifier, "before", "--wait"))["result"]["snapshot"]
    host = read(run("--json", "host", "create", "web1", "--initiator", "iqn.2004-10.com.example:web1"))["id"]
    attached = run("attachment", "create", identifier, host, "--read-only", "--wait")
    assert "isthmus attachment show" in attached.output
    attachment = read(run("--json", "attachment", "list", "--where", f"volume={identifier}"))[0]
    assert attachment["mode"] == "ro"
    assert "On the host:" in run("attachment", "show", attachment["id"]).output
    refused = run("volume", "revert", identifier, snapshot)
    assert refused.exit_code == 5 and "Detach it first." in refused.output
    assert run("attachment", "delete", attachment["id"], "--wait").exit_code == 0
    assert run("volume", "revert", identifier, snapshot, "--wait").exit_code == 0
    assert run("volume", "delete", identifier, "--with-snapshots", "--wait").exit_code == 0
    assert run("host", "delete", host).exit_code == 0


def test_what_cannot_be_placed_says_why_and_can_be_explained(run: Run) -> None:
    refused = run("volume", "create", "huge", "--size", "900PiB", "--profile", "memory")
    assert refused.exit_code == 6
    assert "refused by capacity" in refused.output
    request = refused.output.split("Request ")[1].split(";")[0]
    explained = run("explain", request)
    assert explained.exit_code == 0 and "capacity" in explained.output


def test_only_what_is_known_of_is_said_to_be_explained(run: Run) -> None:
    """A refusal leaves nothing behind; an operation that is in the way can be explained."""
    tried = run("volume", "create", "huge", "--size", "900PiB", "--profile", "memory", "--dry-run")
    assert tried.exit_code == 6 and "Request " in tried.output and "isthmus explain" not in tried.output
    for words in (("volume", "show", "nobody"), ("volume", "create", "a/b", "--size", "1GiB")):
        refused = run(*words)
        assert "Request req-" in refused.output and "isthmus explain" not in refused.output


def test_who_asked_is_explained_by_name(run: Run) -> None:
    made = read(run("--json", "volume", "create", "asked", "--size", "1MiB", "--profile", "memory", "--wait"))
    explained = run("explain", made["id"]).output
    assert "asked by      admin at" in explained and made["user"] not in explained
    assert run("volume", "delete", made["result"]["volume"], "--wait").exit_code == 0


def test_hosts_are_shown_with_their_initiators_as_they_are_given(run: Run) -> None:
    word = "iscsi:iqn.2004-10.com.example:db7"
    made = run("host", "create", "db7", "--initiator", word)
    assert made.exit_code == 0 and word in made.output
    assert word in run("host", "list").output
    host = next(each["id"] for each in read(run("--json", "host", "list")) if each["name"] == "db7")
    assert word in run("host", "show", host).output and run("host", "delete", host).exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("volume", "show", "nobody"), 3, "There is no volume nobody."),
        (("volume", "create", "a/b", "--size", "1GiB"), 2, "name"),
        (("volume", "create", "x", "--size", "lots"), 2, "20GiB"),
        (("volume", "create", "x"), 2, "--size"),
        (("volume", "list", "--where", "colour=red"), 2, "colour"),
        (("explain", "req-nobody"), 3, "Nothing is known"),
        (("backend", "add", "x", "--driver", "nothing"), 2, "no driver"),
    ],
)
def test_a_mistake_ends_with_its_code_and_a_sentence(run: Run, words: tuple[str, ...], code: int, said: str) -> None:
    result = run(*words)
    assert result.exit_code == code, result.output
    assert said in result.output
    assert "Traceback" not in result.output


def test_back_ends_are_tested_added_disabled_and_removed(run: Run) -> None:
    settings = ("--driver", "memory", "--set", 'pools=[{"name": "p", "total": 1073741824}]')
    assert "It can serve." in run("backend", "test", "spare", *settings).output
    assert run("backend", "add", "spare", *settings).exit_code == 0
    assert "disabled" in run("backend", "disable", "spare").output
    assert "enabled" in run("backend", "enable", "spare").output
    assert run("backend", "remove", "spare").exit_code == 0


def test_tenants_users_tokens_and_limits(run: Run) -> None:
    assert run("tenant", "create", "team-a").exit_code == 0
    assert (
        run("user", "create", "anna", "--of", "team-a", "--role", "member", "--password", input="x" * 12).exit_code == 0
    )
    token = read(run("--json", "token", "create", "script", "--user", "anna", "--lifetime", "1h"))
    assert token["token"].startswith("ist_")
    assert "1 GiB" in run("limit", "set", "team-a", "--size", "1GiB").output
    assert "1 GiB" in run("limit", "list", "--of", "team-a").output
    assert run("token", "revoke", token["id"]).exit_code == 0
    assert run("user", "delete", "anna").exit_code == 0
    assert run("tenant", "delete", "team-a").exit_code == 0


def test_doctor_says_that_all_is_well(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "No operation needs attention." in result.output


def test_nobody_home_and_no_client_file_are_said_plainly(tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text('address = "http://127.0.0.1:1"\ntoken = "ist_x"\n')
    away = CliRunner().invoke(isthmus, ["--client", str(file), "volume", "list"])
    assert away.exit_code == 7 and "does not answer" in away.output
    missing = CliRunner().invoke(isthmus, ["--client", str(tmp_path / "none.toml"), "volume", "list"])
    assert missing.exit_code == 1 and "cannot be read" in missing.output


def test_completion_and_help_are_there_for_every_command() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "isthmus" in CliRunner().invoke(isthmus, ["completion", shell]).output

    def walk(command: Any, words: list[str]) -> None:
        result = CliRunner().invoke(isthmus, [*words, "--help"])
        assert result.exit_code == 0 and command.help, words
        for name, below in getattr(command, "commands", {}).items():
            walk(below, [*words, name])

    walk(isthmus, [])


def test_what_is_measured_of_a_volume_and_a_pool_is_shown(run: Run) -> None:
    assert run("volume", "create", "measured", "--size", "1MiB", "--profile", "memory", "--wait").exit_code == 0
    volume = read(run("--json", "volume", "list", "--where", "name=measured"))[0]
    found = read(run("--json", "volume", "metrics", volume["id"]))
    assert (found["resource"], found["allocated_bytes"], found["written_operations"]) == (volume["id"], 0, 0)
    shown = run("volume", "metrics", volume["id"])
    assert shown.exit_code == 0 and "written bytes" in shown.output
    pool = run("pool", "metrics", volume["pool"])
    assert pool.exit_code == 0 and "1 TiB" in pool.output and "not counted" not in pool.output
    assert "Nothing was sampled yet" in run("pool", "metrics", volume["pool"], "--history").output
    assert read(run("--json", "volume", "metrics", volume["id"], "--history")) == []
    assert run("volume", "metrics", "6f1c2a52-0000-4000-8000-000000000000").exit_code == 3
