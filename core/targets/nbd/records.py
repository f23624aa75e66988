"""What is published, written down before it is: one small file per placement, and the ports that are taken.

Daemons forget when they die; by these records the same placement comes back on the same port with the same name.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...drivers.contract import Device
from ...errors import Refused


@dataclass(frozen=True, slots=True)
class Guest:
    """An attachment: who may connect, how, and on which port (0 on a Unix socket).

    `certificates` names the folder with the node's certificate that the door was opened with.
    """

    attachment: str
    subject: str
    writable: bool
    port: int = 0
    certificates: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A placement that hosts can reach. `shared`: each host has a door of its own; else one host has the only one.

    `control` is the control socket of the driver's image daemon, "" where the target has the image open itself.
    """

    placement: str
    shared: bool
    path: str
    format: str
    control: str = ""
    thin: bool = False
    guests: tuple[Guest, ...] = ()

    def guest(self, attachment: str) -> Guest | None:
        return next((guest for guest in self.guests if guest.attachment == attachment), None)

    def with_guest(self, guest: Guest) -> Published:
        return replace(self, guests=(*self.without(guest.attachment).guests, guest))

    def without(self, attachment: str) -> Published:
        return replace(self, guests=tuple(guest for guest in self.guests if guest.attachment != attachment))

    def on(self, device: Device) -> Published:
        """With the image as the driver has made it ready now."""
        control = str(device.control) if device.control else ""
        return replace(self, path=str(device.path), format=device.format, control=control, thin=device.thin)


def door(record: Published, guest: Guest) -> str:
    """What the guest's door is called: by the attachment where each has one of its own."""
    return guest.attachment if record.shared else record.placement


class Records:
    """The records in `folder` (mode 0700), and the reservations of ports beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = folder / "ports"

    def read(self, placement: str) -> Published | None:
        return _load(self._path(placement))

    def all(self) -> Iterator[Published]:
        for path in sorted(self._folder.glob("*.json")):
            found = _load(path)
            if found is not None:
                yield found

    def write(self, record: Published) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(record.placement)
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(record), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def remove(self, placement: str) -> None:
        self._path(placement).unlink(missing_ok=True)

    def reserve(self, name: str, address: str, ports: range, *, after: int = 0) -> int:
        """A port for the door of that name: the one it has, else a free one, by preference one made from its name, so
        that the same door tends to get the same port. `after` is a port that turned out to be taken; it is given up.

        Raises `Refused` when none is free.
        """
        self._ports.mkdir(parents=True, exist_ok=True, mode=0o700)
        if after:
            self.free(name, after)
        start = after + 1 - ports.start if after else int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
        candidates = [ports[(start + step) % len(ports)] for step in range(len(ports))]
        for port in candidates:
            if self._owner(port) == name:
                return port
        for port in candidates:
            if self._owner(port) is None and _is_free(address, port):
                with suppress(FileExistsError):
                    (self._ports / str(port)).symlink_to(name)
                    return port
        raise Refused(
            f"All ports from {ports.start} to {ports.stop - 1} are taken.",
            next_step="Widen the range in the settings of target nbd.",
        )

    def free(self, name: str, port: int) -> None:
        """Give a port back; another door's is left alone."""
        if self._owner(port) == name:
            (self._ports / str(port)).unlink(missing_ok=True)

    def prune(self) -> None:
        """Give back the ports of doors that no record knows: their target died between two steps."""
        doors = {door(record, guest) for record in self.all() for guest in record.guests}
        for link in self._ports.glob("*"):
            if self._owner(int(link.name)) not in doors:
                link.unlink(missing_ok=True)

    def _owner(self, port: int) -> str | None:
        try:
            return str((self._ports / str(port)).readlink())
        except FileNotFoundError:
            return None

    def _path(self, placement: str) -> Path:
        return self._folder / f"{placement}.json"


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _load(path: Path) -> Published | None:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        return Published(**{**document, "guests": tuple(Guest(**guest) for guest in document["guests"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
