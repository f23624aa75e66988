"""Layers of qcow2 images: merged, shared, opened by daemons and shown as raw files."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.datapath.daemon import Daemons
from isthmus.core.datapath.image_daemon import ImageDaemon
from isthmus.core.drivers.file import merging, qcow2
from isthmus.core.errors import Refused
from tests.contract.drivers.bench import MIB, pattern
from tests.contract.patience import eventually
from tests.environment import nbd
from tests.environment.folders import USER

from .file_node import Node, image_io, wanted

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(nbd.missing()), reason=nbd.missing())]


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

    @pytest.mark.parametrize("thin", [True, False], ids=["thin", "thick"])
    def test_whoever_opens_the_view_at_once_finds_the_new_size(self, driver: Any, thin: bool) -> None:
        volume = wanted(8 * MIB, thin)
        driver.create(volume)
        path = driver.device(volume.placement, {}, "path").path
        for size in (16 * MIB, 24 * MIB, 32 * MIB):
            # The kernel remembers for a second what it is asked here.
            assert path.stat().st_size < size
            driver.extend(volume.placement, {}, size)
            with path.open("rb") as view:
                assert view.seek(0, os.SEEK_END) == size
        driver.release(volume.placement, {})

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
