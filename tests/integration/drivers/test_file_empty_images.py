"""Empty images that the driver writes itself, held against qemu's own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.drivers.file.header import LARGEST_WRITTEN, write_empty
from isthmus.core.drivers.file.images import Images
from tests.environment import nbd

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(nbd.missing()), reason=nbd.missing())]

SIZES = [4096, 1 << 20, (512 << 20) - 4096, 512 << 20, (512 << 20) + 4096, 20 << 30, LARGEST_WRITTEN]


def qemu(*arguments: str) -> str:
    done = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shown(path: Path) -> dict[str, Any]:
    """What qemu says of an image, without its name and what it occupies."""
    said: dict[str, Any] = json.loads(qemu("info", "--output=json", str(path)))
    for name in ("filename", "actual-size", "children"):
        said.pop(name, None)
    return said


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layered", [False, True], ids=["alone", "layer"])
def test_an_image_is_what_qemu_would_have_made(tmp_path: Path, size: int, layered: bool) -> None:
    ours, theirs, base = (tmp_path / f"{name}.qcow2" for name in ("ours", "theirs", "base"))
    below: tuple[str, ...] = ()
    if layered:
        qemu("create", "-q", "-f", "qcow2", str(base), str(size))
        below = ("-b", base.name, "-F", "qcow2")
    qemu("create", "-q", "-f", "qcow2", *below, str(theirs), str(size))

    write_empty(ours, size, base.name if layered else None)

    assert shown(ours) == shown(theirs)
    qemu("check", "-q", str(ours))


@pytest.mark.parametrize("size", SIZES[1:5])
def test_it_holds_what_is_written_first_and_last_and_grows(tmp_path: Path, size: int) -> None:
    base, image = tmp_path / "base.qcow2", tmp_path / "image.qcow2"
    write_empty(base, size)
    _io(base, f"write -P 7 {size - 65536} 65536")
    write_empty(image, size, base.name)

    _io(image, "write -P 8 0 65536", f"read -P 7 {size - 65536} 65536")
    Images(tmp_path, 30.0).grow(image, size + (1 << 30), thin=True)
    _io(image, "read -P 8 0 65536", f"read -P 7 {size - 65536} 65536", f"write -P 9 {size + (1 << 29)} 65536")

    qemu("check", "-q", str(image))
    _io(image, f"read -P 9 {size + (1 << 29)} 65536", f"read -P 0 {size} 65536")


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    image = tmp_path / "image.qcow2"
    image.write_bytes(b"\xff" * (1 << 20))

    Images(tmp_path, 30.0).make(image, 1 << 20, thin=True)

    qemu("check", "-q", str(image))
    _io(image, f"read -P 0 0 {1 << 20}")


def test_beyond_one_cluster_of_table_qemu_makes_it(tmp_path: Path) -> None:
    image = tmp_path / "image.qcow2"

    Images(tmp_path, 30.0).make(image, 2 * LARGEST_WRITTEN, thin=True)

    assert shown(image)["virtual-size"] == 2 * LARGEST_WRITTEN
    qemu("check", "-q", str(image))


def _io(image: Path, *commands: str) -> None:
    given = [part for command in commands for part in ("-c", command)]
    done = subprocess.run(
        ["qemu-io", "-f", "qcow2", *given, str(image)], capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "failed" not in said and "error" not in said, said
