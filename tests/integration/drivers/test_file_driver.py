"""What the file driver promises beyond every driver's promises: forms, room and trouble, on real file systems."""

from __future__ import annotations

import os
import subprocess
import uuid
from functools import partial
from pathlib import Path

import pytest

from isthmus.core.drivers.contract import (
    LiveSnapshots,
    Snapshots,
    Wanted,
    abilities,
)
from isthmus.core.errors import Failed, Invalid, Misconfigured, Refused, Transient, Unavailable
from tests.contract.drivers.bench import MIB, pattern
from tests.environment import nbd
from tests.environment.folders import USER, file_system, short_folder

from .file_node import POOL, Node, wanted

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(nbd.missing()), reason=nbd.missing())]


class TestForms:
    def test_abilities_follow_from_the_folder(self, node: Node) -> None:
        with file_system("mkfs.xfs", "-q") as xfs, short_folder() as folder:
            assert "live_snapshot" in abilities(Node(folder, xfs / "images").driver("raw"))
        assert "live_snapshot" in abilities(node.driver("qcow2"))

    def test_raw_files_without_reflink_take_no_live_snapshots(self, small: Node) -> None:
        driver = small.driver("raw")
        assert not isinstance(driver, LiveSnapshots)
        assert isinstance(driver, Snapshots)

    def test_auto_takes_raw_files_where_there_is_reflink(self) -> None:
        with file_system("mkfs.xfs", "-q") as xfs, short_folder() as folder:
            driver = Node(folder, xfs / "images").driver()
            assert driver.format == "raw" and isinstance(driver, LiveSnapshots)

    def test_a_chosen_format_stays(self, small: Node) -> None:
        assert small.driver("raw").format == "raw"
        assert small.driver("auto").format == "raw"
        with pytest.raises(Misconfigured, match="holds raw images"):
            small.driver("qcow2")

    def test_a_folder_has_one_back_end(self, node: Node) -> None:
        node.driver("raw")
        with pytest.raises(Misconfigured, match="belongs to another back end"):
            node.driver("raw", backend="other")

    def test_a_folder_closed_to_the_daemons_is_named(self, node: Node) -> None:
        if USER is None:
            pytest.skip("daemons run as this process's own account")
        node.images.mkdir()
        node.images.chmod(0o700)
        with pytest.raises(Misconfigured, match="closed to it") as error:
            node.driver("raw")
        assert error.value.next_step == f"chmod o+x {node.images}"

    def test_a_folder_that_is_made_is_open_to_the_daemons_whatever_the_umask(self, node: Node) -> None:
        node.images = node.folder / "deep" / "er" / "images"
        before = os.umask(0o077)
        try:
            driver = node.driver("raw")
            volume = wanted()
            driver.create(volume)
        finally:
            os.umask(before)
        path = driver.device(volume.placement, {}, "path").path
        if USER is not None:
            done = subprocess.run(["dd", f"if={path}", "of=/dev/null", "count=1"], user=USER, capture_output=True)
            assert done.returncode == 0, done.stderr

    def test_settings_reach_the_pool(self, node: Node) -> None:
        driver = node.driver(
            "raw", zone="east", capabilities={"dataStorage": {"compression": True}, "advanced": {"disk": "nvme"}}
        )
        [pool] = driver.pools()
        assert pool.zone == "east"
        storage = pool.capabilities["dataStorage"]
        assert storage == {"isSpaceEfficient": False, "compression": True, "deduplication": False}
        assert pool.capabilities["advanced"] == {"format": "raw", "reflink": driver.reflink, "disk": "nvme"}


