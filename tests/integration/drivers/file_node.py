"""A node with the file driver, for tests that look at its folder and daemons."""

from __future__ import annotations

import signal
import subprocess
import uuid
from pathlib import Path
from typing import Any

from isthmus.core.datapath.daemon import Daemons
from isthmus.core.datapath.process import end
from isthmus.core.drivers.contract import (
    DriverSetup,
    Wanted,
)
from isthmus.core.drivers.file import FileDriver
from isthmus.core.drivers.file.family import Family, Folder
from tests.contract.drivers.bench import MIB
from tests.environment.folders import USER

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
