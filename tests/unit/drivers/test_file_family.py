"""The on-disk layout of the file driver: what is found, what is swept, and what stays."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.core.drivers.file.family import SNAPSHOT, VOLUME, Cut, Family, Folder, Member, read_family
from isthmus.core.errors import Busy, Failed, Invalid, Unavailable

ONE, TWO, SNAP = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "snap"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "images", 0.2)
    made.prepare()
    made.mark("backend", "qcow2")
    return made


def layer(path: Path, name: str, below: str | None = None, size: int = 4096) -> str:
    """A qcow2 header, which is all that the layout looks at."""
    backing = f"{below}.qcow2".encode() if below else b""
    header = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 104 if below else 0, len(backing), 16, size)
    (path / f"{name}.qcow2").write_bytes(header.ljust(104, b"\0") + backing)
    return name


def chained(folder: Folder) -> Family:
    """A volume on top of a snapshot's layer on top of a layer that nothing names."""
    path = folder.begin(ONE)
    layer(path, "base")
    layer(path, "middle", "base")
    layer(path, "top", "middle", 8192)
    family = Family(path).with_volume(ONE, Member("top")).with_snapshot(SNAP, Member("middle", thin=False))
    folder.index(SNAP, Path(ONE))
    return folder.publish(ONE, family)


def test_what_was_saved_is_read(folder: Folder) -> None:
    family = chained(folder)
    family = replace(family, cut=Cut(ONE, "top", "new", None)).pinned(TWO, "middle")
    family.save()
    assert read_family(family.path) == family
    assert family.unpinned(TWO).pins == {}


def test_an_object_is_found_by_its_id_and_kind(folder: Folder) -> None:
    family = chained(folder)
    assert folder.find(VOLUME, ONE) == family == folder.find(SNAPSHOT, SNAP)
    assert folder.find(SNAPSHOT, ONE) is None
    assert folder.find(VOLUME, TWO) is None
    assert family.chain("top") == ("top", "middle", "base")


def test_layers_go_when_nothing_rests_on_them(folder: Folder) -> None:
    family = chained(folder)
    folder.commit(family.without(ONE))
    left = folder.find(SNAPSHOT, SNAP)
    assert left is not None and set(left.layers()) == {"middle", "base"}
    folder.commit(left.without(SNAP))
    assert list((folder.path / "families").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"QFI\xfb", b"\0" * 4096], ids=["empty", "cut", "zeros"])
def test_a_layer_that_a_death_left_half_written_is_swept_and_stops_nothing(folder: Folder, content: bytes) -> None:
    family = chained(folder)
    (family.path / "half.qcow2").write_bytes(content)
    assert family.layers()["half"] is None
    family.sweep()
    assert set(family.layers()) == {"base", "middle", "top"}


def test_a_layer_that_something_rests_on_is_not_taken_for_half_written(folder: Folder) -> None:
    family = chained(folder)
    (family.path / "top.qcow2").write_bytes(b"")
    with pytest.raises(Failed, match="not a qcow2 image"):
        family.layers()
    with pytest.raises(Failed, match="not a qcow2 image"):
        family.sweep()


def test_a_layer_that_a_change_or_a_copy_needs_is_not_swept(folder: Folder) -> None:
    family = chained(folder)
    layer(family.path, "new", "top")
    layer(family.path, "stray", "top")
    replace(family, cut=Cut(ONE, "top", "new", None)).pinned(TWO, "middle").sweep()
    assert set(family.layers()) == {"base", "middle", "top", "new"}


def test_a_family_made_anew_under_an_old_name_is_found(folder: Folder) -> None:
    folder.commit(chained(folder).without(ONE))
    path = folder.begin(ONE)
    layer(path, "fresh")
    folder.publish(ONE, Family(path).with_volume(ONE, Member("fresh")))
    found = folder.find(VOLUME, ONE)
    assert found is not None and found.volumes[ONE].layer == "fresh"
    assert folder.find(SNAPSHOT, SNAP) is not None


def test_one_caller_at_a_time_changes_a_family(folder: Folder) -> None:
    family = chained(folder)
    with folder.locked(family.path), pytest.raises(Busy), folder.locked(family.path):
        raise AssertionError("two have the lock")
    with folder.locked(family.path) as held:
        assert held == family and held.lock >= 0


def test_a_family_that_is_gone_cannot_be_locked(folder: Folder) -> None:
    with pytest.raises(Failed, match="gone"), folder.locked(folder.path / "families" / "absent"):
        raise AssertionError("there is nothing to lock")


def test_layers_in_a_circle_or_missing_are_told(folder: Folder) -> None:
    family = chained(folder)
    layer(family.path, "base", "top")
    with pytest.raises(Failed, match="circle"):
        family.chain("top")
    (family.path / "base.qcow2").unlink()
    with pytest.raises(Failed, match="missing"):
        family.chain("top")
    (family.path / "middle.qcow2").write_bytes(b"not an image")
    with pytest.raises(Failed, match="not a qcow2 image"):
        family.chain("top")


def test_an_interrupted_making_is_listed_and_made_anew(folder: Folder) -> None:
    (folder.begin(TWO) / "half.qcow2").write_bytes(b"half")
    assert folder.unfinished() == (TWO,)
    assert list(folder.begin(TWO).iterdir()) == []
    folder.discard(TWO)
    assert folder.unfinished() == ()


def test_an_interrupted_delete_is_finished_at_the_next_start(folder: Folder) -> None:
    gone = folder.path / "families" / ".gone-1"
    gone.mkdir()
    (gone / "layer.qcow2").write_bytes(b"x")
    assert list(folder.families()) == []
    folder.prepare()
    assert not gone.exists()


@pytest.mark.parametrize("evil", ["../up", "a/b", "", ".hidden", "x" * 65])
def test_an_id_never_becomes_a_path(folder: Folder, evil: str) -> None:
    for call in (folder.begin, folder.discard, folder.pinned_by):
        with pytest.raises(Invalid):
            call(evil)
    with pytest.raises(Invalid):
        folder.find(VOLUME, evil)


def test_a_known_folder_that_is_empty_is_not_taken_for_new(tmp_path: Path, folder: Folder) -> None:
    note = tmp_path / "state" / "note"
    folder.require_known(note)
    folder.remember(note)
    folder.require_known(note)
    (folder.path / "isthmus.json").unlink()
    with pytest.raises(Unavailable, match="is empty now"):
        folder.require_known(note)
    Folder(tmp_path / "other", 1.0).require_known(note)
