"""A real server is killed with SIGKILL in each step of each flow, on the `file` back end, and started again.

`python -m tests.chaos.depth [--database URL] [--protocol iscsi|nbd] [--format qcow2|raw]` prints the number of kills.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from isthmus.core.datapath.account import account
from isthmus.core.targets.iscsi.tgt import Tgt
from tests.chaos.clients import INITIATOR, qemu_io
from tests.environment.server import Distribution, RunningServer, running_server, until

MIB = 1 << 20
SIZE = 32 * MIB
_PAUSING = Distribution(Path(__file__).with_name("pausing.py"), {"isthmus.plugins": {"pausing": "Pausing"}})


class Site:
    """One installation whose server dies and comes back; `folder` is private, `database` a URL or "" for SQLite.

    `format` is how the `file` back end keeps its images.
    """

    def __init__(self, folder: Path, database: str = "", format: str = "auto") -> None:
        self.folder, self.format = folder, format
        folder.chmod(0o711)  # daemons run as an account of their own
        self.runtime = Path(tempfile.mkdtemp(prefix="isc", dir="/tmp"))
        self.runtime.chmod(0o711)
        self.settings: dict[str, Any] = {"runtime": str(self.runtime), "data_path": {"watch": 1.0}}
        self.settings |= {"database": database} if database else {}
        self.kills = 0
        self._life = contextlib.ExitStack()
        self.server: RunningServer
        self._session: requests.Session

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self.server = self._life.enter_context(running_server(self.folder, distributions=[_PAUSING], **self.settings))
        self._session = self._life.enter_context(self.server.session(tenant="default"))

    def kill(self) -> None:
        """`kill -9` of all the server's processes."""
        self.kills += 1
        self._life.close()

    def close(self) -> None:
        """End the server and what it left running."""
        self._life.close()
        for pid in self.daemons():
            with contextlib.suppress(ProcessLookupError):
                _kill(pid)
        self._unmount()
        shutil.rmtree(self.runtime, ignore_errors=True)

    def daemons(self) -> list[int]:
        """The daemons that work for this installation: those that were told of its folders."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                program = words.partition("\0")[0].rpartition("/")[2]
                words += (entry / "environ").read_bytes().decode(errors="replace")
                if program in ("tgtd", "qemu-storage-daemon") and (
                    str(self.folder) in words or str(self.runtime) in words
                ):
                    found.append(int(entry.name))
        return found

    def reboot(self) -> int:
        """Everything of the data path dies, and what does not outlive a reboot goes; returns how many daemons died."""
        self.kill()
        pids = self.daemons()
        for pid in pids:
            _kill(pid)
        until(lambda: not self.daemons(), 10)
        self._unmount()
        shutil.rmtree(self.runtime)
        self.runtime.mkdir(mode=0o711)
        return len(pids)

    def _unmount(self) -> None:
        """No FUSE mount is left of dead daemons."""
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mounted, kind, *_ = line.split()
            if kind.startswith("fuse") and mounted.startswith((f"{self.runtime}/", f"{self.folder}/")):
                subprocess.run(["umount", "-l", mounted], check=True)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer of a request that must succeed."""
        answer = self.ask(method, path, body)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """The answer of a request, whatever it is."""
        return self._session.request(method, f"{self.server.address}/v1/{path}", json=body, timeout=60)

    def ended(self, operation: str) -> Any:
        """The operation when it is live no more."""
        since = time.monotonic()
        while True:
            found = self.call("GET", f"operations/{operation}?wait=30")
            if found["state"] not in ("pending", "running", "waiting"):
                return found
            assert time.monotonic() - since < 60, found

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """The result of a change, which must end well."""
        found = self.ended(self.call(method, path, body)["id"])
        assert found["state"] == "done", found
        return found["result"]

    def die_in(self, step: str, method: str, path: str, body: Any = None, *, fails: str = "") -> Any:
        """Ask for a change, kill the server in `step` of it, and start it again; returns the operation, ended.

        `step` reads `KIND STEP PHASE`; `fails` names a step (`KIND STEP`) that fails, so that there is a way back.
        """
        paused = self.folder / "paused"
        paused.unlink(missing_ok=True)
        lines = [step, *([fails] if fails else [])]
        fresh = self.folder / "pause.new"
        fresh.write_text("\n".join(lines))
        fresh.rename(self.folder / "pause")
        operation = self.call(method, path, body)["id"]
        until(paused.exists, 60, f"the server did not come to {step}: {self.call('GET', f'operations/{operation}')}")
        self.kill()
        self.start()
        found = self.ended(operation)
        expected = "failed" if fails else "done"
        assert found["state"] == expected, f"{step}: {found}"
        self.in_order(step)
        return found["result"]

    def in_order(self, after: str = "") -> None:
        """Store, back end and daemons agree, and nothing is under way."""
        wrong = [finding for finding in self.call("GET", "doctor")["items"] if finding["level"] != "ok"]
        assert not wrong, f"{after}: {wrong}"
        for state in ("pending", "running", "waiting", "needs_attention"):
            live = self.call("GET", f"operations?state={state}")["items"]
            assert not live, f"{after}: {live}"

    def furnish(self) -> None:
        """A `file` back end, a profile for each protocol, and a host."""
        settings = {"directory": str(self.folder / "files"), "format": self.format}
        self.call("POST", "backends", {"name": "files", "driver": "file", "settings": settings})
        for protocol in ("iscsi", "nbd"):
            properties = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": protocol}}}
            self.call("POST", "profiles", {"name": protocol, "properties": properties})
        initiator = {"protocol": "iscsi", "name": INITIATOR}
        self.host = self.call("POST", "hosts", {"name": "chaos", "initiators": [initiator]})["id"]

    def protocols(self) -> list[str]:
        """The protocols that this machine can publish with."""
        return [str(name) for name in self.call("GET", "pools")["items"][0]["protocols"]]

    def abilities(self) -> list[str]:
        return [str(name) for name in self.call("GET", "pools")["items"][0]["abilities"]]

    def connection(self, attachment: str) -> Any:
        return self.call("GET", f"attachments/{attachment}/connection")

    def io(self, attachment: str, *commands: str) -> None:
        """A host's reads and writes."""
        qemu_io(self.connection(attachment), self.folder / "client", *commands)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def site(folder: Path, database: str = "", format: str = "auto") -> Iterator[Site]:
    """A furnished installation with a running server; nothing of it is left afterwards."""
    made = Site(folder, database, format)
    try:
        made.start()
        made.furnish()
        yield made
    finally:
        made.close()


