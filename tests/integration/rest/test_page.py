"""The API's page in a real browser: it shows every operation, and its own policy stands in its way nowhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment.server import RunningServer, running_server

pytestmark = pytest.mark.xdist_group("rest")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --virtual-time-budget=8000"
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server over plain HTTP: browsers do not take the CA from a command line."""
    if BROWSER is None:
        pytest.skip("there is no Chromium (apt-get install chromium)")
    with running_server(tmp_path_factory.mktemp("page"), tls={"mode": "off"}) as server:
        yield server


def browsed(server: RunningServer, folder: Path, path: str) -> tuple[str, str]:
    """The page as it stands after its script ran, and what the browser complained of."""
    command = [
        str(BROWSER),
        *FLAGS.split(),
        "--virtual-time-budget=8000",
        f"--user-data-dir={folder}",
        "--enable-logging=stderr",
        "--dump-dom",
    ]
    ended = subprocess.run([*command, server.address + path], capture_output=True, text=True, timeout=60, check=True)
    complaints = [line for line in ended.stderr.splitlines() if "CONSOLE" in line or "Content Security" in line]
    return ended.stdout, "\n".join(complaints)


def test_every_operation_is_shown_and_the_named_one_is_open(plain: RunningServer, tmp_path: Path) -> None:
    page, complaints = browsed(plain, tmp_path, "/v1/docs#create_volume")
    assert complaints == ""
    with plain.session() as session:
        document = session.get(f"{plain.address}/v1/openapi.json", timeout=10).json()
    named = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert named == set(re.findall(r'<details class="operation" id="(\w+)"', page))
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in page
    shown = re.findall(r'<details class="operation" id="create_volume".*?(?=<details class="operation")', page, re.S)
    assert ' open=""' in shown[0].partition(">")[0]
    for part in ("Idempotency-Key", "rounded up to the pool", "curl --cacert ca.pem", '"name":"db1"'):
        assert part in shown[0], part
