"""Daemons die, directories cannot be written, disks fill up: a clear word, nothing lost, and recovery by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.clients import qemu_io
from tests.chaos.depth import SIZE, Site, site
from tests.environment import iscsi, nbd
from tests.environment.server import until

pytestmark = pytest.mark.timeout(300)

MISSING = {"iscsi": iscsi.missing(), "nbd": nbd.missing()}
PROTOCOLS = [
    pytest.param(name, marks=pytest.mark.skipif(bool(reason), reason=reason)) for name, reason in MISSING.items()
]
PATIENCE = 60.0
MIB = 1 << 20


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's folders, which the daemons' account may not enter."""
    with tempfile.TemporaryDirectory(prefix="isthmus-faults-", dir="/var/tmp") as made:
        yield Path(made)


@pytest.fixture
def place(folder: Path) -> Iterator[Site]:
    with site(folder) as made:
        yield made


@contextlib.contextmanager
def mounted(*arguments: str, on: Path) -> Iterator[None]:
    """A mount for the time of the block; skips where this machine does not allow it."""
    done = subprocess.run(["mount", *arguments, str(on)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(on)], check=True)


def _protocol(place: Site) -> str:
    usable = [name for name in place.protocols() if not MISSING.get(name, "unknown")]
    if not usable:
        pytest.skip("; ".join(MISSING.values()))
    return usable[-1]


def _create(place: Site, protocol: str, name: str = "v") -> dict[str, Any]:
    """The operation of a create that was accepted, ended; or the problem with which it was refused."""
    wanted = {"name": name, "size": SIZE, "profile": protocol}
    answer = place.ask("POST", "volumes", wanted)
    body: dict[str, Any] = answer.json()
    return dict(place.ended(body["id"])) if answer.status_code == 202 else body


def _attached(place: Site, protocol: str) -> str:
    if protocol not in place.protocols():
        pytest.skip(f"the file driver cannot publish over {protocol} here")
    volume = _create(place, protocol)["result"]["volume"]
    return str(place.do("POST", "attachments", {"volume": volume, "host": place.host})["attachment"])


def _all_well(place: Site) -> bool:
    return all(finding["level"] == "ok" for finding in place.call("GET", "doctor")["items"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_daemons_that_die_under_attached_volumes_are_replaced_with_the_same_exports(place: Site, protocol: str) -> None:
    attachment = _attached(place, protocol)
    before = place.connection(attachment)
    place.io(attachment, "write -P 0x61 0 1M")

    for pid in place.daemons():
        os.kill(pid, signal.SIGKILL)
    until(lambda: _reads(place, before, "read -P 0x61 0 1M"), PATIENCE, "the export did not come back")

    assert place.connection(attachment) == before
    until(lambda: _all_well(place), PATIENCE, "something is wrong still")
    place.do("DELETE", f"attachments/{attachment}")


def _reads(place: Site, connection: dict[str, Any], command: str) -> bool:
    try:
        qemu_io(connection, place.folder / "client", command)
    except AssertionError:
        return False
    return True


def test_an_export_that_no_record_asks_for_is_found(place: Site) -> None:
    attachment = _attached(place, _protocol(place))
    place.in_order()
    with contextlib.closing(sqlite3.connect(place.folder / "state" / "isthmus.db")) as database, database:
        database.execute("DELETE FROM attachments WHERE id = ?", (attachment,))
    found = [finding for finding in place.call("GET", "doctor")["items"] if finding["check"] == "export"]
    assert len(found) == 1 and "attached to no host" in found[0]["text"], found


def test_a_back_end_whose_directory_the_daemons_cannot_reach_is_refused_with_the_cure(place: Site) -> None:
    closed = place.folder / "closed"
    closed.mkdir(mode=0o700)
    wanted = {"name": "closed", "driver": "file", "settings": {"directory": str(closed / "files")}}
    answer = place.ask("POST", "backends", wanted)
    if answer.status_code == 201:
        pytest.skip("daemons run as root here")
    assert answer.status_code == 409, answer.text
    assert str(closed) in answer.json()["detail"] and "chmod" in answer.json()["next_step"]
    assert len(place.call("GET", "backends")["items"]) == 1


def test_a_directory_that_cannot_be_written_is_named_and_works_again_afterwards(place: Site) -> None:
    protocol, files = _protocol(place), place.folder / "files"
    kept = _attached(place, protocol)
    place.io(kept, "write -P 0x62 0 1M")
    with mounted("--bind", str(files), on=files):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(files)], check=True)
        found = _create(place, protocol, "refused")
        said = found["error"]["message"] if "error" in found else found["detail"]
        assert found.get("state", "refused") in ("failed", "refused"), found
        assert "read-only" in said.lower() or "cannot be written" in said.lower(), said
        assert len(place.call("GET", "volumes")["items"]) == 1

    until(lambda: _create(place, protocol, "again").get("state") == "done", PATIENCE, "it does not recover")
    place.io(kept, "read -P 0x62 0 1M")
    until(lambda: _all_well(place), PATIENCE, "something is wrong still")


def test_a_full_disk_is_said_loses_nothing_and_serves_again_when_there_is_room(folder: Path) -> None:
    files = folder / "files"
    files.mkdir(mode=0o755)
    with mounted("-t", "tmpfs", "-o", "size=96m,mode=0755", "tmpfs", on=files), site(folder) as place:
        protocol = _protocol(place)
        kept = _attached(place, protocol)
        volume = place.call("GET", f"attachments/{kept}")["volume"]
        place.io(kept, "write -P 0x63 0 1M")
        filler = files / "something-else"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(1 << 16))

        for path, wanted in (
            ("volumes", {"name": "refused", "size": SIZE, "profile": protocol}),
            ("snapshots", {"volume": volume, "name": "refused"}),
        ):
            answer = place.ask("POST", path, wanted)
            body = answer.json()
            found = place.ended(body["id"]) if answer.status_code == 202 else body
            said = found["error"]["message"] if "error" in found else found["detail"]
            assert found.get("state", "refused") in ("failed", "refused"), found
            assert any(word in said.lower() for word in ("full", "room", "space", "free")), said
        place.io(kept, "read -P 0x63 0 1M")

        filler.unlink()
        until(lambda: _create(place, protocol, "again").get("state") == "done", PATIENCE, "it does not recover")
        place.do("POST", "snapshots", {"volume": volume, "name": "again"})
        place.io(kept, "read -P 0x63 0 1M", "write -P 0x64 1M 1M")
        until(lambda: _all_well(place), PATIENCE, "something is wrong still")
