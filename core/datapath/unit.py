"""Daemons as transient systemd units, where systemd is the first process of this machine.

A unit of its own keeps the daemon out of the server's control group, so that stopping the server's unit leaves it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import Unavailable

SLICE = "isthmus-datapath.slice"
_SECONDS = 30.0


def systemd_runs() -> bool:
    """Whether we may make units: systemd is process 1 and this process is root."""
    try:
        first = Path("/proc/1/comm").read_text().strip()
    except OSError:
        return False
    return first == "systemd" and Path("/run/systemd/system").is_dir() and os.geteuid() == 0


def command(
    unit: str, argv: Sequence[str], *, user: tuple[int, int] | None, environment: Mapping[str, str], log: Path
) -> list[str]:
    """The command that starts `argv` as the transient unit `unit`."""
    properties = [
        "Type=exec",
        "KillMode=mixed",
        "WorkingDirectory=/",
        "UMask=0077",
        "LimitNOFILE=65536",
        "TasksMax=infinity",
        f"StandardOutput=append:{log}",
        f"StandardError=append:{log}",
    ]
    if user is not None:
        properties += [f"User={user[0]}", f"Group={user[1]}"]
    made = ["systemd-run", f"--unit={unit}", f"--slice={SLICE}", "--collect", "--quiet", "--no-ask-password"]
    made += [f"--property={entry}" for entry in properties]
    made += [f"--setenv={name}={value}" for name, value in environment.items()]
    # systemd replaces $NAME in arguments by the unit's variables.
    return [*made, "--", *(argument.replace("$", "$$") for argument in argv)]


def start(
    unit: str, argv: Sequence[str], *, user: tuple[int, int] | None, environment: Mapping[str, str], log: Path
) -> int:
    """Start the unit and return its main process. Raises `Unavailable` with systemd's reason."""
    # A unit of this name that has not been collected yet would make systemd-run refuse.
    for verb in ("stop", "reset-failed"):
        subprocess.run(["systemctl", verb, unit], capture_output=True, timeout=_SECONDS, check=False)
    made = subprocess.run(
        command(unit, argv, user=user, environment=environment, log=log),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if made.returncode != 0:
        raise Unavailable(f"systemd did not start {Path(argv[0]).name}: {made.stderr.strip() or made.returncode}")
    pid = main_process(unit)
    if pid is None:
        raise Unavailable(f"{Path(argv[0]).name} ended at once; its unit was {unit}.")
    return pid


def main_process(unit: str) -> int | None:
    """The main process of a unit; None when it does not run."""
    shown = subprocess.run(
        ["systemctl", "show", "--property=MainPID", "--value", unit],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    text = shown.stdout.strip()
    return int(text) if text.isdigit() and text != "0" else None
