"""`isthmus data-path stop`: ends the daemons that serve volumes to hosts, which a stopping server leaves alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...core.datapath.daemon import Daemons
from ...core.errors import Conflict, IsthmusError
from ..settings import Configuration
from .lock import StateLock

_log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
_OF_A_DAEMON = {"pid", "started", "boot", "argv", "unit"}


def stop(configuration: Configuration) -> Sequence[str]:
    """End every daemon of this node; returns their names. Hosts lose their volumes until a server starts again.

    Raises `Conflict` while a server runs, since it would start them again, and `Unavailable` when one of them cannot be
    ended; the others are ended nevertheless. Needs neither the database nor a key.
    """
    lock = StateLock(configuration.state)
    holder = lock.holder()
    if holder is not None:
        raise Conflict(
            f"The server (process {holder}) is running and would start the daemons again.",
            next_step=f"Stop it first: `kill {holder}`.",
            pid=holder,
        )
    ended: list[str] = []
    failed: list[IsthmusError] = []
    # Targets before back ends: whatever exports an image lets go of it first.
    for part in ("targets", "backends"):
        for folder, name in _daemons(configuration.state / part):
            daemons = Daemons(folder, configuration.runtime)
            alive = daemons.find(name) is not None
            try:
                daemons.end(name, grace=GRACE_SECONDS)
            except IsthmusError as error:
                _log.error("%s: %s", name, error)
                failed.append(error)
                continue
            if alive:
                ended.append(f"{folder.relative_to(configuration.state)}/{name}")
    if failed:
        raise failed[0]
    return ended


def _daemons(root: Path) -> Iterator[tuple[Path, str]]:
    """The folder and name of each daemon that was started below `root`."""
    for path in sorted(root.rglob("*.json")):
        try:
            document = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(document, dict) and document.keys() >= _OF_A_DAEMON:
            yield path.parent, path.stem
