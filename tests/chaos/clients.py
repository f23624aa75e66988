"""Hosts: `qemu-io` for data that must be there afterwards, and sessions that go on while the server dies."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.core.model.attachment import Connection
from tests.contract.hosts import Client
from tests.environment.iscsi import Initiator
from tests.environment.nbd import NbdClient

INITIATOR = "iqn.2004-10.com.example:chaos"


def qemu_io(connection: Mapping[str, Any], folder: Path, *commands: str) -> None:
    """Run commands of qemu-io on the volume as the host does; fails with its words."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    public, secrets = connection["public"], connection["secrets"]
    if connection["protocol"] == "iscsi":
        (folder / "secret").write_text(secrets["chap_secret"])
        options = (
            f"driver=iscsi,transport=tcp,portal={public['portals'][0]},target={public['iqn']},lun={public['lun']},"
            f"user={public['chap_user']},password-secret=secret,initiator-name={INITIATOR}"
        )
        words = ["--object", f"secret,id=secret,file={folder}/secret"]
    else:
        for name, file in (("ca", "ca-cert"), ("certificate", "client-cert"), ("key", "client-key")):
            (folder / f"{file}.pem").write_text(secrets[name])
        options = f"driver=nbd,host={public['address']},port={public['port']},export={public['export']},tls-creds=tls"
        words = ["--object", f"tls-creds-x509,id=tls,endpoint=client,dir={folder}"]
    words += ["--image-opts", options, *(word for command in commands for word in ("-c", command))]
    done = subprocess.run(["qemu-io", *words], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "fail" not in said.lower(), said


def connect(connection: Mapping[str, Any]) -> Client:
    """A session that does not connect again by itself."""
    known = Connection(connection["protocol"], connection["public"], connection["secrets"])
    return Initiator(known, INITIATOR) if known.protocol == "iscsi" else NbdClient(known)


class Busy:
    """A host that writes and reads back without a pause, until it is stopped or something fails."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self.rounds = 0
        self.error: Exception | None = None
        self._client = connect(connection)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="host", daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """End the session; returns how often it wrote and read back. Raises what went wrong."""
        self._stop.set()
        self._thread.join(60)
        self._client.close()
        if self.error is not None:
            raise self.error
        return self.rounds

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                data = self.rounds.to_bytes(8, "big") * 512
                self._client.write(8 << 20, data)
                assert self._client.read(8 << 20, len(data)) == data
                self.rounds += 1
        except Exception as error:
            self.error = error
