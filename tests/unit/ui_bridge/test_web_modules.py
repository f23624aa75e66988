"""The modules of the web pages that need no browser, by node's own test runner."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

_TESTS = sorted((Path(__file__).parent / "web").glob("*.test.mjs"))
_OLDEST = (20, 19)


def _missing(node: str | None) -> str:
    if node is None:
        return "node is not installed"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    return "" if version >= _OLDEST else f"node {said.strip()} does not tell by itself that a file is a module"


@pytest.mark.parametrize("path", _TESTS, ids=lambda path: path.name.partition(".")[0])
def test_modules(path: Path) -> None:
    node = shutil.which("node")
    if reason := _missing(node):
        pytest.skip(reason)
    done = subprocess.run(
        [str(node), "--no-warnings", "--test", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
