"""The import rules in pyproject.toml forget no part of the core."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

# What a plugin and the plugin manager may know of the core; of the journal only the declaration of a step.
OPEN = {"context", "errors", "model"}


def parts_of_the_core(checkout: Path) -> set[str]:
    folders = {path.parent.name for path in (checkout / "core").glob("*/__init__.py")}
    modules = {path.stem for path in (checkout / "core").glob("*.py")} - {"__init__"}
    return folders | modules


@pytest.mark.parametrize("package", ["isthmus.plugins", "isthmus.plugin_manager", "isthmus.ui_bridge"])
def test_what_stands_above_the_core_reaches_only_its_open_parts(checkout: Path, package: str) -> None:
    settings = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    forbidden = {
        name
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "forbidden" and contract["source_modules"] == [package]
        for name in contract["forbidden_modules"]
    }
    closed = {f"isthmus.core.{part}" for part in parts_of_the_core(checkout) - OPEN}
    assert closed - forbidden == set(), f"name them in the contract of {package} in pyproject.toml"
