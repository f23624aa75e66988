"""What a worker is made of, imported in it alone."""

from __future__ import annotations

from ..contract import StopSignal
from ..settings import Configuration
from .worker import Served


def compose(configuration: Configuration, stopping: StopSignal) -> Served:
    """Everything that a worker serves."""
    from .composition import Composition

    return Composition(configuration, stopping)
