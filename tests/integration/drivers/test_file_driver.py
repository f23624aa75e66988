"""What the file driver promises beyond every driver's promises, on real file systems and with real daemons."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.datapath.daemon import Daemons
from isthmus.core.datapath.image_daemon import ImageDaemon
from isthmus.core.datapath.process import end
from isthmus.core.drivers.contract import (
    DriverSetup,
    LiveSnapshots,
    Snapshots,
    Wanted,
    abilities,
)
from isthmus.core.drivers.file import FileDriver, merging, qcow2
from isthmus.core.drivers.file.family import Family, Folder
from isthmus.core.errors import Failed, Invalid, Misconfigured, Refused, Unavailable
from tests.contract.drivers.bench import MIB, pattern
from tests.contract.patience import eventually
from tests.environment import nbd
from tests.environment.folders import USER, file_system, short_folder

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(nbd.missing()), reason=nbd.missing())]
POOL = "files"


class Node:
    """A node with a folder of its own; `driver` makes an instance, as good as another process."""

    def __init__(self, folder: Path, images: Path) -> None:
        self.folder, self.images = folder, images
        (folder / "run").mkdir()
        (folder / "run").chmod(0o711)

    def driver(self, kind: str = "auto", backend: str = "backend", **settings: Any) -> Any:
        given = {"directory": str(self.images), "format": kind, **settings}
        setup = DriverSetup(
            backend, "files", "node", given, {}, self.folder / "state", self.folder / "run", timeout=20.0, user=USER
        )
        driver = FileDriver(setup)
        driver.start()
        return driver

    def family(self, placement: str) -> Family:
        found = Folder(self.images, 5.0).find("volume", placement)
        assert found is not None
        return found

    def depth(self, placement: str) -> int:
        family = self.family(placement)
        return len(family.chain(family.volumes[placement].layer))

    def kill_daemons(self) -> None:
        daemons = Daemons(self.folder / "state" / "daemons", self.folder / "run")
        for name in daemons.names():
            daemon = daemons.find(name)
            if daemon is not None:
                assert end(daemon.pid, daemon.started, signal.SIGKILL, 10.0)

    def close(self) -> None:
        self.kill_daemons()
        for view in (self.folder / "run" / "views").glob("*"):
            subprocess.run(["umount", "-l", str(view)], capture_output=True, check=False, timeout=10)


@pytest.fixture
def node() -> Iterator[Node]:
    with short_folder() as folder:
        made = Node(folder, folder / "images")
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def small() -> Iterator[Node]:
    """A node whose images lie on a file system of 64 MiB."""
    with file_system("mkfs.ext4", "-q", "-m", "0", size=64 * MIB) as point, short_folder() as folder:
        made = Node(folder, point / "images")
        try:
            yield made
        finally:
            made.close()


def wanted(size: int = 8 * MIB, thin: bool = True) -> Wanted:
    return Wanted(str(uuid.uuid4()), POOL, size, thin)


def image_io(node: Node, placement: str, *commands: str) -> str:
    """qemu-io on a detached qcow2 volume."""
    family = node.family(placement)
    path = family.file(family.volumes[placement].layer)
    given = [part for command in commands for part in ("-c", command)]
    done = subprocess.run(
        ["qemu-io", "-f", "qcow2", *given, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr
    return done.stdout


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
        subprocess.run(["umount", "-l", str(small.images.parent)], check=True, timeout=30)
        with pytest.raises(Failed, match="does not hold"):
            driver.check()
        for call in (driver.pools, partial(driver.create, wanted()), driver.inventory):
            with pytest.raises(Failed, match="No such file"):
                call()
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


class TestLayers:
    def test_hidden_layers_are_merged_and_their_room_comes_back(self, node: Node) -> None:
        driver = node.driver("qcow2")
        volume = wanted()
        driver.create(volume)
        for number in range(12):
            image_io(node, volume.placement, f"write -P {number + 1} {number * 65536} 65536", "write -P 99 1M 1M")
            snapshot = str(uuid.uuid4())
            driver.snapshot(volume.placement, {}, snapshot)
            driver.delete_snapshot(snapshot, {})
            assert node.depth(volume.placement) <= 2
        image_io(
            node, volume.placement, *(f"read -P {number + 1} {number * 65536} 65536" for number in range(12)),
            "read -P 99 1M 1M",
        )  # fmt: skip
        [pool] = driver.pools()
        assert pool.ours < 6 * MIB
        assert len(node.family(volume.placement).layers()) <= 2

    def test_a_clone_of_a_deleted_volume_takes_over_its_layers(self, node: Node) -> None:
        driver = node.driver("qcow2")
        volume = wanted()
        driver.create(volume)
        image_io(node, volume.placement, "write -P 7 0 4M")
        last = volume
        for _ in range(5):
            copy = wanted()
            driver.clone(copy, last.placement, {})
            driver.delete(last.placement, {})
            last = copy
        assert node.depth(last.placement) <= 2
        image_io(node, last.placement, "read -P 7 0 4M", "read -P 0 4M 4M")

    def test_clones_of_an_unchanged_volume_rest_on_one_layer(self, node: Node) -> None:
        driver = node.driver("qcow2")
        golden = wanted()
        driver.create(golden)
        image_io(node, golden.placement, "write -P 7 0 1M")
        copies = [wanted() for _ in range(6)]
        for copy in copies:
            driver.clone(copy, golden.placement, {})
        assert node.depth(golden.placement) == 2
        for copy in copies:
            image_io(node, copy.placement, "read -P 7 0 1M", "write -P 8 0 1M")
        image_io(node, golden.placement, "read -P 7 0 1M")

    def test_a_chain_has_an_end_and_says_so(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(qcow2, "DEEPEST", 5)
        driver = node.driver("qcow2")
        volume = wanted()
        driver.create(volume)
        kept = []
        for number in range(4):
            image_io(node, volume.placement, f"write -P {number + 1} 0 64k")
            kept.append(str(uuid.uuid4()))
            driver.snapshot(volume.placement, {}, kept[-1])
        with pytest.raises(Refused, match="each is a snapshot's"):
            driver.snapshot(volume.placement, {}, str(uuid.uuid4()))
        driver.delete_snapshot(kept[1], {})
        driver.snapshot(volume.placement, {}, str(uuid.uuid4()))
        image_io(node, volume.placement, "read -P 4 0 64k")

    def test_a_clone_of_the_last_layer_is_a_copy_that_needs_no_other(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(qcow2, "DEEPEST", 3)
        driver = node.driver("qcow2")
        volume = wanted()
        driver.create(volume)
        kept = []
        for number in range(2):
            image_io(node, volume.placement, f"write -P {number + 1} 0 64k")
            kept.append(str(uuid.uuid4()))
            driver.snapshot(volume.placement, {}, kept[-1])
        shallow = wanted(16 * MIB)
        assert driver.clone_snapshot(shallow, kept[1], {}).size == 16 * MIB
        copy = wanted(16 * MIB)
        monkeypatch.setattr(qcow2, "DEEPEST", 2)
        assert driver.clone_snapshot(copy, kept[1], {}).size == 16 * MIB
        assert node.depth(copy.placement) == 1
        assert not node.family(volume.placement).pins
        image_io(node, copy.placement, "read -P 2 0 64k", "read -P 0 64k 8M")

    def test_a_thick_volume_keeps_its_room_under_snapshots(self, node: Node) -> None:
        driver = node.driver("qcow2")
        volume = wanted(16 * MIB, thin=False)
        driver.create(volume)
        image_io(node, volume.placement, "write -P 1 0 16M")
        snapshot = str(uuid.uuid4())
        driver.snapshot(volume.placement, {}, snapshot)
        family = node.family(volume.placement)
        top = family.file(family.volumes[volume.placement].layer)
        assert top.stat().st_blocks * 512 >= 16 * MIB
        image_io(node, volume.placement, "read -P 1 0 16M", "write -P 2 4k 4k", "read -P 1 8k 4k")

    def test_images_are_sound_after_all_that(self, node: Node) -> None:
        driver = node.driver("qcow2")
        volume = wanted()
        driver.create(volume)
        snapshots = []
        for number in range(6):
            image_io(node, volume.placement, f"write -P {number + 1} {number}M 1M")
            snapshots.append(str(uuid.uuid4()))
            driver.snapshot(volume.placement, {}, snapshots[-1])
            driver.extend(volume.placement, {}, (9 + number) * MIB)
        for number in (4, 1, 2):
            driver.delete_snapshot(snapshots[number], {})
        family = node.family(volume.placement)
        for layer in family.layers():
            done = subprocess.run(
                ["qemu-img", "check", "--output=json", str(family.file(layer))],
                capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
            report = json.loads(done.stdout)
            assert not report.get("corruptions") and not report.get("leaks"), done.stdout
        image_io(node, volume.placement, *(f"read -P {number + 1} {number}M 1M" for number in range(6)))


class TestRawView:
    """A qcow2 image as a raw file, for daemons that know no qcow2."""

    @pytest.fixture
    def driver(self, node: Node) -> Any:
        driver = node.driver("qcow2")
        if reason := driver.forms()["path"]:
            pytest.skip(reason)
        return driver

    def test_it_belongs_to_the_daemons_account(self, node: Node, driver: Any) -> None:
        volume = wanted()
        driver.create(volume)
        path = driver.device(volume.placement, {}, "path").path
        if USER is not None:
            assert path.owner() == USER
            done = subprocess.run(["dd", f"if={path}", "of=/dev/null", "count=1"], user=USER, capture_output=True)
            assert done.returncode == 0, done.stderr
        driver.release(volume.placement, {})
        assert not path.exists()

    @pytest.mark.parametrize("thin", [True, False], ids=["thin", "thick"])
    def test_it_grows_and_is_snapshotted_while_it_is_open(self, node: Node, driver: Any, thin: bool) -> None:
        volume, snapshot = wanted(thin=thin), str(uuid.uuid4())
        driver.create(volume)
        path = driver.device(volume.placement, {}, "path").path
        with path.open("r+b", buffering=0) as view:
            view.write(pattern(1, 65536))
            driver.live_snapshot(volume.placement, {}, snapshot)
            view.seek(0)
            view.write(pattern(2, 65536))
            assert driver.extend(volume.placement, {}, 24 * MIB).size == 24 * MIB
            assert os.fstat(view.fileno()).st_size == 24 * MIB
            view.seek(20 * MIB)
            view.write(pattern(3, 65536))
        driver.release(volume.placement, {})
        copy = wanted()
        driver.clone_snapshot(copy, snapshot, {})
        old, new = (driver.device(one, {}, "path").path for one in (copy.placement, volume.placement))
        with old.open("rb") as first, new.open("rb") as second:
            assert first.read(65536) == pattern(1, 65536)
            assert second.read(65536) == pattern(2, 65536)
            second.seek(20 * MIB)
            assert second.read(65536) == pattern(3, 65536)
        for one in (copy.placement, volume.placement):
            driver.release(one, {})
        if not thin:
            family = node.family(volume.placement)
            assert family.file(family.volumes[volume.placement].layer).stat().st_blocks * 512 >= 24 * MIB

    def test_a_view_whose_daemon_died_is_cleared_away_and_comes_back(self, node: Node, driver: Any) -> None:
        volume = wanted()
        driver.create(volume)
        path = driver.device(volume.placement, {}, "path").path
        with path.open("r+b", buffering=0) as view:
            view.write(pattern(1, 4096))
            os.fsync(view.fileno())
        node.kill_daemons()
        with pytest.raises(OSError):
            path.stat()
        again = node.driver("qcow2").device(volume.placement, {}, "path").path
        assert again == path
        with again.open("rb") as view:
            assert view.read(4096) == pattern(1, 4096)
        node.kill_daemons()
        driver.release(volume.placement, {})
        assert not path.exists()
        driver.delete(volume.placement, {})

    def test_an_image_opened_for_nbd_before_is_shown_too(self, node: Node, driver: Any) -> None:
        volume = wanted()
        driver.create(volume)
        driver.device(volume.placement, {}, "image")
        assert driver.device(volume.placement, {}, "path").format == "raw"
        driver.release(volume.placement, {})


class TestOpenImages:
    """What happens while an image daemon has the image open."""

    def test_many_live_snapshots_leave_a_short_chain(self, node: Node) -> None:
        driver = node.driver("qcow2")
        volume = wanted()
        driver.create(volume)
        driver.device(volume.placement, {}, "image")
        for _ in range(8):
            snapshot = str(uuid.uuid4())
            driver.live_snapshot(volume.placement, {}, snapshot)
            driver.delete_snapshot(snapshot, {})
        eventually(lambda: node.depth(volume.placement) <= 2, "the daemon has merged the layers")
        driver.release(volume.placement, {})
        assert len(node.family(volume.placement).layers()) <= 2

    def test_a_merge_in_one_daemon_keeps_no_other_volume_closed(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        driver = node.driver("qcow2")
        volume, copy = wanted(64 * MIB), wanted(64 * MIB)
        driver.create(volume)
        image_io(node, volume.placement, "write -P 1 0 48M")
        first, second = str(uuid.uuid4()), str(uuid.uuid4())
        driver.snapshot(volume.placement, {}, first)
        image_io(node, volume.placement, "write -P 2 0 1M")
        driver.snapshot(volume.placement, {}, second)
        driver.device(volume.placement, {}, "image")
        monkeypatch.setattr(merging, "_SPEED", 64 << 10)
        monkeypatch.setattr(merging, "_CHEAP", 0)
        driver.delete_snapshot(first, {})
        daemon = ImageDaemon(driver.device(volume.placement, {}, "image").control, 20.0)
        assert daemon.merging()
        driver.clone_snapshot(copy, second, {})
        driver.extend(copy.placement, {}, 80 * MIB)
        driver.device(copy.placement, {}, "image")
        assert not daemon.merging()
        for one in (volume, copy):
            driver.release(one.placement, {})
        for one in (volume, copy):
            image_io(node, one.placement, "read -P 2 0 1M", "read -P 1 1M 47M", "read -P 0 48M 16M")

    def test_a_snapshot_does_not_wait_for_a_merge(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        driver = node.driver("qcow2")
        volume = wanted(64 * MIB)
        driver.create(volume)
        image_io(node, volume.placement, "write -P 1 0 48M")
        first, second = str(uuid.uuid4()), str(uuid.uuid4())
        driver.snapshot(volume.placement, {}, first)
        daemon = ImageDaemon(driver.device(volume.placement, {}, "image").control, 20.0)
        monkeypatch.setattr(merging, "_SPEED", 64 << 10)
        monkeypatch.setattr(merging, "_CHEAP", 0)
        driver.delete_snapshot(first, {})
        assert daemon.merging()
        driver.live_snapshot(volume.placement, {}, second)
        driver.delete_snapshot(second, {})
        assert daemon.merging()
        driver.release(volume.placement, {})
        image_io(node, volume.placement, "read -P 1 0 48M", "read -P 0 48M 16M")

    @pytest.mark.parametrize("thin", [True, False], ids=["thin", "thick"])
    def test_an_open_image_grows(self, node: Node, thin: bool) -> None:
        driver = node.driver("qcow2")
        volume = wanted(8 * MIB, thin)
        driver.create(volume)
        device = driver.device(volume.placement, {}, "image")
        assert driver.extend(volume.placement, {}, 24 * MIB).size == 24 * MIB
        assert driver.device(volume.placement, {}, "image").control == device.control
        driver.release(volume.placement, {})
        assert driver.inspect(volume.placement, {}).size == 24 * MIB
        if not thin:
            assert device.path.stat().st_blocks * 512 >= 24 * MIB

    def test_the_daemon_runs_as_the_unprivileged_account(self, node: Node) -> None:
        if USER is None:
            pytest.skip("daemons run as this process's own account")
        driver = node.driver("qcow2")
        volume = wanted()
        driver.create(volume)
        driver.device(volume.placement, {}, "image")
        daemon = Daemons(node.folder / "state" / "daemons", node.folder / "run").find(volume.placement)
        assert daemon is not None
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        assert f"Uid:\t{pwd.getpwnam(USER).pw_uid}\t" in status
        driver.release(volume.placement, {})


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
