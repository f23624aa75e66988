"""Which form the file driver takes in a folder."""

from __future__ import annotations

from ...datapath import image_daemons
from ...errors import Misconfigured, Unavailable
from ..contract import DriverSetup
from . import disk, images
from .driver import NOTE, FileDriver
from .family import Folder
from .fuse import fuse_obstacle
from .qcow2 import Qcow2Driver
from .raw import RawDriver, ReflinkDriver
from .settings import settings_of


def choose(setup: DriverSetup) -> type[FileDriver]:
    """The class for the folder of `setup`, which is made where it is missing.

    The format once chosen stays, also when what it was chosen for goes away. Raises `Unavailable` when the folder
    cannot be written to or a program is missing, `Misconfigured` when it holds images of another format.
    """
    settings = settings_of(setup)
    try:
        folder = Folder(settings.directory, setup.timeout)
        folder.require_known(setup.state / NOTE)
        disk.make_folder(settings.directory)
        held = folder.marker().get("format")
        reflink = disk.can_reflink(settings.directory)
    except OSError as error:
        found = disk.storage_error(error, settings.directory, 8192)
        raise Unavailable(found.message, next_step=found.next_step) from error
    if held and settings.format not in ("auto", held):
        raise Misconfigured(
            f"The folder {settings.directory} holds {held} images, and back end {setup.name} is set to "
            f"{settings.format}.",
            next_step="Add another back end with another folder for the other format.",
        )
    wanted = held or settings.format
    if wanted == "auto":
        wanted = "raw" if reflink or fuse_obstacle() or not _qemu_is_installed() else "qcow2"
    if wanted == "qcow2":
        images.program()
        image_daemons.program()
        return Qcow2Driver
    return ReflinkDriver if reflink else RawDriver


def _qemu_is_installed() -> bool:
    try:
        images.program()
        image_daemons.program()
    except Unavailable:
        return False
    return True
