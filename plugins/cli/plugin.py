"""The command line as a plugin: the server has nothing to do for it, and the plugin manager can tell of it."""

from __future__ import annotations

from typing import ClassVar

from ...plugin_manager.base import Base


class CliPlugin(Base):
    """`isthmus`, the command. It runs as a process of its own and speaks to the server over the remote adapter."""

    name: ClassVar[str] = "cli"
    contract_version: ClassVar[int] = 1
