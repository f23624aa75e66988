"""What configures a back end, a system or an extension on the command line: settings, and secrets beside it."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from .command import pairs


def given_settings(words: tuple[str, ...]) -> dict[str, Any]:
    """`KEY=VALUE`, the value as JSON if it is JSON, else as text."""
    found: dict[str, Any] = {}
    for name, text in pairs(words).items():
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def given_secrets(names: tuple[str, ...]) -> dict[str, str]:
    """Each secret is asked for, or read a line each where nobody can be asked; never given on the command line."""
    if sys.stdin.isatty():
        return {name: click.prompt(name, hide_input=True) for name in names}
    return {name: sys.stdin.readline().rstrip("\n") for name in names}
