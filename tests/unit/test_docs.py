"""What the documents say is so: links, commands, options, modules, configuration keys, tables and examples."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
import requests

from isthmus.adapters.remote import RemoteAdapter
from isthmus.adapters.remote.actions import ActionDescription
from isthmus.adapters.remote.system import RemoteSystem
from isthmus.core.flows.catalogue import core_flows
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Query
from isthmus.core.model.request import BackendRequest, Credential, ProfileRequest, VolumeRequest
from isthmus.core.model.tenant import Role
from isthmus.core.runtime.parts import Parts
from isthmus.core.scheduler.scheduler import default_filters
from isthmus.core.security.policy import TABLE
from isthmus.plugin_manager.settings import KEYS, SECTIONS
from isthmus.plugins.cli.actions import plugin_group
from isthmus.plugins.cli.main import isthmus
from isthmus.plugins.vsphere.actions.declared import DECLARED
from isthmus.plugins.vsphere.registration.declaration import registration_actions
from isthmus.plugins.vsphere.systems.adapters import AdapterKind, Form
from isthmus.plugins.vsphere.systems.declared import system_actions
from tests.integration.server.running import Server, until

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
PAGES = sorted([*CHECKOUT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
INLINE = re.compile(r"`([^`\n]+)`")
CLIENT_VARIABLES = {f"ISTHMUS_{name}" for name in ("CONFIG", "CLIENT", "ADDRESS", "CA", "TOKEN", "TENANT")}
PLACES = "core|adapters|plugin_manager|plugins|ui_bridge|tests|bin|docs"

each_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(CHECKOUT)) for page in PAGES])


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The fenced blocks of these languages."""
    for language, text in FENCE.findall(page.read_text()):
        if language in languages:
            yield text


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text())


def words_of(page: Path) -> Iterator[list[str]]:
    """The commands of the page's console blocks, as words; lines that go on after a backslash are one."""
    for text in blocks(page, "console", "sh", "bash"):
        for line in re.sub(r"\\\n\s*", "", text).splitlines():
            if line.startswith("$ "):
                yield shlex.split(line[2:], comments=True)


def isthmus_words(words: list[str]) -> list[str] | None:
    """What follows `isthmus` in a command, variables before it and its folder left aside; None for another program."""
    rest = [word for word in words if not re.match(r"[A-Z_]+=", word)]
    if not rest or rest[0].rpartition("/")[2] != "isthmus":
        return None
    stop = next((i for i, word in enumerate(rest) if word in ("|", ">", "&&")), len(rest))
    return rest[1:stop]


@cache
def generated() -> Mapping[str, click.Group]:
    """The commands that a server's plugins bring, by plugin."""
    form = Form([AdapterKind("remote", RemoteSystem.settings_schema)])
    actions = (
        *registration_actions(lambda: pytest.fail("nothing is done here"), dict),
        *system_actions(form, lambda: pytest.fail("nothing is done here")),
        *(each.action(lambda: pytest.fail("nothing is done here")) for each in DECLARED),
    )
    described = [
        ActionDescription("vsphere", each.id, each.title, each.permission, each.summary, each.kinds, each.input)
        for each in actions
    ]
    return {"vsphere": plugin_group("vsphere", described)}


