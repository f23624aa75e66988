"""What the server's processes are made of, imported in them alone."""

from __future__ import annotations

from ..contract import StopSignal
from ..settings import Configuration
from .worker import Served


def prepare(configuration: Configuration) -> None:
    """Make an installation out of nothing."""
    from .preparation import make_ready

    make_ready(configuration).database.close()


def compose(configuration: Configuration, stopping: StopSignal) -> Served:
    """Everything that a worker serves."""
    from .composition import Composition

    return Composition(configuration, stopping)
