"""govmomi's vCenter simulator as Debian has it, built once and run on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.simulators.vcenter import Certificate, issue

SOURCE = Path(__file__).with_name("main.go")
LIBRARY = Path("/usr/share/gocode")
_BUILD_SECONDS = 600
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Govmomi:
    """One that runs. Anybody's password opens it who is `user`."""

    port: int
    user: str
    password: str
    certificate: Certificate


def missing() -> str:
    """Why it cannot be built here; empty when it can."""
    if shutil.which("go") is None:
        return "there is no Go compiler (Debian: golang-go)"
    if not (LIBRARY / "src/github.com/vmware/govmomi/simulator").is_dir():
        return "govmomi's sources are missing (Debian: golang-github-vmware-govmomi-dev)"
    return ""


def built(folder: Path) -> Path:
    """The program; takes half a minute."""
    program = folder / "vcenter"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(LIBRARY), "GOCACHE": str(folder / "cache")}
    command = ["go", "build", "-o", str(program), str(SOURCE)]
    subprocess.run(command, env=environment, check=True, timeout=_BUILD_SECONDS)
    return program


@contextmanager
def running(program: Path) -> Iterator[Govmomi]:
    """Run it until the `with` block ends."""
    certificate = issue()
    with tempfile.TemporaryDirectory(prefix="govmomi-") as folder:
        pem, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        pem.write_text(certificate.pem)
        key.touch(0o600)
        key.write_text(certificate.key)
        process = subprocess.Popen(
            [str(program), str(pem), str(key)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            address, user, password = process.stdout.readline().split()
            yield Govmomi(int(address.rpartition(":")[2]), user, password, certificate)
        finally:
            process.kill()
            process.communicate(timeout=_START_SECONDS)
