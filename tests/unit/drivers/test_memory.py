"""What the memory driver promises beyond the contract."""

from __future__ import annotations

import errno
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from isthmus.core.drivers.contract import DriverSetup, Export, Grant, Wanted
from isthmus.core.drivers.memory import MemoryClient, MemoryDriver
from isthmus.core.drivers.memory.content import BLOCK
from isthmus.core.errors import Refused, StorageError, Unavailable
from isthmus.core.model.attachment import AccessMode

Make = Callable[..., MemoryDriver]
DEEDS = ["create", *["write"] * 3, "snapshot", "clone", "restore", "extend", "delete", "forget"]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(total: int = 64 * BLOCK, **settings: Any) -> MemoryDriver:
        pools = [{"name": "a", "total": total}, {"name": "b", "total": total}]
        driver = MemoryDriver(
            DriverSetup("backend", "memory", "node", {"pools": pools, **settings}, {}, tmp_path, tmp_path)
        )
        driver.start()
        return driver

    return make


def attach(driver: MemoryDriver, placement: str) -> MemoryClient:
    return MemoryClient(driver.grant(Export(placement, "naa.6"), Grant("a", "h", AccessMode.READ_WRITE)))


def used(driver: MemoryDriver, pool: str = "a") -> int:
    return next(report.used for report in driver.pools() if report.name == pool) // BLOCK


def test_what_is_attached_is_not_deleted_reverted_or_kept_as_if_detached(make: Make) -> None:
    driver = make()
    driver.create(Wanted("v", "a", 4 * BLOCK, True))
    driver.snapshot("v", {}, "s")
    attach(driver, "v")
    for refused in (
        lambda: driver.delete("v", {}),
        lambda: driver.snapshot("v", {}, "t"),
        lambda: driver.revert(Wanted("w", "a", 4 * BLOCK, True), "v", {}, "s", {}),
    ):
        with pytest.raises(Refused, match="is attached"):
            refused()
    assert driver.snapshot("v", {}, "s").snapshot == "s"
    driver.withdraw(Export("v", "naa.6"), "a")
    driver.delete("v", {})


def test_a_thick_volume_finds_room_for_every_write_though_the_pool_is_full(make: Make) -> None:
    driver = make()
    driver.create(Wanted("thick", "a", 16 * BLOCK, False))
    client = attach(driver, "thick")
    client.write(0, b"1" * 16 * BLOCK)
    driver.live_snapshot("thick", {}, "s")
    driver.create(Wanted("filler", "a", (64 - used(driver)) * BLOCK, False))
    client.write(0, b"2" * 16 * BLOCK)
    assert used(driver) == 64
    with pytest.raises(Refused, match="full"):
        driver.live_snapshot("thick", {}, "t")
    assert driver.inspect_snapshot("t", {}) is None


def test_a_thin_volume_meets_the_end_of_the_pool_and_keeps_what_it_had(make: Make) -> None:
    driver = make()
    driver.create(Wanted("thin", "a", 128 * BLOCK, True))
    client = attach(driver, "thin")
    client.write(0, b"1" * 60 * BLOCK)
    with pytest.raises(OSError) as full:
        client.write(0, b"2" * 128 * BLOCK)
    assert full.value.errno == errno.ENOSPC
    assert client.read(0, 60 * BLOCK) == b"1" * 60 * BLOCK
    assert used(driver) == 60


def test_a_copy_into_another_pool_has_blocks_of_its_own(make: Make) -> None:
    driver = make()
    driver.create(Wanted("v", "a", 8 * BLOCK, True))
    attach(driver, "v").write(0, b"1" * 3 * BLOCK)
    driver.clone(Wanted("c", "b", 8 * BLOCK, True), "v", {})
    assert (used(driver, "a"), used(driver, "b")) == (3, 3)
    driver.withdraw(Export("v", "naa.6"), "a")
    driver.delete("v", {})
    assert (used(driver, "a"), used(driver, "b")) == (0, 3)
    assert attach(driver, "c").read(0, 4 * BLOCK) == b"1" * 3 * BLOCK + bytes(BLOCK)


def test_reads_and_writes_outside_the_volume_are_refused(make: Make) -> None:
    driver = make()
    driver.create(Wanted("v", "a", 1000, True))
    client = attach(driver, "v")
    client.write(990, b"1" * 10)
    assert client.read(989, 11) == b"\0" + b"1" * 10
    for offset, length in ((991, 10), (-1, 1), (0, 0), (1000, 1)):
        with pytest.raises(OSError) as refused:
            client.read(offset, length)
        assert refused.value.errno == errno.EINVAL


