"""A client that stands in for the vSphere Client and shows what a registered remote plug-in brings."""

from .shell import Shell

__all__ = ["Shell"]
