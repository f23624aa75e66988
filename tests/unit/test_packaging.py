"""What is written in setup.cfg is what lies in the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points, requires
from pathlib import Path

import pytest

NAMESPACES = ["plugins", "adapters", "drivers", "targets", "filters", "weighers", "dispatchers"]


def check(checkout: Path, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "bin" / "packages"), "--check", "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_package_and_data_file_is_listed(checkout: Path) -> None:
    answer = check(checkout, checkout)
    assert answer.returncode == 0, answer.stderr


@pytest.fixture
def small_checkout(checkout: Path, tmp_path: Path) -> Path:
    """A checkout with one sub-package and one data folder, whose setup.cfg is true."""
    for name in ("__init__.py", "core/__init__.py", "core/schemas/volume.json", "tests/stray.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    shutil.copy(checkout / "setup.cfg", tmp_path)
    subprocess.run([sys.executable, str(checkout / "bin" / "packages"), "--root", str(tmp_path)], check=True)
    assert check(checkout, tmp_path).returncode == 0
    return tmp_path


def new_package(root: Path) -> None:
    (root / "core" / "store").mkdir()
    (root / "core" / "store" / "__init__.py").touch()


def new_data_file(root: Path) -> None:
    (root / "core" / "page.html").touch()


def new_data_folder(root: Path) -> None:
    (root / "core" / "migrations").mkdir()
    (root / "core" / "migrations" / "script.py.mako").touch()


def removed_data_file(root: Path) -> None:
    (root / "core" / "schemas" / "volume.json").unlink()


def stray_module_at_the_root(root: Path) -> None:
    (root / "trial.py").touch()


def folder_of_modules_without_init(root: Path) -> None:
    (root / "core" / "targets").mkdir()
    (root / "core" / "targets" / "iscsi.py").touch()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (new_package, "package isthmus.core.store is missing"),
        (new_data_file, "data of isthmus.core: *.html is missing"),
        (new_data_folder, "data of isthmus.core: migrations/*.mako is missing"),
        (removed_data_file, "data of isthmus.core: schemas/*.json matches nothing"),
        (stray_module_at_the_root, "trial.py at the root would become part of the package"),
        (folder_of_modules_without_init, "targets/ holds Python modules but no __init__.py"),
    ],
)
def test_a_difference_is_named(
    checkout: Path, small_checkout: Path, change: Callable[[Path], None], sentence: str
) -> None:
    change(small_checkout)
    answer = check(checkout, small_checkout)
    assert answer.returncode == 1
    assert sentence in answer.stderr


def test_what_a_build_fetches_is_listed_whether_it_is_there_or_not(checkout: Path, tmp_path: Path) -> None:
    for name in ("__init__.py", "ui_bridge/__init__.py", "ui_bridge/web/main.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(checkout / "setup.cfg", tmp_path)
    subprocess.run([sys.executable, str(checkout / "bin" / "packages"), "--root", str(tmp_path)], check=True)
    assert check(checkout, tmp_path).returncode == 0
    fetched = tmp_path / "ui_bridge" / "web" / "vendor"
    fetched.mkdir()
    (fetched / "style.css").touch()
    (fetched / "package.json").touch()
    assert check(checkout, tmp_path).returncode == 0


def test_the_base_install_is_tiny() -> None:
    base = {line.split(";")[0].split(">")[0].strip() for line in requires("isthmus") or [] if "extra ==" not in line}
    assert base == {"stevedore", "requests", "jsonschema"}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_entry_point_can_be_loaded(namespace: str) -> None:
    for entry_point in entry_points(group=f"isthmus.{namespace}"):
        if entry_point.dist is not None and entry_point.dist.name == "isthmus":
            assert entry_point.load() is not None


def test_a_base_install_says_what_the_command_line_needs(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "isthmus").symlink_to(checkout)
    command = [sys.executable, "-S", "-m", "isthmus", "volume", "list"]  # -S: without any installed package
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "click is not installed" in answer.stderr
    assert "pip install 'isthmus[cli]'" in answer.stderr
