"""Target nbd: volumes of this node published by qemu-storage-daemon."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ...datapath.account import account
from ...datapath.image_daemon import ImageDaemon, Layer, Listening
from ...datapath.image_daemons import ImageDaemons, program
from ...datapath.qmp import DaemonGone
from ...drivers.contract import Allocated, Device, Export, Grant, Resized
from ...errors import Failed, Refused, Transient, Unavailable
from ...model.attachment import AccessMode, Connection
from ..contract import TargetSetup
from .certificates import folder_for, prune, sources
from .connected import connected
from .records import Guest, Published, Records, door
from .settings import SCHEMA, settings_of

# The name of the private export through which a door of its own reaches an image.
_INNER = "inner"
_RECONNECT_SECONDS = 10
_PORT_TRIES = 20


class NbdTarget:
    """Each host comes in through a door: an NBD server that lets in that host's certificate and nobody else's.

    qemu-storage-daemon has one NBD server a process, and shows the names of all its exports to whoever it lets in.
    So a volume that one host has alone is served by the daemon that has the image open; the hosts that share a
    volume have each a daemon of their own as a door, which reaches the image over a private Unix socket. A door is
    closed by ending its process: the one way that ends every connection, also one that has not chosen an export.

    Hosts that share a volume see each other's writes at once; NBD has no reservations.
    A renewed certificate of the node comes into use with the next connection: a door that no host uses is opened anew
    with it, a host that is connected is left alone.
    A volume is grown while no door is open; hosts must reconnect (a client with a reconnect delay sees no error).
    """

    name: ClassVar[str] = "nbd"
    protocol: ClassVar[str] = "nbd"
    form: ClassVar[str] = "image"
    settings_schema: ClassVar[Mapping[str, Any]] = SCHEMA

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        settings_of(settings)

    def __init__(self, setup: TargetSetup) -> None:
        self._setup = setup
        self._settings = settings_of(setup.settings)
        self._who = account(setup.user) if setup.user else None
        self._records = Records(setup.state / "published")
        self._images = ImageDaemons(setup.state / "images", setup.runtime / "i", user=setup.user, timeout=setup.timeout)
        self._doors = ImageDaemons(setup.state / "doors", setup.runtime / "d", user=setup.user, timeout=setup.timeout)

    def start(self) -> None:
        program()
        try:
            if not self._settings.unix:
                current = folder_for(self._setup, self._who).name
                used = {guest.certificates for record in self._records.all() for guest in record.guests}
                prune(self._setup, {current, *used})
            self._records.prune()
        except Refused as error:
            raise Unavailable(error.message, next_step=error.next_step) from error

    def stop(self) -> None:
        """Nothing is held between calls."""

    def end(self) -> None:
        for record in self._records.all():
            for guest in record.guests:
                if record.shared:
                    self._doors.end(guest.attachment)
            self._end_image(record)

    def check(self) -> None:
        try:
            program()
        except Unavailable as error:
            raise Failed(error.message, next_step=error.next_step) from error
        if not self._settings.unix:
            for path in sources(self._setup):
                if not os.access(path, os.R_OK):
                    raise Failed(f"{path} cannot be read.", next_step="Correct its owner and mode.")

    def grant(self, export: Export, device: Device, grant: Grant) -> Connection:
        record = self._admit(export, device, grant)
        known = record.guest(grant.attachment)
        port = known.port if known else 0
        certificates = ""
        if not self._settings.unix:
            current = folder_for(self._setup, self._who).name
            certificates = current
            if known is not None and self._is_open(record, known):
                if self._is_outdated(known, current):
                    self._close(record, known)
                else:
                    certificates = known.certificates
        guest = Guest(grant.attachment, grant.subject, grant.mode is AccessMode.READ_WRITE, port, certificates)
        record = record.with_guest(guest).on(device)
        for _ in range(_PORT_TRIES):
            if not self._settings.unix and not guest.port:
                listen, ports = self._settings.listen, self._settings.ports
                guest = replace(guest, port=self._records.reserve(door(record, guest), listen, ports, after=port))
                record = record.with_guest(guest)
            self._records.write(record)
            try:
                return self._open(record, guest)
            except Failed as error:
                # Another program may have taken a port since it was found free; one handed out before is kept.
                if "Address already in use" not in error.message:
                    raise
                if known is not None:
                    raise Failed(
                        f"Port {guest.port}, on which the hosts know this volume, is used by another program.",
                        next_step=f"End the program that listens on port {guest.port}.",
                    ) from error
                port, guest = guest.port, replace(guest, port=0)
        raise Failed("Every port that was tried turned out to be taken.")

    def withdraw(self, export: Export, attachment: str) -> None:
        record = self._records.read(export.placement)
        guest = record.guest(attachment) if record else None
        if record is None or guest is None:
            return
        if record.shared:
            self._doors.end(attachment)
        left = record.without(attachment)
        if left.guests:
            self._records.write(left)
        else:
            self._end_image(record)
            self._records.remove(export.placement)
        self._records.free(door(record, guest), guest.port)
        if self._settings.unix:
            shutil.rmtree(self._socket(record, guest).parent, ignore_errors=True)

    def granted(self, export: Export) -> frozenset[str]:
        record = self._records.read(export.placement)
        if record is None:
            return frozenset()
        return frozenset(guest.attachment for guest in record.guests if self._is_open(record, guest))

    def resize(self, export: Export, grow: Callable[[], Allocated]) -> Resized:
        record = self._records.read(export.placement)
        image = self._image_of(record) if record else None
        if record is None or image is None:
            return Resized(grow(), online=True)
        for guest in record.guests:
            if record.shared:
                self._doors.end(guest.attachment)
        for name in image.exports():
            image.remove_export(name)
        try:
            allocated = grow()
            if not record.control:
                image.resize(allocated.size)
        finally:
            for guest in record.guests:
                self._open(record, guest)
        return Resized(allocated, online=False)

    def inventory(self) -> Iterable[str]:
        """The placements whose doors are all open, and with the node's present certificate where no host is connected:
        what is missing here and attached in the store is granted again, which mends it."""
        current = "" if self._settings.unix else folder_for(self._setup, self._who).name
        return [
            record.placement
            for record in self._records.all()
            if record.guests
            and all(self._is_open(record, guest) and not self._is_outdated(guest, current) for guest in record.guests)
        ]

    def _admit(self, export: Export, device: Device, grant: Grant) -> Published:
        """The record to which the grant can be added."""
        if not self._settings.unix and not grant.subject:
            raise Refused(f"Attachment {grant.attachment} names no certificate, by which NBD over TLS knows a host.")
        record = self._records.read(export.placement)
        if record is None:
            return Published(export.placement, grant.shared, str(device.path), device.format)
        others = [guest.attachment for guest in record.guests if guest.attachment != grant.attachment]
        if others and not (grant.shared and record.shared):
            raise Refused(
                f"The volume is attached to another host (attachment {others[0]}).",
                next_step="Detach it there first, or give it a profile that allows several hosts.",
            )
        if not others and record.shared != grant.shared:
            self.withdraw(export, grant.attachment)
            return Published(export.placement, grant.shared, str(device.path), device.format)
        return record

    def _open(self, record: Published, guest: Guest) -> Connection:
        """Open the guest's door; open already, it is only brought up to date."""
        image = self._ready_image(record)
        serving = image
        if record.shared:
            inner = image.control.with_name("nbd")
            image.listen(Listening(socket=inner))
            image.add_nbd(_INNER, record.placement, writable=True)
            serving = self._doors.ensure(guest.attachment)
            serving.connect(inner, record.placement, reconnect_seconds=_RECONNECT_SECONDS)
        facts: dict[str, Any] = {"export": record.placement, "tls": not self._settings.unix}
        secrets = {}
        if self._settings.unix:
            path = self._socket(record, guest)
            self._prepare(path.parent)
            serving.listen(Listening(socket=path))
            self._hand_over(path)
            facts["socket"] = str(path)
        else:
            folder_for(self._setup, self._who)
            where = Listening(host=self._settings.listen, port=guest.port)
            certificates = self._setup.runtime / "tls" / guest.certificates
            serving.listen(where, certificates=certificates, subjects=(guest.subject,))
            facts |= {"address": self._setup.address, "port": guest.port}
            secrets["ca"] = sources(self._setup)[0].read_text()
        serving.add_nbd(_export(guest), record.placement, writable=guest.writable)
        if not self._is_open(record, guest):
            raise Failed(f"qemu-storage-daemon does not show the export of attachment {guest.attachment}.")
        return Connection(self.protocol, facts, secrets)

    def _ready_image(self, record: Published) -> ImageDaemon:
        """The daemon that has the image open: the driver's, or one of the target's own."""
        if record.control:
            return ImageDaemon(Path(record.control), self._setup.timeout)
        image = self._images.ensure(record.placement)
        image.open([Layer("image", Path(record.path), record.format, record.thin)])
        return image

    def _image_of(self, record: Published) -> ImageDaemon | None:
        """The daemon that has the image open, if it lives."""
        if not record.control:
            return self._images.find(record.placement)
        image = ImageDaemon(Path(record.control), self._setup.timeout)
        return image if image.alive() else None

    def _end_image(self, record: Published) -> None:
        if record.control:
            ImageDaemon(Path(record.control), self._setup.timeout).end()
        else:
            self._images.end(record.placement)

    def _is_open(self, record: Published, guest: Guest) -> bool:
        serving = self._doors.find(guest.attachment) if record.shared else self._image_of(record)
        try:
            return serving is not None and _export(guest) in serving.exports()
        except DaemonGone:
            return False

    def _is_outdated(self, guest: Guest, current: str) -> bool:
        """Whether the door was opened with another certificate than the node has now, and nobody uses it."""
        return guest.certificates != current and not connected(guest.port)

    def _close(self, record: Published, guest: Guest) -> None:
        """Close the guest's door, to be opened again."""
        if record.shared:
            self._doors.end(guest.attachment)
            return
        self._end_image(record)
        if record.control:
            raise Transient("The volume's daemon is started again, for the node has a new certificate.")

    def _socket(self, record: Published, guest: Guest) -> Path:
        folder = self._settings.socket_folder or self._setup.runtime / "s"
        return folder / door(record, guest) / "nbd"

    def _prepare(self, folder: Path) -> None:
        """A folder in which the daemon can make its socket and through which others can reach it."""
        # The administrator's own folder keeps the mode it has.
        for made in (folder.parent, folder):
            if not made.exists():
                made.mkdir(parents=True, exist_ok=True)
                made.chmod(0o711)
        if self._who is not None:
            os.chown(folder, self._who.uid, self._who.gid)

    def _hand_over(self, path: Path) -> None:
        """Give the socket the owner, group and mode of the settings."""
        chosen = self._settings
        try:
            uid = pwd.getpwnam(chosen.socket_owner).pw_uid if chosen.socket_owner else -1
            gid = grp.getgrnam(chosen.socket_group).gr_gid if chosen.socket_group else -1
            os.chown(path, uid, gid)
            path.chmod(chosen.socket_mode)
        except KeyError as error:
            raise Refused(f"The settings of target nbd name an account or group that is not there: {error}.") from error
        except PermissionError as error:
            raise Refused(f"The socket {path} cannot be given to its owner: only root may do that.") from error


def _export(guest: Guest) -> str:
    return f"a-{guest.attachment}"
