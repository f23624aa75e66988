"""What the file driver's changes on the disk promise."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from isthmus.core.drivers.file import disk
from isthmus.core.errors import Failed, Refused, Transient

MIB = 1 << 20


def test_a_copy_keeps_content_and_holes(tmp_path: Path) -> None:
    source, made = tmp_path / "source", tmp_path / "made"
    with source.open("wb") as file:
        file.truncate(64 * MIB)
        for offset in (0, 20 * MIB, 64 * MIB - 4096):
            file.seek(offset)
            file.write(offset.to_bytes(8, "big") * 512)
    disk.copy(source, made)
    assert made.stat().st_size == 64 * MIB
    assert made.stat().st_blocks * 512 < 4 * MIB
    with source.open("rb") as one, made.open("rb") as other:
        while part := one.read(MIB):
            assert other.read(MIB) == part


def test_an_empty_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "source").touch()
    disk.copy(tmp_path / "source", tmp_path / "made")
    assert (tmp_path / "made").read_bytes() == b""


def test_a_document_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "document"
    disk.write_durably(path, b"old")

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError):
        disk.write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["document"]


def test_a_full_disk_is_refused_with_numbers_and_other_errors_fail(tmp_path: Path) -> None:
    (tmp_path / disk.FAMILIES).mkdir()
    with pytest.raises(Refused) as full, disk.reported(tmp_path, 123):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.details["needed"] == 123 and full.value.details["free"] > 0
    with pytest.raises(Refused), disk.reported(tmp_path, 1):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    with pytest.raises(Failed, match="may not write"), disk.reported(tmp_path, 1):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))
    with pytest.raises(Failed, match="Input/output error"), disk.reported(tmp_path, 1):
        raise OSError(errno.EIO, "Input/output error", str(tmp_path))


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_looked_for_in_a_folder_that_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, there: bool
) -> None:
    """Nor is one whose file system is not mounted taken for the back end's."""
    folder = tmp_path / "images"
    if there:
        folder.mkdir()
    with pytest.raises(Transient) as away, disk.reported(folder, 1):
        pytest.fail("it was looked for")
    assert str(folder) in caplog.text, "administrators need it"
    assert str(tmp_path) not in str(away.value.to_json()), "tenants do not"
    (folder / disk.FAMILIES).mkdir(parents=True)
    with pytest.raises(Transient), disk.reported(folder, 1):
        (folder / disk.FAMILIES).rmdir()
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(folder))


def test_what_only_lets_go_does_so_while_the_folder_is_away(tmp_path: Path) -> None:
    with disk.reported(tmp_path, 0, away=True):
        let_go = True
    assert let_go


def test_what_the_files_occupy_is_counted_in_blocks(tmp_path: Path) -> None:
    sparse, full = tmp_path / "sparse", tmp_path / "full"
    with sparse.open("wb") as file:
        file.truncate(100 * MIB)
    full.touch()
    disk.allocate(full, 2 * MIB)
    for shared in (False, True):
        counted = disk.occupied([sparse, full, tmp_path / "absent"], shared=shared)
        assert 2 * MIB <= counted < 3 * MIB
