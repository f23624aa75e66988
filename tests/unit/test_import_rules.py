"""The import rules in pyproject.toml forget no part of the core, and hold in a running process too."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: list[dict[str, Any]] = SETTINGS["tool"]["importlinter"]["contracts"]

# What a plugin and the plugin manager may know of the core; of journal and duties only the declarations.
OPEN = {"context", "errors", "model"}

(SMALL,) = (
    contract for contract in CONTRACTS if contract["name"].startswith("A process of another system stays small")
)


def parts_of_the_core() -> set[str]:
    folders = {path.parent.name for path in (CHECKOUT / "core").glob("*/__init__.py")}
    modules = {path.stem for path in (CHECKOUT / "core").glob("*.py")} - {"__init__"}
    return folders | modules


@pytest.mark.parametrize("package", ["isthmus.plugins", "isthmus.plugin_manager", "isthmus.ui_bridge"])
def test_what_stands_above_the_core_reaches_only_its_open_parts(package: str) -> None:
    forbidden = {
        name
        for contract in CONTRACTS
        if contract["type"] == "forbidden" and contract["source_modules"] == [package]
        for name in contract["forbidden_modules"]
    }
    closed = {f"isthmus.core.{part}" for part in parts_of_the_core() - OPEN}
    assert closed - forbidden == set(), f"name them in the contract of {package} in pyproject.toml"


@pytest.mark.parametrize("module", SMALL["source_modules"])
def test_the_client_side_loads_no_server_library_and_starts_no_thread(module: str, tmp_path: Path) -> None:
    script = (
        "import importlib, json, sys, threading\n"
        f"importlib.import_module({module!r})\n"
        "print(json.dumps([sorted(sys.modules), threading.active_count()]))"
    )
    command = [sys.executable, "-c", script]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded, threads = json.loads(answer.stdout)
    assert set(loaded) & set(SMALL["forbidden_modules"]) == set()
    assert threads == 1
