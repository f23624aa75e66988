"""The style that a build fetches: exactly the one that was chosen, or none, and the server does without it."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from isthmus.ui_bridge import style
from isthmus.ui_bridge.style import Unfetched, demand_genuine, fetch, present


def package(sheet: bytes = b"p {}") -> bytes:
    """As npm packs one."""
    buffer = io.BytesIO()
    about = f'{{\n  "license": "MIT",\n  "version": "{style.VERSION}"\n}}\n'.encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in ((style.SHEET, sheet), ("package.json", about), ("other.css", b"no")):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


@pytest.fixture
def npm(tmp_path: Path) -> Path:
    """Stands in for npm: packs what lies in `package.tgz` beside it, and writes down how it was called."""
    program = tmp_path / "npm"
    program.write_text(
        f'#!{sys.executable}\nimport pathlib, shutil, sys\nhere = pathlib.Path("{tmp_path}")\n'
        "(here / 'called').write_text(' '.join(sys.argv[1:]))\n"
        "target = sys.argv[sys.argv.index('--pack-destination') + 1]\n"
        "if not (here / 'package.tgz').exists():\n    sys.exit('npm error code ENOTFOUND')\n"
        "shutil.copy(here / 'package.tgz', pathlib.Path(target) / 'clr-ui.tgz')\n"
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def chosen(npm: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The package that was chosen, and that npm finds."""
    content = package()
    (npm.parent / "package.tgz").write_bytes(content)
    monkeypatch.setattr(style.demand_genuine, "__defaults__", (integrity(content),))
    return content


def test_what_is_needed_of_the_package_is_kept_and_nothing_else(npm: Path, chosen: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "web" / "vendor"
    assert not present(folder)
    assert fetch(folder, npm=str(npm)) is True
    assert sorted(each.name for each in folder.iterdir()) == [style.SHEET, "package.json"]
    assert present(folder) and (folder / style.SHEET).read_bytes() == b"p {}"
    (tmp_path / "called").unlink()
    assert fetch(folder, npm=str(npm)) is False
    assert not (tmp_path / "called").exists()


def test_the_registry_is_the_one_that_npm_is_set_up_with(npm: Path, chosen: bytes, tmp_path: Path) -> None:
    fetch(tmp_path / "vendor", npm=str(npm))
    called = (tmp_path / "called").read_text()
    assert called.startswith(f"pack {style.PACKAGE}@{style.VERSION} ")
    assert "registry" not in called and "--ignore-scripts" in called


def test_another_package_under_the_same_name_is_refused(npm: Path, chosen: bytes, tmp_path: Path) -> None:
    (tmp_path / "package.tgz").write_bytes(package(b"p { background: url(//elsewhere) }"))
    with pytest.raises(Unfetched, match="is not what it was when it was chosen"):
        fetch(tmp_path / "vendor", npm=str(npm))
    assert not (tmp_path / "vendor").exists()


def test_an_older_one_that_is_there_is_replaced(npm: Path, chosen: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    folder.mkdir()
    (folder / style.SHEET).write_text("old")
    (folder / "package.json").write_text('{\n  "version": "17.0.0"\n}')
    assert not present(folder)
    assert fetch(folder, npm=str(npm)) is True
    assert (folder / style.SHEET).read_bytes() == b"p {}"


def test_without_npm_or_without_a_registry_it_says_so(npm: Path, tmp_path: Path) -> None:
    with pytest.raises(Unfetched, match="There is no npm-that-is-not-there here"):
        fetch(tmp_path / "vendor", npm="npm-that-is-not-there")
    with pytest.raises(Unfetched, match=r"could not get @clr/ui .*ENOTFOUND"):
        fetch(tmp_path / "vendor", npm=str(npm))


def test_the_hash_that_was_chosen_is_a_sha512() -> None:
    assert len(base64.b64decode(style.INTEGRITY.removeprefix("sha512-"))) == 64
    with pytest.raises(Unfetched):
        demand_genuine(b"")


def test_the_command_stands_alone_and_says_what_is_missing(tmp_path: Path) -> None:
    copy = tmp_path / "style.py"
    copy.write_text(Path(style.__file__).read_text())
    alone = [sys.executable, "-I", str(copy)]
    assert subprocess.run([*alone, "--check"], check=False).returncode == 1
    done = subprocess.run(alone, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"The web pages have no style: There is no npm here, which fetches @clr/ui {style.VERSION}.\n"
