"""The composition root: the one place that knows every part, and what the command line calls to run them.

Nothing of the server is imported before one of these functions is called.
"""

from __future__ import annotations

from ..settings import Configuration

__all__ = ["serve"]


def serve(configuration: Configuration) -> int:
    """Run the server in this process until SIGTERM or SIGINT; returns the exit code.

    Raises `Conflict` when another server works on the state folder, `Misconfigured` when something must be set
    right first, `Unavailable` when the database does not answer on the first start.
    """
    from .entry import compose, prepare
    from .serving import serve as run

    return run(configuration, compose=compose, prepare=prepare)
