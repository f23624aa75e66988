"""The API's page in a real browser: it shows every operation, and its own policy stands in its way nowhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.environment.server import RunningServer
from tests.integration.rest.conftest import World

pytestmark = pytest.mark.xdist_group("rest")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --virtual-time-budget=8000"
)


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


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium (apt-get install chromium)")
def test_every_operation_is_shown_and_the_named_one_is_open(second: World, tmp_path: Path) -> None:
    page, complaints = browsed(second.server, tmp_path, "/v1/docs#create_volume")
    assert complaints == ""
    document = second.description.document
    named = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert named == set(re.findall(r'<details class="operation" id="(\w+)"', page))
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in page
    shown = re.findall(r'<details class="operation" id="create_volume".*?(?=<details class="operation")', page, re.S)
    assert ' open=""' in shown[0].partition(">")[0]
    for part in ("Idempotency-Key", "rounded up to the pool", "curl --cacert ca.pem", '"name":"db1"'):
        assert part in shown[0], part