@pytest.mark.parametrize("seed", range(5))
def test_the_accounts_hold_whatever_is_done(make: Make, seed: int) -> None:
    """Used room is all blocks and what thick volumes still reserve; after all is deleted it is nothing."""
    chance, driver = random.Random(seed), make(256 * BLOCK)
    volumes: list[str] = []
    snapshots: list[str] = []
    for number in range(150):
        kind = chance.choice(DEEDS)
        pool, thin = chance.choice("ab"), chance.random() < 0.5
        try:
            if kind == "create" or not volumes:
                driver.create(Wanted(f"v{number}", pool, chance.randrange(1, 20 * BLOCK), thin))
                volumes.append(f"v{number}")
            elif kind == "write":
                volume = chance.choice(volumes)
                client = attach(driver, volume)
                offset = chance.randrange(client.size)
                client.write(offset, b"x" * chance.randrange(1, client.size - offset + 1))
                client.close()
                driver.withdraw(Export(volume, "naa.6"), "a")
            elif kind == "snapshot":
                driver.snapshot(chance.choice(volumes), {}, f"s{number}")
                snapshots.append(f"s{number}")
            elif kind == "clone":
                driver.clone(Wanted(f"v{number}", pool, 30 * BLOCK, thin), chance.choice(volumes), {})
                volumes.append(f"v{number}")
            elif kind == "restore" and snapshots:
                driver.clone_snapshot(Wanted(f"v{number}", pool, 30 * BLOCK, thin), chance.choice(snapshots), {})
                volumes.append(f"v{number}")
            elif kind == "extend":
                driver.extend(chance.choice(volumes), {}, chance.randrange(1, 30 * BLOCK))
            elif kind == "delete":
                driver.delete(volumes.pop(chance.randrange(len(volumes))), {})
            elif kind == "forget" and snapshots:
                driver.delete_snapshot(snapshots.pop(chance.randrange(len(snapshots))), {})
        except (StorageError, OSError):
            for volume in volumes:
                driver.withdraw(Export(volume, "naa.6"), "a")
        _audit(driver)
    for volume in volumes:
        driver.delete(volume, {})
    for snapshot in snapshots:
        driver.delete_snapshot(snapshot, {})
    assert used(driver, "a") == used(driver, "b") == 0


def _audit(driver: MemoryDriver) -> None:
    with driver._array.reading() as array:
        for pool, counted in array.execute("SELECT name, used FROM pool").fetchall():
            blocks = array.execute(
                "SELECT count(DISTINCT block) FROM map JOIN object ON id = object WHERE pool = ?", (pool,)
            ).fetchone()[0]
            reserved = array.execute("SELECT sum(reserved) FROM object WHERE pool = ?", (pool,)).fetchone()[0] or 0
            assert counted == blocks * BLOCK + reserved <= 256 * BLOCK
        stray = "SELECT count(*) FROM block WHERE number NOT IN (SELECT block FROM map)"
        assert array.execute(stray).fetchone() == (0,)
        for thick, size, reserved, alone in array.execute(
            "SELECT thick, size, reserved, (SELECT count(*) FROM map WHERE map.object = id AND NOT EXISTS"
            " (SELECT 1 FROM map AS other WHERE other.block = map.block AND other.object <> id)) FROM object"
        ).fetchall():
            assert reserved == (-(-size // BLOCK) - alone) * BLOCK * thick


def test_foreign_bytes_are_used_and_not_ours(make: Make) -> None:
    driver = make(pools=[{"name": "a", "total": 10 * BLOCK, "foreign": 4 * BLOCK}])
    with pytest.raises(Refused) as refused:
        driver.create(Wanted("v", "a", 7 * BLOCK, False))
    assert refused.value.details == {"free": 6 * BLOCK, "needed": 7 * BLOCK}
    driver.create(Wanted("v", "a", 6 * BLOCK, False))
    report = driver.pools()[0]
    assert (report.used, report.ours) == (10 * BLOCK, 6 * BLOCK)


def test_pools_make_only_what_they_say(make: Make) -> None:
    pools = [
        {"name": "a", "total": 1 << 30, "thick": False, "granularity": BLOCK},
        {"name": "b", "total": 1 << 30, "thin": False},
    ]
    driver = make(pools=pools)
    for wanted in (
        Wanted("v", "a", BLOCK, False),
        Wanted("v", "b", BLOCK, True),
        Wanted("v", "a", 100, True),
    ):
        with pytest.raises(Refused):
            driver.create(wanted)
    assert list(driver.inventory()) == []


def test_a_changed_configuration_holds_from_the_next_start(make: Make) -> None:
    make(8 * BLOCK).create(Wanted("v", "a", 8 * BLOCK, False))
    larger = make(16 * BLOCK)
    larger.create(Wanted("w", "a", 8 * BLOCK, False))
    assert used(larger) == 16


def test_the_settings_are_described() -> None:
    check = Draft202012Validator(dict(MemoryDriver.settings_schema))
    check.validate({})
    check.validate({"path": "/x", "latency": 0.1, "pools": [{"name": "a", "total": 1, "zone": None}]})
    empty_pool = {"name": "a", "total": 0}
    wrongs: list[dict[str, Any]] = [{"pool": []}, {"pools": []}, {"path": "relative"}, {"pools": [empty_pool]}]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            check.validate(wrong)


def test_a_file_that_cannot_be_opened_is_unavailable_with_its_path(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="file/array"):
        make(path=str(tmp_path / "file" / "array"))


def test_a_damaged_file_is_a_storage_error(make: Make, tmp_path: Path) -> None:
    driver = make(path=str(tmp_path / "x"))
    driver.stop()
    (tmp_path / "x").write_bytes(b"nonsense" * 1000)
    with pytest.raises(StorageError, match="array"):
        driver.check()


def test_an_array_that_is_held_by_another_is_transient(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "x"
    make(path=str(path)).stop()
    setup = DriverSetup("backend", "memory", "node", {"path": str(path)}, {}, tmp_path, tmp_path, timeout=0.05)
    driver = MemoryDriver(setup)
    driver.start()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StorageError) as error:
            driver.create(Wanted("v", "pool", BLOCK, True))
        assert error.value.code == "storage_transient"
    finally:
        holder.close()
    driver.create(Wanted("v", "pool", BLOCK, True))
