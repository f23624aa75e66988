"""The command line, as the script `isthmus` and as `python -m isthmus`."""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> int:
    """Run the command line and return its exit code.

    Where something it needs is not installed (the base install carries neither `click` nor the server), it
    returns 1 after a sentence that names what is missing and how to get it.
    """
    try:
        command = import_module("isthmus.plugins.cli.main").main
    except ModuleNotFoundError as missing:
        print(
            f"isthmus: {missing.name} is not installed, and the command line needs it.\n"
            "         Install it with: pip install 'isthmus[cli]' (a server: 'isthmus[server]').",
            file=sys.stderr,
        )
        return 1
    return int(command() or 0)


if __name__ == "__main__":
    sys.exit(main())
