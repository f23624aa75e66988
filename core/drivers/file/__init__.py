"""Volumes as files of a folder: qcow2, raw with reflink, or raw."""

from .driver import FileDriver

__all__ = ["FileDriver"]
