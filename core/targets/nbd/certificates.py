"""The node's certificate, as qemu-storage-daemon wants it: files of fixed names in a folder that its account reads."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from ...datapath.account import Account
from ...errors import Refused
from ..contract import TargetSetup

_NAMES = ("ca-cert.pem", "server-cert.pem", "server-key.pem", "dh-params.pem")
# The group ffdhe2048 of RFC 7919. Without a file of parameters qemu computes some, a second or more at each start,
# for a key exchange that no client of TLS 1.2 or later chooses.
DH_PARAMETERS = b"""\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


def sources(setup: TargetSetup) -> tuple[Path, Path, Path]:
    """The PEM files of CA, certificate and key. Raises `Refused` where TLS is off."""
    if setup.ca is None or setup.certificate is None or setup.key is None:
        raise Refused(
            "Target nbd publishes over TCP only with TLS, and this node has no certificate.",
            next_step="Turn TLS on, or set the target's transport to unix.",
        )
    return setup.ca, setup.certificate, setup.key


def folder_for(setup: TargetSetup, who: Account | None) -> Path:
    """The folder with the files as they are now, made where it is missing; only the daemons' account may enter it."""
    try:
        contents = [*(path.read_bytes() for path in sources(setup)), DH_PARAMETERS]
    except OSError as error:
        raise Refused(f"{error.filename} cannot be read: {os.strerror(error.errno or 0)}.") from error
    digest = hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]
    folder = setup.runtime / "tls" / digest
    if folder.is_dir():
        return folder
    fresh = folder.with_name(f".{digest}.{os.getpid()}")
    fresh.mkdir(parents=True, exist_ok=True)
    fresh.parent.chmod(0o711)
    for name, content in zip(_NAMES, contents, strict=True):
        with os.fdopen(os.open(fresh / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400), "wb") as file:
            file.write(content)
            _give(file.fileno(), who)
    fresh.chmod(0o700)
    if who is not None:
        os.chown(fresh, who.uid, who.gid)
    try:
        fresh.rename(folder)
    except OSError:
        # Another process was faster; its folder holds the same.
        for name in _NAMES:
            (fresh / name).unlink(missing_ok=True)
        fresh.rmdir()
    return folder


def prune(setup: TargetSetup, used: Collection[str]) -> None:
    """Remove the folders whose names are not among `used`."""
    for folder in (setup.runtime / "tls").glob("[!.]*"):
        if folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)


def _give(descriptor: int, who: Account | None) -> None:
    if who is not None:
        os.fchown(descriptor, who.uid, who.gid)
