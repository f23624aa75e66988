"""The memory driver: an array in one small file, with every ability. Read it first when you write a driver."""

from .client import MemoryClient
from .driver import MemoryDriver

__all__ = ["MemoryClient", "MemoryDriver"]
