"""The simulator as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyVim import connect as pyvim

from tests.simulators.vcenter import pinned


def test_it_runs_as_a_process_and_ends_when_told(checkout: Path, tmp_path: Path) -> None:
    certificate, password = tmp_path / "vc.pem", tmp_path / "password"
    password.write_text("Other-1\n")
    command = [sys.executable, "-m", "tests.simulators.vcenter", "--release", "7.0", "--machines", "3"]
    command += ["--certificate-file", str(certificate), "--password-file", str(password)]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = urlsplit(process.stdout.readline().split()[0])
            library: Any = pyvim
            service = library.SmartConnect(
                host=url.hostname,
                port=url.port,
                user="administrator@vsphere.local",
                pwd="Other-1",
                sslContext=pinned(certificate.read_text()),
            )
            assert service.content.about.version == "7.0.3"
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
