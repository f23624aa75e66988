"""One thread acts as another account while all others keep their own."""

from __future__ import annotations

import os
import socket
import struct
import threading
from pathlib import Path

import pytest

from isthmus.core.datapath import impersonate
from isthmus.core.datapath.account import Account, account, barrier
from isthmus.core.datapath.impersonate import acting_as
from isthmus.core.errors import Misconfigured

NOBODY = Account("nobody", 65534, 65534)
needs_root = pytest.mark.skipif(os.geteuid() != 0 or not impersonate.possible(), reason="only root can act as another")


def credentials() -> tuple[str, str]:
    """Effective user and group of the calling thread, which os.geteuid also gives, from the kernel's own listing."""
    status = Path(f"/proc/self/task/{threading.get_native_id()}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["Uid"].split()[1], fields["Gid"].split()[1]


@needs_root
@pytest.mark.parametrize("main", [True, False])
def test_only_the_calling_thread_changes_and_only_for_the_call(main: bool) -> None:
    inside, go_on = threading.Event(), threading.Event()
    seen: list[tuple[str, str]] = []

    def work() -> tuple[str, str]:
        inside.set()
        assert go_on.wait(10)
        return credentials()

    def watch() -> None:
        assert inside.wait(10)
        seen.append(credentials())
        go_on.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    outcome: list[tuple[str, str]] = []
    after: list[tuple[str, str]] = []

    def act() -> None:
        outcome.append(acting_as(NOBODY, work))
        after.append(credentials())

    if main:
        act()
    else:
        thread = threading.Thread(target=act)
        thread.start()
        thread.join()
    watcher.join()
    assert outcome == [("65534", "65534")]
    assert seen == after == [("0", "0")]


@needs_root
def test_a_peer_sees_the_other_account_and_errors_come_through() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            acting_as(NOBODY, lambda: client.connect(listener.getsockname()))
            peer, _ = listener.accept()
            with peer:
                seen = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    assert seen[1:] == (65534, 65534)
    with pytest.raises(ZeroDivisionError):
        acting_as(NOBODY, lambda: 1 // 0)
    assert credentials() == ("0", "0")


@needs_root
def test_the_folder_that_bars_an_account_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o711)
    tmp_path.chmod(0o711)
    assert barrier(inner / "file", NOBODY) is None
    inner.chmod(0o700)
    assert barrier(inner / "file", NOBODY) == inner.resolve()
    os.chown(inner, NOBODY.uid, 0)
    assert barrier(inner / "file", NOBODY) is None


def test_oneself_needs_no_change() -> None:
    assert acting_as(None, credentials) == credentials()


@needs_root
def test_an_account_that_does_not_exist_is_named() -> None:
    with pytest.raises(Misconfigured, match="no-such-account"):
        account("no-such-account")
    assert account() == NOBODY