def run_all(place: Site, protocol: str) -> int:
    """Kill the server once in each step of each flow, and of each way back; returns how often."""
    before = place.kills
    first, second = _creates(place, protocol)
    attached, other = _attaches(place, first, second)
    place.io(attached, "write -P 0x41 0 1M", "read -P 0x41 0 1M")
    _extends(place, first, second, attached)
    if "live_snapshot" in place.abilities():
        kept, more = _snapshots(place, first, second)
        place.io(attached, "write -P 0x42 0 1M", "read -P 0x42 0 1M")
        _detaches(place, attached, other)
    else:
        _detaches(place, attached, other)
        kept, more = _snapshots(place, first, second)
        _shows(place, first, "write -P 0x42 0 1M", "read -P 0x42 0 1M")
    _reverts(place, first, kept)
    copy, clone = _copies(place, protocol, first, kept)
    place.die_in("snapshot.delete delete do", "DELETE", f"snapshots/{more}")
    spare = place.do("POST", "snapshots", {"volume": second, "name": "spare"})["snapshot"]
    place.die_in("snapshot.delete read_back do", "DELETE", f"snapshots/{spare}")
    place.die_in("volume.delete delete_snapshots do", "DELETE", f"volumes/{first}?with_snapshots=true")
    _holds(place, copy, clone)
    place.die_in("volume.delete delete do", "DELETE", f"volumes/{second}")
    place.die_in("volume.delete read_back do", "DELETE", f"volumes/{copy}")
    place.do("DELETE", f"volumes/{clone}")
    place.in_order("everything was deleted")
    _nothing_left(place)
    return place.kills - before


def _creates(place: Site, protocol: str) -> tuple[str, str]:
    wanted = {"name": "chaos", "size": SIZE, "profile": protocol}
    fails = "volume.create read_back"
    place.die_in("volume.create allocate undo", "POST", "volumes", wanted, fails=fails)
    assert not place.call("GET", "volumes")["items"]
    first = place.die_in("volume.create allocate do", "POST", "volumes", wanted)["volume"]
    return first, place.die_in("volume.create read_back do", "POST", "volumes", wanted)["volume"]


def _attaches(place: Site, first: str, second: str) -> tuple[str, str]:
    wanted = {"volume": second, "host": place.host}
    fails = "attachment.create read_back"
    place.die_in("attachment.create grant undo", "POST", "attachments", wanted, fails=fails)
    assert not place.call("GET", "attachments")["items"]
    other = place.die_in("attachment.create read_back do", "POST", "attachments", wanted)["attachment"]
    wanted = {"volume": first, "host": place.host}
    return place.die_in("attachment.create grant do", "POST", "attachments", wanted)["attachment"], other


