"""The style sheet that the web pages stand on: which one, and how it is fetched.

It is a package of npm's, so it is not kept here: a build fetches it into `web/vendor/`, and checks that it is exactly
the one that was chosen. Without it the server runs all the same, and serves the pages that need no script.

This file stands alone, so that a build can run it before anything is installed:

    python -m isthmus.ui_bridge.style            fetches it, if it is not there
    python -m isthmus.ui_bridge.style --check    exits 1 when it is not there
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

PACKAGE = "@clr/ui"
VERSION = "18.2.0"
INTEGRITY = "sha512-GxhW2CIRfq7LKVFQPngsbaIqzzv4ZsE2t8BsiRJrx4mK1i2OZLFTaDLvJzEbbzQ5odAetOA9slT0WJJJ1z3o2A=="
"""Of the package as npm publishes it."""

SHEET = "clr-ui.min.css"
FILES = (SHEET, "package.json")
"""What is taken out of the package: the style, and the file that names its author and its licence (MIT)."""

FOLDER = Path(__file__).resolve().parent / "web" / "vendor"
COMMAND = "python -m isthmus.ui_bridge.style"
"""What to run where it is missing."""

_SECONDS = 120
_LARGEST = 16 << 20


class Unfetched(Exception):
    """It could not be had, or is not the one that was chosen. Its text says why."""


def present(folder: Path = FOLDER) -> bool:
    """Whether it is there, of the version that is wanted."""
    return (folder / SHEET).is_file() and f'"version": "{VERSION}"' in _text(folder / "package.json")


def fetch(folder: Path = FOLDER, *, npm: str = "npm") -> bool:
    """Make sure that it is there; whether anything had to be done. From the registry that npm is set up with. Raises
    `Unfetched`; then the folder is as before."""
    if present(folder):
        return False
    with tempfile.TemporaryDirectory(prefix="isthmus-style-") as place:
        archive = _packed(Path(place), npm)
        demand_genuine(archive.read_bytes())
        found = _members(archive)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        # The file that says which version it is comes last, and each is there whole or not at all.
        part = folder / f".{name}.part"
        part.write_bytes(found[name])
        part.replace(folder / name)
    return True


def demand_genuine(content: bytes, integrity: str = INTEGRITY) -> None:
    """Raises `Unfetched` unless this is the package that was chosen."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != integrity:
        raise Unfetched(f"{PACKAGE} {VERSION} is not what it was when it was chosen: {found} instead of {integrity}.")


def _packed(place: Path, npm: str) -> Path:
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(place), "--ignore-scripts", "--silent"]
    try:
        done = subprocess.run(
            command, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise Unfetched(f"There is no {npm} here, which fetches {PACKAGE} {VERSION}.") from None
    except subprocess.TimeoutExpired:
        raise Unfetched(f"{npm} did not get {PACKAGE} {VERSION} within {_SECONDS} seconds.") from None
    archives = sorted(place.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unfetched(f"{npm} could not get {PACKAGE} {VERSION}: {said[-1][:200] if said else 'it does not say why'}")
    if archives[0].stat().st_size > _LARGEST:
        raise Unfetched(f"{PACKAGE} {VERSION} has more than {_LARGEST} bytes.")
    return archives[0]


def _members(archive: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive, "r:gz") as content:
        for name in FILES:
            member = content.extractfile(f"package/{name}")
            if member is None:
                raise Unfetched(f"{PACKAGE} {VERSION} has no {name}.")
            found[name] = member.read()
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    if list(arguments) == ["--check"]:
        return 0 if present() else 1
    if arguments:
        print(f"usage: {COMMAND} [--check]", file=sys.stderr)
        return 2
    try:
        if fetch():
            print(f"{PACKAGE} {VERSION} is in {FOLDER}.")
    except Unfetched as reason:
        print(f"The web pages have no style: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