class TestRoom:
    @pytest.mark.parametrize("kind", ["raw", "qcow2"])
    def test_thick_space_is_really_there(self, small: Node, kind: str) -> None:
        driver = small.driver(kind)
        free = _free(small.images)
        driver.create(wanted(16 * MIB, thin=False))
        assert free - _free(small.images) >= 16 * MIB

    @pytest.mark.parametrize("kind", ["raw", "qcow2"])
    def test_a_full_file_system_refuses_with_the_numbers_and_keeps_nothing(self, small: Node, kind: str) -> None:
        driver = small.driver(kind)
        volume = wanted(40 * MIB, thin=False)
        driver.create(volume)
        free = _free(small.images)
        for attempt in (
            partial(driver.create, wanted(40 * MIB, thin=False)),
            partial(driver.extend, volume.placement, {}, 80 * MIB),
            partial(driver.clone, wanted(40 * MIB, thin=False), volume.placement, {}),
        ):
            with pytest.raises(Refused) as refused:
                attempt()
            assert refused.value.details["free"] < refused.value.details["needed"] <= 80 * MIB
            assert abs(_free(small.images) - free) < MIB
        assert [item.id for item in driver.inventory()] == [volume.placement]
        assert driver.inspect(volume.placement, {}).size == 40 * MIB

    def test_a_copy_that_finds_no_room_half_way_leaves_nothing(self, small: Node) -> None:
        driver = small.driver("raw")
        volume = wanted(40 * MIB)
        driver.create(volume)
        family = small.family(volume.placement)
        family.file(family.volumes[volume.placement].layer).write_bytes(pattern(1, 40 * MIB))
        free = _free(small.images)
        with pytest.raises(Refused) as refused:
            driver.snapshot(volume.placement, {}, str(uuid.uuid4()))
        assert refused.value.details["needed"] >= 40 * MIB > refused.value.details["free"]
        assert _free(small.images) == free
        assert len(list(driver.inventory())) == 1

    def test_what_reflinks_share_counts_once(self) -> None:
        with file_system("mkfs.xfs", "-q") as xfs, short_folder() as folder:
            node = Node(folder, xfs / "images")
            driver = node.driver("raw")
            volume = wanted(64 * MIB)
            driver.create(volume)
            family = node.family(volume.placement)
            path = family.file(family.volumes[volume.placement].layer)
            path.write_bytes(pattern(1, 64 * MIB))
            os.sync()
            [before] = driver.pools()
            for _ in range(4):
                driver.snapshot(volume.placement, {}, str(uuid.uuid4()))
            os.sync()
            [after] = driver.pools()
            assert before.ours >= 64 * MIB
            assert after.ours - before.ours < MIB

    def test_thick_volumes_are_refused_where_writing_moves_blocks(self) -> None:
        with file_system("mkfs.btrfs", "-q") as btrfs, short_folder() as folder:
            driver = Node(folder, btrfs / "images").driver("raw")
            [pool] = driver.pools()
            assert pool.thin and not pool.thick
            with pytest.raises(Refused, match="copy-on-write"):
                driver.create(wanted(thin=False))


class TestTrouble:
    def test_an_unwritable_folder_is_told_and_recovers_without_a_restart(self, small: Node) -> None:
        driver = small.driver("raw")
        kept = wanted()
        driver.create(kept)
        point = small.images.parent
        subprocess.run(["mount", "-o", "remount,ro", str(point)], check=True, timeout=30)
        with pytest.raises(Failed, match="may not write"):
            driver.check()
        refused = wanted()
        with pytest.raises(Failed, match=r"may not write|Read-only"):
            driver.create(refused)
        with pytest.raises(Unavailable, match=r"may not write|Read-only"):
            small.driver("raw")
        subprocess.run(["mount", "-o", "remount,rw", str(point)], check=True, timeout=30)
        driver.check()
        driver.create(refused)
        assert {item.id for item in driver.inventory()} == {kept.placement, refused.placement}

    def test_a_file_system_that_is_not_mounted_is_told(self, small: Node) -> None:
        driver = small.driver("raw")
        driver.create(kept := wanted())
        subprocess.run(["umount", "-l", str(small.images.parent)], check=True, timeout=30)
        with pytest.raises(Failed, match="does not hold"):
            driver.check()
        # What cannot be seen is not gone, and nothing of it is deleted.
        for call in (driver.inspect, driver.meter, driver.delete):
            with pytest.raises(Transient, match="folder is away"):
                call(kept.placement, {})
        for again in (driver.pools, partial(driver.create, wanted()), driver.inventory):
            with pytest.raises(Transient, match="folder is away"):
                again()
        for _ in range(2):
            with pytest.raises(Unavailable, match="is empty now"):
                small.driver("raw")
        assert not small.images.exists()

    def test_a_damaged_document_is_told_and_harms_no_other_family(self, node: Node) -> None:
        driver = node.driver("raw")
        broken, sound = wanted(), wanted()
        driver.create(broken)
        driver.create(sound)
        (node.family(broken.placement).path / "family.json").write_text("{")
        with pytest.raises(Failed, match="damaged"):
            driver.inspect(broken.placement, {})
        assert driver.inspect(sound.placement, {}).size == sound.size

    @pytest.mark.parametrize("evil", ["../x", "a/b", "", ".", "x\0y", "é"])
    def test_an_id_that_is_a_path_is_no_id(self, node: Node, evil: str) -> None:
        driver = node.driver("raw")
        for call in (
            partial(driver.create, Wanted(evil, POOL, MIB, True)),
            partial(driver.delete, evil, {}),
            partial(driver.inspect, evil, {}),
            partial(driver.delete_snapshot, evil, {}),
        ):
            with pytest.raises(Invalid):
                call()


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
