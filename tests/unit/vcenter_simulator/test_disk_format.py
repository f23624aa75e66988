"""What simulated hosts write on disks, on files: a partition table others can read, and a file system only they can."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulators.vcenter.storage import vmfs
from tests.simulators.vcenter.storage.disk import canonical_name
from tests.simulators.vcenter.storage.layout import whole
from tests.simulators.vcenter.storage.partitions import SECTOR, VMFS, clear_table, read_table, write_table
from tests.simulators.vcenter.storage.vmfs import Extent, Header

GIB = 1 << 30


class FileDisk:
    """A sparse file as a disk."""

    def __init__(self, path: Path, size: int = 2 * GIB) -> None:
        self._path = path
        with path.open("wb") as file:
            file.truncate(size)

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def write(self, offset: int, data: bytes) -> None:
        with self._path.open("r+b") as file:
            file.seek(offset)
            file.write(data)


@pytest.fixture
def disk(tmp_path: Path) -> FileDisk:
    return FileDisk(tmp_path / "disk")


@pytest.mark.parametrize("damaged", [False, True])
def test_others_can_read_the_partition_table_and_its_copy(disk: FileDisk, tmp_path: Path, damaged: bool) -> None:
    program = shutil.which("partx", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        pytest.skip("partx is not installed (package util-linux)")
    write_table(disk, (whole(disk.size),))
    if damaged:
        disk.write(SECTOR, bytes(SECTOR))
    wanted = [program, "--raw", "--noheadings", "--output", "SCHEME,TYPE,START,END", str(tmp_path / "disk")]
    done = subprocess.run(wanted, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["gpt", str(VMFS), "2048", str(whole(disk.size).end)]


def test_a_table_is_read_as_it_was_written_and_gone_when_it_was_cleared(disk: FileDisk) -> None:
    assert (read_table(disk).form, read_table(disk).occupied) == ("unknown", False)
    write_table(disk, (whole(disk.size),))
    assert read_table(disk).partitions == (whole(disk.size),)
    clear_table(disk)
    assert read_table(disk).partitions == ()


def test_what_others_put_on_a_disk_is_seen(disk: FileDisk) -> None:
    disk.write(65536, b"_BHRfS_M")
    assert read_table(disk).occupied
    disk.write(510, b"\x55\xaa")
    assert read_table(disk).form == "mbr"


def test_a_file_system_is_found_as_it_was_made(disk: FileDisk) -> None:
    partition = whole(disk.size)
    header = Header(vmfs.new_uuid(), "näme", (Extent("naa.1", 1, partition.size),))
    write_table(disk, (partition,))
    assert vmfs.look(disk).header is None
    vmfs.write_header(disk, partition, header)
    assert vmfs.look(disk).header == header
    assert vmfs.read_catalogue(disk, partition) == {}
    files = {f"folder/{number}.vmx": {"content": "x" * 500} for number in range(200)}
    vmfs.write_catalogue(disk, partition, files)
    assert vmfs.read_catalogue(disk, partition) == files
    vmfs.clear(disk, partition)
    assert vmfs.look(disk).header is None


def test_a_torn_header_is_no_file_system(disk: FileDisk) -> None:
    partition = whole(disk.size)
    header = Header(vmfs.new_uuid(), "torn", (Extent("naa.1", 1, partition.size),))
    write_table(disk, (partition,))
    vmfs.write_header(disk, partition, header)
    disk.write((1 << 20) + 60, b"\xff")
    assert vmfs.look(disk).header is None


def test_what_is_too_large_is_refused(disk: FileDisk) -> None:
    with pytest.raises(OSError, match="too many"):
        vmfs.write_catalogue(disk, whole(disk.size), {"file": {"content": "x" * (5 << 20)}})
    header = Header(vmfs.new_uuid(), "many", tuple(Extent(f"naa.{number:032}", 1, 1) for number in range(99)))
    with pytest.raises(OSError, match="fit"):
        vmfs.write_header(disk, whole(disk.size), replace(header, ordinal=5))


def test_the_name_of_a_disk_is_its_best_designator() -> None:
    def page(*designators: tuple[int, int, bytes]) -> bytes:
        body = b"".join(
            bytes((1, association << 4 | kind, 0, len(name))) + name for association, kind, name in designators
        )
        return bytes((0, 0x83)) + len(body).to_bytes(2, "big") + body

    six, two = bytes.fromhex("6" + "1" * 31), bytes.fromhex("2" + "3" * 15)
    text = (0, 1, b"VENDOR  serial")
    assert canonical_name(page(text, (0, 3, two), (0, 3, six))) == f"naa.{six.hex()}"
    assert canonical_name(page(text, (0, 2, b"12345678"))) == "eui.3132333435363738"
    assert canonical_name(page(text)) == "t10.VENDOR__serial"
    assert canonical_name(page((1, 3, six), text)) == "t10.VENDOR__serial", "a name of the port is not the disk's"
    assert canonical_name(page()) is None
