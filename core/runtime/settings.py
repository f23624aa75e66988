"""What an engine needs to start; everything else is in the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..duties.retention import Kept


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`state` is the node's private folder, `runtime` one for sockets (short path). Times are in seconds.

    `address` is where hosts reach this node. `lease`, `heartbeat` and `sweep` pace the journal; `backlog` bounds the
    operations accepted and not yet ended; `streams` caps open event streams; `measure` is how often pools are
    measured, `sample` how often attached volumes are for their history (0: never). `kept` says how long what is over is
    kept. `daemon_user` is the account of the data path's daemons, None for the best this machine allows.
    """

    database: str
    state: Path
    runtime: Path
    node: str = "node1"
    address: str = "127.0.0.1"
    threads: int = 8
    lease: float = 10.0
    heartbeat: float = 3.0
    sweep: float = 2.0
    backlog: int = 500
    streams: int = 52
    measure: float = 60.0
    sample: float = 60.0
    watch: float = 5.0
    driver_timeout: float = 30.0
    lock_timeout: float = 20.0
    daemon_user: str | None = None
    dispatcher: str = "local"
    kept: Kept = field(default_factory=Kept)
