"""Target nbd, on qemu-storage-daemon."""

from .target import NbdTarget

__all__ = ["NbdTarget"]
