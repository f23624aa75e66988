"""What the file driver copies may take longer than a call is given."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from isthmus.core.drivers.file import disk, images, qcow2
from isthmus.core.drivers.file.images import Images
from isthmus.core.progress import Stopped, heard
from tests.contract.drivers.bench import MIB
from tests.environment import nbd

from .file_node import Node, wanted

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(nbd.missing()), reason=nbd.missing())]

SIZE = 96 * MIB


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Images:
    """qemu-img as on a disk that takes 24 MiB a second, with two seconds for each call."""
    real = shutil.which("qemu-img")
    (tmp_path / "slow").write_text(
        f'#!/bin/sh\ncase "$1" in convert | commit) what="$1"; shift; exec {real} "$what" -r 24M "$@" ;; esac\n'
        f'exec {real} "$@"\n'
    )
    (tmp_path / "slow").chmod(0o755)
    monkeypatch.setattr(images, "program", lambda: str(tmp_path / "slow"))
    return Images(tmp_path, 2.0)


def _io(path: Path, command: str) -> None:
    done = subprocess.run(
        ["qemu-io", "-f", "qcow2", "-c", command, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr


def test_an_image_is_flattened_however_long_that_takes(slow: Images, tmp_path: Path) -> None:
    source, made = tmp_path / "source.qcow2", tmp_path / "made.qcow2"
    slow.make(source, SIZE, thin=True)
    _io(source, "write -P 7 0 96M")
    told: list[float] = []
    with heard(told.append):
        slow.flatten(source, made, thin=True)
    assert told == sorted(told) and 0.0 < min(told[1:]) < 1.0
    _io(made, "read -P 7 0 96M")


def test_layers_are_merged_however_long_that_takes(slow: Images, tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower.qcow2", tmp_path / "upper.qcow2"
    slow.make(lower, SIZE, thin=True)
    slow.make(upper, SIZE, thin=True, backing=lower)
    _io(upper, "write -P 7 0 96M")
    slow.push_down(upper, lower)
    _io(lower, "read -P 7 0 96M")


def test_a_copied_file_and_its_way_to_the_disk_are_reported(tmp_path: Path) -> None:
    source, made = tmp_path / "source", tmp_path / "made"
    with source.open("wb") as file:
        for _ in range(160):
            file.write(b"x" * MIB)
    copied: list[float] = []
    with heard(copied.append):
        disk.copy(source, made)
    assert len(copied) >= 3 and copied == sorted(copied) and copied[-1] == 1.0
    written: list[float] = []
    with heard(written.append):
        disk.sync(made)
    assert len(written) >= 3 and written[-1] == 1.0


def _unwanted(fraction: float) -> None:
    raise Stopped


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_a_copy_that_nobody_wants_any_more_leaves_nothing_and_can_be_made_later(
    node: Node, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qcow2, "DEEPEST", 1)
    driver, volume, copy = node.driver(kind), wanted(), wanted()
    driver.create(volume)
    path = node.family(volume.placement).path
    if kind == "raw":
        next(path.glob("*.raw")).write_bytes(b"x" * volume.size)
    else:
        monkeypatch.setattr(qcow2.Qcow2Driver, "_standing", lambda self, family, name: family.volumes[name].layer)
    with heard(_unwanted), pytest.raises(Stopped):
        driver.clone(copy, volume.placement, {})
    assert [item.id for item in driver.inventory()] == [volume.placement]
    assert not list((node.images / "making").iterdir())
    assert driver.clone(copy, volume.placement, {}).size == volume.size


def test_a_thick_volume_whose_growth_nobody_wants_any_more_keeps_its_size(node: Node) -> None:
    driver, volume = node.driver("raw"), wanted(thin=False)
    driver.create(volume)
    with heard(_unwanted), pytest.raises(Stopped):
        driver.extend(volume.placement, {}, 2 * volume.size)
    assert driver.inspect(volume.placement, {}).size == volume.size
