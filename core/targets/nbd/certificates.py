"""The node's certificate, as qemu-storage-daemon wants it: three files of fixed names in a folder its account reads."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from ...datapath.account import Account
from ...errors import Refused
from ..contract import TargetSetup

_NAMES = ("ca-cert.pem", "server-cert.pem", "server-key.pem")


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
        contents = [path.read_bytes() for path in sources(setup)]
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
