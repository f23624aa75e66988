"""What hosts have read and written, from tgtd's statistics.

tgtd counts by session and forgets a session's count when it ends, and does not say when a session began. So what is
told is of the sessions that live now, and it is comparable as long as they are the same.
"""

from __future__ import annotations

import hashlib

from ...drivers.contract import Counters
from .layout import LUN
from .ledger import Ledger
from .server import Server
from .shown import ShownCount


def count(server: Server, ledger: Ledger, placement: str) -> Counters | None:
    """The sum over all targets of the placement; None when tgtd has none of them.

    Not under tgtd's lock: a measurement waits for no change of another target.
    """
    generation = server.generation()
    found: list[tuple[int, ShownCount]] = []
    published = False
    for entry in ledger.of_placement(placement):
        if not generation or entry.generation != generation:
            continue
        shown = server.tgt.counts(entry.tid)
        current = ledger.read(entry.name)
        # Its number may be another target's by now.
        if current is None or (current.tid, current.generation) != (entry.tid, generation):
            continue
        published = True
        found += [(entry.tid, one) for one in shown if one.lun == LUN]
    if not published:
        return None
    sessions = sorted((tid, one.sid) for tid, one in found)
    return Counters(
        read_operations=sum(one.read_commands for _, one in found),
        read_bytes=sum(one.read_bytes for _, one in found),
        written_operations=sum(one.written_commands for _, one in found),
        written_bytes=sum(one.written_bytes for _, one in found),
        series=hashlib.sha256(f"{placement} {generation} {sessions}".encode()).hexdigest()[:16],
    )