def _extends(place: Site, first: str, second: str, attached: str) -> None:
    wanted = {"size": 2 * SIZE}
    fails = "volume.extend read_back"
    place.die_in("volume.extend grow undo", "POST", f"volumes/{second}/extend", wanted, fails=fails)
    place.die_in("volume.extend read_back do", "POST", f"volumes/{second}/extend", {"size": 3 * SIZE})
    place.die_in("volume.extend grow do", "POST", f"volumes/{first}/extend", wanted)
    place.io(attached, "read -P 0x41 0 1M", f"write -P 0x43 {2 * SIZE - MIB} 1M")


def _detaches(place: Site, attached: str, other: str) -> None:
    place.die_in("attachment.delete withdraw do", "DELETE", f"attachments/{attached}")
    place.die_in("attachment.delete read_back do", "DELETE", f"attachments/{other}")


def _snapshots(place: Site, first: str, second: str) -> tuple[str, str]:
    wanted = {"volume": second, "name": "more"}
    fails = "snapshot.create read_back"
    place.die_in("snapshot.create take undo", "POST", "snapshots", wanted, fails=fails)
    assert not place.call("GET", "snapshots")["items"]
    more = place.die_in("snapshot.create read_back do", "POST", "snapshots", wanted)["snapshot"]
    wanted = {"volume": first, "name": "kept"}
    return place.die_in("snapshot.create take do", "POST", "snapshots", wanted)["snapshot"], more


def _reverts(place: Site, volume: str, snapshot: str) -> None:
    path, wanted = f"volumes/{volume}/revert", {"snapshot": snapshot}
    place.die_in("volume.revert prepare undo", "POST", path, wanted, fails="volume.revert check")
    _shows(place, volume, "read -P 0x42 0 1M")
    for step in ("prepare", "check", "switch", "discard", "finish"):
        place.die_in(f"volume.revert {step} do", "POST", path, wanted)
        _shows(place, volume, "read -P 0x41 0 1M", "write -P 0x42 0 1M")


def _copies(place: Site, protocol: str, volume: str, snapshot: str) -> tuple[str, str]:
    from_snapshot = {"name": "copy", "profile": protocol, "source_snapshot": snapshot}
    copy = place.die_in("volume.create allocate do", "POST", "volumes", from_snapshot)["volume"]
    clone = {"name": "clone", "profile": protocol, "source_volume": volume}
    return copy, place.die_in("volume.create allocate do", "POST", "volumes", clone)["volume"]


def _holds(place: Site, copy: str, clone: str) -> None:
    _shows(place, copy, "read -P 0x41 0 1M")
    _shows(place, clone, "read -P 0x42 0 1M")


def _shows(place: Site, volume: str, *commands: str) -> None:
    attachment = place.do("POST", "attachments", {"volume": volume, "host": place.host})["attachment"]
    place.io(attachment, *commands)
    place.do("DELETE", f"attachments/{attachment}")


def _nothing_left(place: Site) -> None:
    """No image, layer or note of one, no export and no daemon of one is left when all volumes are gone."""
    kept = place.folder / "files"
    left = [path for name in ("families", "making", "index") for path in (kept / name).iterdir()]
    assert not left and {path.name for path in kept.iterdir()} == {"families", "making", "index", "isthmus.json"}, left
    for pid in place.daemons():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        assert words[0].endswith("tgtd"), words
        assert not _published(pid)


def _published(tgtd: int) -> list[str]:
    """The names of the targets of a tgtd."""
    given = dict(word.partition("=")[::2] for word in Path(f"/proc/{tgtd}/environ").read_text().split("\0"))
    owner = pwd.getpwuid(Path(f"/proc/{tgtd}").stat().st_uid)
    shown = Tgt(Path(given["TGT_IPC_SOCKET"] + ".1"), account(owner.pw_name) if owner.pw_uid else None, 10.0)
    return [target.name for target in shown.targets()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="the URL of an empty database; SQLite without it")
    parser.add_argument("--protocol", choices=["iscsi", "nbd"], help="this one only")
    parser.add_argument("--format", choices=["auto", "qcow2", "raw"], default="auto", help="how images are kept")
    given = parser.parse_args()
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="isthmus-depth-", dir="/var/tmp") as folder,
        site(Path(folder), given.database, given.format) as place,
    ):
        wanted = [given.protocol] if given.protocol else place.protocols()
        count = sum(run_all(place, protocol) for protocol in wanted)
    print(f"{count} kills in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
