"""What README shows of Swordfish is copied from there and run: the commands in a shell, the program in Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.environment.redfish import PASSWORD, ROOT, RedfishService, redfish_service
from tests.integration.swordfish.populated import ODD

README = Path(__file__).resolve().parents[3] / "README.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
TOOLS = [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]

pytestmark = pytest.mark.timeout(120)


def block(language: str) -> str:
    """The one block in this language that the section has."""
    section = README.read_text().partition("\n## Swordfish")[2].partition("\n## ")[0]
    (found,) = [text for named, text in FENCE.findall(section) if named == language]
    return str(found)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    """A server as it is after the first start, with a back end that can be reached over iSCSI."""
    folder = tmp_path_factory.mktemp("readme")
    with redfish_service(folder, distributions=[ODD]) as made:
        settings = {"pools": [{"name": "pool", "total": 1 << 40}], "marks": str(folder)}
        made.make("/v1/backends", {"name": "array", "driver": "odd", "settings": settings})
        yield made


@pytest.fixture(scope="module")
def environment(service: RedfishService) -> dict[str, str]:
    """What the reader sets, after making the user as the first block does."""
    server = service.server
    (create, export) = block("console").splitlines()
    words = create.removeprefix("$ isthmus ").split()
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ISTHMUS_")},
        "ISTHMUS_CLIENT": str(server.state / "client.toml"),
        "SERVICE": server.address,
        "CA": str(server.ca),
        "NAME": words[words.index("create") + 1],
        "PASSWORD": PASSWORD,
        "NO_PROXY": "*",
    }
    assert set(re.findall(r"([A-Z]+)=", export)) == {"SERVICE", "CA", "NAME", "PASSWORD"}
    told = f"{PASSWORD}\n" * export.count("PASSWORD") * 2
    subprocess.run(
        [sys.executable, "-m", "isthmus", *words],
        input=told,
        env=variables,
        check=True,
        text=True,
        capture_output=True,
        timeout=60,
        start_new_session=True,
    )
    return variables


def volumes(service: RedfishService) -> dict[str, int]:
    """Sizes of all volumes by name."""
    client = service.client()
    found = {}
    for home in client.members(f"{ROOT}/StorageServices"):
        for uri in client.members(f"{home}/Volumes"):
            volume = client.body(uri)
            found[str(volume["Name"])] = int(volume["CapacityBytes"])
    return found


@pytest.mark.skipif(bool(TOOLS), reason=f"{', '.join(TOOLS)} not installed")
def test_the_commands_make_a_volume(service: RedfishService, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("bash")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r'"Name": "db1"|#Task\.', done.stdout), done.stdout
    assert volumes(service)["db1"] == 64 << 20


@pytest.mark.skipif(find_spec("redfish") is None, reason="the redfish library is not installed")
def test_the_program_makes_a_volume(service: RedfishService, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    status, uri, size = done.stdout.split()
    assert (status, int(size)) == ("201", 64 << 20)
    assert service.client().body(uri)["Name"] == "db2"
    assert volumes(service)["db2"] == 64 << 20
