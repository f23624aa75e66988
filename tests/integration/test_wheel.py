"""What a user installs is what lies in the checkout: nothing is missing and nothing stray is packed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("wheel")  # one build serves all of them

NOT_PACKED = {"tests", "bin", "docs", "build", "dist"}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, since a build leaves traces where it runs."""
    copy = tmp_path_factory.mktemp("source") / "some-checkout"
    return shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build"))


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    """The wheel as a release makes it: from the source distribution, not from the checkout."""
    run(sys.executable, "-m", "build", "--no-isolation", cwd=source)
    (made,) = (source / "dist").glob("*.whl")
    return made


def product_files(source: Path) -> set[str]:
    files = {"isthmus/__init__.py", "isthmus/__main__.py", "isthmus/py.typed"}
    for part in source.iterdir():
        if part.is_dir() and part.name not in NOT_PACKED and not part.name.endswith(".egg-info"):
            files |= {
                f"isthmus/{path.relative_to(source).as_posix()}"
                for path in part.rglob("*")
                if path.is_file() and path.suffix not in {".pyc", ".md"}
            }
    return files


def test_the_wheel_holds_every_file_of_the_product_and_no_other(source: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert packed == product_files(source)


def test_the_wheel_carries_licence_and_entry_points(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "isthmus = isthmus.__main__:main" in archive.read(entry_points).decode()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_an_installed_wheel_is_imported_from_where_it_was_installed(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", target, wheel, cwd=tmp_path)
    script = f"import sys; sys.path.insert(0, {str(target)!r}); import isthmus; print(isthmus.__file__)"
    assert Path(run(sys.executable, "-c", script, cwd=tmp_path).strip()) == target / "isthmus" / "__init__.py"