def find_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that `words` name, and what is left of them; raises `click.UsageError` where there is none."""
    command: click.Command = isthmus
    while isinstance(command, click.Group):
        _, rest, _ = command.make_parser(click.Context(command)).parse_args(list(words))
        if not rest:
            break
        found = command.commands.get(rest[0]) or (generated().get(rest[0]) if command is isthmus else None)
        if found is None:
            raise click.UsageError(f"There is no command {rest[0]!r} in {command.name}.")
        command, words = found, rest[1:]
    return command, words


def check_command(words: list[str]) -> None:
    """Raise `click.UsageError` unless this could be typed."""
    command, rest = find_command(words)
    if isinstance(command, click.Group):
        raise click.UsageError(f"{command.name} is no command by itself.")
    values, left, _ = command.make_parser(click.Context(command)).parse_args(list(rest))
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            # What was not given is None or a sentinel of click's, never a text.
            missing = not isinstance(values.get(parameter.name or ""), str | tuple)
        else:
            missing = not any(word.partition("=")[0] in parameter.opts for word in rest)
        if parameter.required and missing:
            raise click.UsageError(f"{command.name} needs {parameter.opts[0]}.")
    if left:
        raise click.UsageError(f"{command.name} does not take {' '.join(left)}.")


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for label, target in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"[{label}]({target})"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", place.read_text(), re.M)
            assert anchor in {re.sub(r"[^\w\- ]", "", each).lower().replace(" ", "-") for each in headings}, target


@each_page
def test_commands_are_known_with_their_options(page: Path) -> None:
    for words in words_of(page):
        command = isthmus_words(words)
        if command is not None:
            try:
                check_command(command)
            except click.UsageError as error:
                pytest.fail(f"isthmus {' '.join(command)}: {error.format_message()}")


@each_page
def test_commands_in_passing_are_known(page: Path) -> None:
    for code in INLINE.findall(prose(page)):
        if not code.startswith("isthmus ") or not code.isascii():
            continue
        try:
            command, rest = find_command(shlex.split(code)[1:])
            if not isinstance(command, click.Group):
                command.make_parser(click.Context(command)).parse_args(rest)
        except click.UsageError as error:
            pytest.fail(f"{code}: {error.format_message()}")


@pytest.mark.parametrize(
    "wrong",
    [
        "isthmus volume make db1",
        "isthmus volume create db1 --bigness 20GiB",
        "isthmus volume extend VOLUME",
        "isthmus volume show one two",
        "isthmus backend add files",
        "isthmus volume",
    ],
)
def test_a_command_that_cannot_be_typed_is_noticed(wrong: str) -> None:
    with pytest.raises(click.UsageError):
        check_command(shlex.split(wrong)[1:])


@each_page
def test_modules_that_are_to_be_run_are_there(page: Path) -> None:
    for name in re.findall(r"python3? -m ([a-z_.]+[a-z_])", page.read_text()):
        assert name in ("venv", "pytest", "pip") or importlib.util.find_spec(name) is not None, name


@each_page
def test_files_of_the_checkout_are_there(page: Path) -> None:
    for code in INLINE.findall(prose(page)):
        if re.fullmatch(rf"(?:{PLACES})(?:/[\w.-]+)+/?", code):
            assert (CHECKOUT / code).exists() or (CHECKOUT / f"{code}.py").exists(), code


@each_page
def test_configuration_keys_exist(page: Path) -> None:
    text = page.read_text()
    known = {key.variable for key in KEYS.values()} | CLIENT_VARIABLES
    for variable in re.findall(r"\bISTHMUS_[A-Z_]+[A-Z]\b", text):
        assert variable in known, variable
    for code in INLINE.findall(prose(page)):
        found = re.fullmatch(rf"((?:{'|'.join(SECTIONS)})\.[a-z_]+)(?: = .*)?", code)
        assert found is None or found[1] in KEYS, code
    for example in blocks(page, "toml"):
        document = tomllib.loads(example)
        if "project" not in document:
            assert flat(document) <= set(KEYS)


def flat(document: Mapping[str, Any]) -> set[str]:
    names = set()
    for name, value in document.items():
        names |= {f"{name}.{part}" for part in value} if isinstance(value, dict) else {name}
    return names


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of the table whose heading begins with `first`."""
    lines = (DOCS / page).read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_the_table_of_configuration_is_complete_and_true() -> None:
    told = {name.strip("`"): (default, meaning) for name, default, meaning in rows("operating.md", "key")}
    assert list(told) == list(KEYS)
    for key in KEYS.values():
        default, meaning = told[key.name]
        assert meaning == key.meaning
        if "." in key.name:
            shown = f"{key.default:g}" if isinstance(key.default, float) else str(key.default or "")
            assert default.strip("`") == shown, key.name


def test_the_table_of_permissions_is_complete_and_true() -> None:
    told = {}
    for permissions, *cells in rows("security.md", "permission"):
        kind, _, verbs = permissions.partition(": ")
        roles = {role for role, cell in zip(Role, cells[:-1], strict=True) if cell == "yes"}
        told.update({f"{kind}:{verb}": (roles, cells[-1]) for verb in verbs.split(", ")})
    assert told == {name: (set(rule.roles), rule.reach.value) for name, rule in TABLE.items()}


def test_the_table_of_filters_is_complete() -> None:
    assert [row[0].strip("`") for row in rows("concepts.md", "filter")] == [each.name for each in default_filters()]


def test_the_table_of_flows_is_complete_and_true() -> None:
    told = [[cell.strip("`") for cell in row] for row in rows("concepts.md", "flow")]
    flows = {flow.kind: flow for flow in core_flows(Parts.__new__(Parts))}
    assert {kind: (steps, pivot) for kind, steps, pivot in told} == {
        kind: (", ".join(step.name for step in flow.steps), flow.pivot or "") for kind, flow in flows.items()
    }


@each_page
def test_settings_of_extensions_exist(page: Path) -> None:
    for words in words_of(page):
        match isthmus_words(words):
            case ["plugin", "set", namespace, name, *settings]:
                found = [point for point in entry_points(group=f"isthmus.{namespace}") if point.name == name]
                for point in found:
                    schema = point.load().settings_schema
                    assert {each.partition("=")[0] for each in settings} <= set(schema["properties"]), words


