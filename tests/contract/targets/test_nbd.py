"""The nbd target keeps every promise, over TLS and on Unix sockets."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import isthmus.core
from isthmus.core.datapath.daemon import Daemons
from isthmus.core.datapath.process import end
from isthmus.core.drivers.contract import Device, Export, Grant
from isthmus.core.model.attachment import Connection
from isthmus.core.targets.contract import Target, TargetSetup
from isthmus.core.targets.nbd import NbdTarget

from ...environment.folders import USER, short_folder
from ...environment.nbd import Certificates, NbdHosts, missing
from .target import TargetBench, TargetSuite

pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing())]


@dataclass
class NbdBench(NbdHosts, TargetBench):
    folder: Path
    transport: str = "tcp"
    kills: int = int(os.environ.get("ISTHMUS_KILLS", "5"))

    def target(self) -> Target:
        pki = Certificates(self.folder / "pki")
        return WithCertificates(
            TargetSetup(
                node="node",
                address="127.0.0.1",
                state=self.folder / "state",
                runtime=self.folder / "run",
                settings={"transport": self.transport, "listen": "127.0.0.1"},
                user=USER,
                certificate=pki.certificate,
                key=pki.key,
                ca=pki.ca,
            ),
            pki,
        )

    def traced(self) -> Sequence[Path]:
        return [Path(isthmus.core.__file__).parent]

    def make(self, placement: str) -> None:
        super().make(placement)
        if USER is not None:
            shutil.chown(self.path(placement), USER)

    def kill_daemons(self) -> None:
        for kind, short in (("images", "i"), ("doors", "d")):
            daemons = Daemons(self.folder / "state" / kind, self.folder / "run" / short)
            for name in daemons.names():
                daemon = daemons.find(name)
                if daemon is not None:
                    assert end(daemon.pid, daemon.started, signal.SIGKILL, 10.0)


class WithCertificates(NbdTarget):
    """Hands out the host's certificate too, as the engine does."""

    def __init__(self, setup: TargetSetup, certificates: Certificates) -> None:
        super().__init__(setup)
        self._certificates = certificates

    def grant(self, export: Export, device: Device, grant: Grant) -> Connection:
        connection = super().grant(export, device, grant)
        return self._certificates.complete(connection, grant) if connection.public["tls"] else connection


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as made:
        (made / "run").mkdir()
        (made / "run").chmod(0o711)
        yield made


class TestNbdOverTls(TargetSuite):
    @pytest.fixture
    def bench(self, folder: Path) -> TargetBench:
        return NbdBench(folder)


class TestNbdOnUnixSockets(TargetSuite):
    @pytest.fixture
    def bench(self, folder: Path) -> TargetBench:
        return NbdBench(folder, transport="unix", kills=3)
