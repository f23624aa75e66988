"""Values that do not stand on the command line: secrets, and the texts of files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


def secret_options(name: str, schema: Mapping[str, Any], *, asked: bool) -> list[click.Parameter]:
    """How a secret is given: from a file, or asked for. One that is needed (`asked`) is asked for anyway."""
    word = name.lower().replace("_", "-")
    help = str(schema.get("description", ""))
    options: list[click.Parameter] = [
        click.Option([f"--{word}-file", _file(name)], type=click.Path(), metavar="FILE", help=f"{help} Its first line.")
    ]
    if not asked:
        options.append(click.Option([f"--{word}", _flag(name)], is_flag=True, help=f"{help} Asked for."))
    return options


def secret_value(name: str, given: Mapping[str, Any], *, asked: bool) -> str | None:
    """The secret, from its file, from the terminal, or, where nobody can be asked, one line of standard input."""
    if given[_file(name)] is not None:
        return text_of(given[_file(name)]).partition("\n")[0]
    if not asked and not given[_flag(name)]:
        return None
    if sys.stdin.isatty():
        return str(click.prompt(name.replace("_", " ").capitalize(), hide_input=True))
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise click.UsageError(f"{name} was not given: write it to standard input, or name a file.")
    return line


def text_of(path: str) -> str:
    """What a text file holds."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path} cannot be read") from error


def _word(name: str) -> str:
    return name.lower().replace("-", "_")


def _file(name: str) -> str:
    return f"{_word(name)}__file"


def _flag(name: str) -> str:
    return f"{_word(name)}__asked"