def test_the_picture_is_well_formed() -> None:
    root = ElementTree.parse(DOCS / "architecture.svg").getroot()
    assert root.tag.endswith("svg") and root.get("viewBox")


@pytest.mark.parametrize("page", ["writing-a-driver.md", "writing-a-plugin.md", "writing-an-adapter.md"])
def test_what_a_page_shows_of_an_example_is_in_the_example(page: str) -> None:
    files = [path for suffix in ("py", "toml") for path in sorted((DOCS / "examples").rglob(f"*.{suffix}"))]
    examples = [lines_of(path.read_text()) for path in files]
    shown = list(blocks(DOCS / page, "python", "toml"))
    assert shown
    for block in shown:
        assert any(lines_of(block) in example for example in examples), block


def lines_of(text: str) -> str:
    """The lines without what depends on where an excerpt begins and ends: indentation, blank lines, a last comma."""
    return "\n" + "".join(line.strip().rstrip(",") + "\n" for line in text.splitlines() if line.strip())


def test_what_the_api_page_imports_is_there() -> None:
    names = [
        (node.module, alias.name)
        for block in blocks(DOCS / "api.md", "python")
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert names
    for module, name in names:
        assert hasattr(importlib.import_module(str(module)), name), (module, name)


@pytest.mark.slow
def test_the_example_driver_passes_the_contract_suites(tmp_path: Path) -> None:
    folder = DOCS / "examples" / "folder-driver"
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": f"{CHECKOUT}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'base'}", "-c", os.devnull, f"--rootdir={folder}", str(folder)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout), done.stdout


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Server]:
    """A server with the example plugin installed, as pip would."""
    server = Server(tmp_path)
    example = DOCS / "examples" / "snapshot-keeper"
    shutil.copy(example / "snapshot_keeper.py", server.plugins)
    info = server.plugins / "isthmus_snapshot_keeper-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: isthmus-snapshot-keeper\nVersion: 0.1.0\n")
    points = tomllib.loads((example / "pyproject.toml").read_text())["project"]["entry-points"]["isthmus.plugins"]
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("[isthmus.plugins]\n" + "\n".join(lines) + "\n")
    try:
        yield server.start()
    finally:
        server.kill()
        stop = [sys.executable, "-m", "isthmus", "data-path", "stop", "--yes", "--config", str(server.file)]
        subprocess.run(stop, cwd=tmp_path, check=True, capture_output=True, timeout=60)


@pytest.mark.server
def test_the_example_plugin_keeps_the_last_few_snapshots_and_goes_on_after_a_kill(keeper: Server) -> None:
    adapter = RemoteAdapter(f"https://127.0.0.1:{keeper.port}", ca=str(keeper.state / "tls" / "ca.pem"))
    token = (keeper.state / "admin.token").read_text().strip()
    context = adapter.authenticate(Credential(token=token), tenant="default")
    storage = adapter.storage(context)
    adapter.administration(context).backends.add(BackendRequest("array", "memory", settings={"latency": 0.02}))
    memory = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}
    storage.profiles.create(ProfileRequest("memory", memory))
    made = storage.operations.wait(storage.volumes.create(VolumeRequest("kept", 1 << 30, "memory")).id)
    volume = str(made.result["volume"])

    def act(action: str, **given: Any) -> requests.Response:
        return keeper.request(
            "POST",
            f"/v1/actions/keeper/{action}",
            json={"subject": {"kind": "volume", "id": volume}, "input": given},
            headers={"Authorization": f"Bearer {token}", "X-Isthmus-Tenant": "default"},
        )

    def taken() -> list[Operation]:
        return list(storage.operations.list(Query(filters={"kind": "keeper.snapshot"})).items)

    def finished() -> bool:
        return bool(taken()) and not any(each.state.live for each in taken())

    for _ in range(3):
        assert act("snapshot", keep=2).status_code == 202
    keeper.kill()
    keeper.start()
    until(finished)
    assert {each.state for each in taken()} == {OperationState.DONE}
    names = {f"keeper-{each.id[:8]}" for each in taken()}
    left = [each.name for each in storage.snapshots.list(Query(filters={"volume": volume})).items]
    assert len(left) == 2 and set(left) <= names

    adapter.administration(context).extensions.configure("plugins", "keeper", settings={"look": 1})
    assert act("protect", keep=1, hours=8760).json()["result"]["keep"] == 1
    keeper.stop()
    keeper.start()
    until(lambda: len(taken()) == 4 and finished())
    until(lambda: len(storage.snapshots.list(Query(filters={"volume": volume})).items) == 1)
    assert keeper.json("/keeper") == {"protected": 1}
