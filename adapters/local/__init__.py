"""Adapter `local`: the engine in this process."""

from .adapter import LocalAdapter

__all__ = ["LocalAdapter"]
