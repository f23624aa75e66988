"""A server, a simulated vCenter and its client by hand: `python -m tests.browser [--port N]`. Ends with Ctrl-C."""

from __future__ import annotations

import argparse
import signal
from contextlib import suppress

from .people import ADMINISTRATOR, ANNA, BERND, CLARA, DORA
from .site import missing, site

_WHO = ((ANNA, "may do everything with storage"), (BERND, "may look"), (CLARA, "none of our rights"),
        (DORA, "may administer the storage systems"), (ADMINISTRATOR, "administrator of the vCenter"))  # fmt: skip


def main() -> None:
    """Start all, say where, and wait."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the client; 0: any that is free")
    given = parser.parse_args()
    if reason := missing():
        raise SystemExit(reason)
    # From the beginning: whatever was started by then ends as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), site(port=given.port) as made:
        server = made.isthmus.server
        print(f"client   {made.shell.address}  (its certificate is its own: the browser asks once)")
        for user, what in _WHO:
            print(f"         {user.name:28} {user.password}   {what}")
        print(f"vCenter  {made.vc.url}  guid {made.vc.guid}")
        print(f"Isthmus  {server.address}  CA {server.ca}  token in {server.state / 'admin.token'}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
