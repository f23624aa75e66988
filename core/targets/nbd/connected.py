"""Whether a host is connected to a port of this node, as the kernel's table of TCP connections tells."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_ESTABLISHED = "01"


def connected(port: int) -> bool:
    """Whether a connection to the local TCP port `port` is established."""
    wanted = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        with suppress(FileNotFoundError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(wanted) and fields[3] == _ESTABLISHED:
                    return True
    return False
