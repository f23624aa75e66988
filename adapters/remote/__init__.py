"""Adapter `remote`: an Isthmus elsewhere, over its REST API."""

from .adapter import RemoteAdapter
from .client import Client
from .system import RemoteSystem

__all__ = ["Client", "RemoteAdapter", "RemoteSystem"]
