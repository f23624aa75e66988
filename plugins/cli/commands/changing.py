"""The options of every command that changes something by an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..command import tried

F = TypeVar("F", bound=Callable[..., Any])


def changing(function: F) -> F:
    """`--wait`, `--timeout`, `--dry-run` and `--key`."""
    for option in (
        click.option("--key", help="An idempotency key: the same request with it is done once."),
        click.option("--dry-run", is_flag=True, callback=tried, help="Show what would be done, and change nothing."),
        click.option("--timeout", type=float, default=600.0, show_default=True, help="How long to wait, in seconds."),
        click.option("--wait", is_flag=True, help="Wait until it is done, and show how it goes."),
    ):
        function = option(function)
    return function
