"""The file driver keeps every promise, in each of its forms."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import isthmus.core
from isthmus.core.drivers.contract import (
    Allocated,
    Driver,
    DriverSetup,
    Export,
    Grant,
    Publishes,
    Resized,
    Serves,
)
from isthmus.core.drivers.file import FileDriver
from isthmus.core.drivers.file.family import Folder
from isthmus.core.model.attachment import Connection
from isthmus.core.targets.contract import TargetSetup
from isthmus.core.targets.nbd import NbdTarget

from ...environment.folders import USER, file_system, short_folder
from ...environment.nbd import Certificates, NbdHosts, missing
from .bench import Bench
from .clones import ClonesSuite
from .driver import DriverSuite
from .extends import ExtendsSuite
from .live_snapshots import LiveSnapshotsSuite
from .meters import MetersSuite
from .publishes import PublishesSuite
from .reverts import RevertsSuite
from .serves import ServesSuite
from .snapshots import SnapshotsSuite

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing())]


@dataclass
class FileBench(NbdHosts, Bench):
    """A folder and a short one for sockets, whose path must fit a Unix socket."""

    directory: Path
    state: Path
    runtime: Path
    format: str
    user: str | None
    pool: str = "files"
    kills: int = int(os.environ.get("ISTHMUS_KILLS", "5"))

    def driver(self) -> Driver:
        settings = {"directory": str(self.directory), "format": self.format}
        return FileDriver(
            DriverSetup("backend", "files", "node", settings, {}, self.state, self.runtime, user=self.user)
        )

    def publisher(self, driver: Driver) -> Publishes:
        assert isinstance(driver, Serves)
        pki = Certificates(self.state.parent / "pki")
        setup = TargetSetup(
            node="node",
            address="127.0.0.1",
            state=self.state.parent / "nbd",
            runtime=self.runtime,
            settings={"listen": "127.0.0.1"},
            user=self.user,
            certificate=pki.certificate,
            key=pki.key,
            ca=pki.ca,
        )
        target = NbdTarget(setup)
        target.start()
        return Composed(driver, target, pki)

    def traced(self, driver: Driver) -> Sequence[Path]:
        return [Path(isthmus.core.__file__).parent]

    def write(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, data: bytes) -> None:
        path = self._image(placement)
        if path.suffix == ".raw":
            with path.open("r+b") as file:
                file.seek(offset)
                file.write(data)
            return
        with tempfile.NamedTemporaryFile() as content:
            content.write(data)
            content.flush()
            _run("qemu-io", "-f", "qcow2", "-c", f"write -s {content.name} {offset} {len(data)}", str(path))

    def read(self, driver: Driver, placement: str, reference: Mapping[str, Any], offset: int, length: int) -> bytes:
        path = self._image(placement)
        if path.suffix == ".raw":
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "content")
            _run(
                "qemu-img",
                "dd",
                "-f",
                "qcow2",
                "-O",
                "raw",
                f"if={path}",
                f"of={made}",
                "bs=512",
                f"skip={offset // 512}",
                f"count={(offset + length) // 512}",
            )
            return made.read_bytes()

    def _image(self, placement: str) -> Path:
        family = Folder(self.directory, 5.0).find("volume", placement)
        assert family is not None
        return family.file(family.volumes[placement].layer)


@dataclass
class Composed:
    """The driver with target nbd, as the engine puts them together."""

    driver: Serves
    target: NbdTarget
    certificates: Certificates

    def protocols(self) -> Sequence[str]:
        return (self.target.protocol,)

    def grant(self, export: Export, grant: Grant) -> Connection:
        device = self.driver.device(export.placement, export.reference, self.target.form)
        return self.certificates.complete(self.target.grant(export, device, grant), grant)

    def withdraw(self, export: Export, attachment: str) -> None:
        self.target.withdraw(export, attachment)
        if not self.target.granted(export):
            self.driver.release(export.placement, export.reference)

    def granted(self, export: Export) -> frozenset[str]:
        return self.target.granted(export)

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        return self.target.resize(export, grow)


def _run(*argv: str) -> None:
    """Run a command; one that meets an image which a daemon is still merging comes back."""
    deadline = time.monotonic() + 20
    while True:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        if not ("lock" in done.stderr and time.monotonic() < deadline):
            break
        time.sleep(0.1)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as made:
        yield made


def _bench(folder: Path, directory: Path, kind: str) -> FileBench:
    runtime = folder / "run"
    runtime.mkdir()
    runtime.chmod(0o711)
    return FileBench(directory, folder / "state", runtime, kind, USER)


class _Common(DriverSuite, ExtendsSuite, SnapshotsSuite, RevertsSuite, ClonesSuite, ServesSuite, MetersSuite):
    """What every form promises."""


class TestQcow2(_Common, LiveSnapshotsSuite, PublishesSuite):
    @pytest.fixture
    def bench(self, folder: Path) -> Bench:
        return _bench(folder, folder / "images", "qcow2")


class TestRaw(_Common):
    @pytest.fixture
    def bench(self, folder: Path) -> Bench:
        return _bench(folder, folder / "images", "raw")


@pytest.fixture(scope="module")
def xfs() -> Iterator[Path]:
    with file_system("mkfs.xfs", "-q") as made:
        yield made


class TestReflink(_Common, LiveSnapshotsSuite):
    @pytest.fixture
    def bench(self, folder: Path, xfs: Path) -> Iterator[Bench]:
        directory = xfs / folder.name
        yield _bench(folder, directory, "raw")
        shutil.rmtree(directory, ignore_errors=True)
