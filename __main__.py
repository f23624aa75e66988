"""`python -m isthmus` is the command line, for where the `isthmus` script is not on the path."""

from __future__ import annotations

import sys
from importlib import import_module, util


def main() -> int:
    """Run the command line and return its exit code.

    A broken installation (the package `isthmus.plugins.cli` is not there) is answered with exit code 1 and a
    sentence that says how to mend it.
    """
    if util.find_spec("isthmus.plugins.cli") is None or util.find_spec("isthmus.plugins.cli.main") is None:
        print(
            "isthmus: the command line (isthmus.plugins.cli) is not part of this installation. "
            "Install Isthmus again, or run `pip install -e .` in a complete checkout.",
            file=sys.stderr,
        )
        return 1
    return int(import_module("isthmus.plugins.cli.main").main() or 0)


if __name__ == "__main__":
    sys.exit(main())
