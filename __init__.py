"""Isthmus: one storage control plane that every platform plugs into."""

__version__ = "0.1.0"
