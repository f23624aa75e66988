"""The composition root: the one place that knows every part, and what the command line calls to run them.

Nothing of the server is imported before one of these functions is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..configuration import load
from ..settings import Configuration

if TYPE_CHECKING:
    from .rotating import KeyUse, Rotation

__all__ = ["data_path_stop", "database_upgrade", "key_list", "key_rotate", "run", "serve"]


def run(config: str | Path | None = None) -> int:
    """`isthmus serve`: read the configuration and serve; returns the exit code. Raises as `load` and `serve` do."""
    return serve(load(config))


def serve(configuration: Configuration) -> int:
    """Run the server in this process until SIGTERM or SIGINT; returns the exit code.

    Raises `Conflict` when another server works on the state folder, `Misconfigured` when the port cannot be had. What
    a worker finds wrong afterwards is logged, and the exit code is 1; while the database does not answer, it is tried
    again and again. To be called from the main thread of a process that has no other threads.
    """
    from .entry import compose
    from .serving import serve as run

    return run(configuration, compose)


def data_path_stop(configuration: Configuration) -> Sequence[str]:
    """`isthmus data-path stop`: end the daemons of this node; returns their names.

    Raises `Conflict` while a server runs, `Unavailable` when a daemon cannot be ended.
    """
    from .datapath import stop

    return stop(configuration)


def database_upgrade(configuration: Configuration) -> bool:
    """`isthmus db upgrade`: bring the tables to this release; returns whether anything was done.

    Raises `Conflict` while a server runs or unfinished operations forbid it, `Misconfigured`, `Unavailable`.
    """
    from .upgrading import upgrade

    return upgrade(configuration)


def key_rotate(configuration: Configuration) -> Rotation:
    """`isthmus key rotate`: a new root key, and every sealed value of the database under it.

    Raises `Conflict` while a server works on the database, `NotOffered` when the key source cannot make a key and has
    no newer one, `Misconfigured`, `Unavailable`.
    """
    from .rotating import rotate

    return rotate(configuration)


def key_list(configuration: Configuration) -> Sequence[KeyUse]:
    """`isthmus key list`: the root keys, the newest first, and how many values each has sealed.

    Raises `Misconfigured`, `Unavailable`.
    """
    from .rotating import uses

    return uses(configuration)
