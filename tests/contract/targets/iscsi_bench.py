"""A node with the target `iscsi`: a tgtd of its own on a free port, and sparse raw files to publish."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.core.datapath import process
from isthmus.core.datapath.account import account
from isthmus.core.datapath.daemon import Daemons
from isthmus.core.drivers.contract import Device, Export
from isthmus.core.targets.contract import TargetSetup
from isthmus.core.targets.iscsi.target import IscsiTarget
from isthmus.core.targets.iscsi.tgt import Tgt

from ...environment.iscsi import IscsiHosts
from .target import TargetBench, TargetExports

USER = "nobody" if os.geteuid() == 0 else None


@dataclass
class IscsiBench(IscsiHosts, TargetBench):
    """Devices are thin: a host may give blocks back."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def target(self) -> IscsiTarget:
        return IscsiTarget(
            TargetSetup(
                node="node1",
                address="127.0.0.1",
                state=self.folder / "state",
                runtime=self.folder / "run",
                settings={"port": 0, **self.settings},
                user=USER,
                timeout=20.0,
            )
        )

    def path(self, placement: str) -> Path:
        return self.folder / "pool" / f"{placement}.raw"

    def device(self, placement: str) -> Device:
        path = self.path(placement)
        return Device(path, "raw", path.stat().st_size, thin=True)

    def tgtd(self) -> tuple[int, int]:
        """The process of tgtd: its pid and start time."""
        daemon = Daemons(self.folder / "state", self.folder / "run").find("tgtd")
        assert daemon is not None, "tgtd does not run"
        return daemon.pid, daemon.started

    def kill_daemons(self) -> None:
        assert process.end(*self.tgtd(), signal.SIGKILL, 10.0)


class IscsiExports(TargetExports):
    """With what tests of this target alone look at."""

    bench: IscsiBench

    @property
    def tgt(self) -> Tgt:
        """A client of the tgtd itself, to see what it has."""
        return Tgt(self.bench.folder / "run" / "tgtd" / "socket.1", account(USER) if USER else None, 10.0)

    @property
    def life(self) -> str:
        """Which life of tgtd it is."""
        assert isinstance(self.target, IscsiTarget)
        return self.target.generation()

    def path(self, export: Export) -> Path:
        return self.bench.path(export.placement)


def folder() -> Iterator[Path]:
    """A folder below /tmp through which the daemons' account may pass, as it may not through a test's own."""
    made = Path(tempfile.mkdtemp(prefix="isthmus-"))
    for path in (made, made / "run", made / "pool"):
        path.mkdir(exist_ok=True)
        path.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made)
