"""A program may take as long as it likes while it gets further."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from isthmus.core.datapath.process import started_at
from isthmus.core.drivers.file.command import run
from isthmus.core.errors import Transient
from isthmus.core.progress import heard

WRITES = """
import sys, time
with open("made", "wb", buffering=0) as made:
    for number in range(120):
        made.write(b"x" * 4096)
        time.sleep(0.03)
print("done", file=sys.stderr)
sys.exit(3)
"""
SPEAKS = """
import os, time
for percent in ("0.00", "12.50", "100.00"):
    os.write(1, f"    ({percent}/100%)\\r".encode())
    time.sleep(0.6)
"""
STANDS = """
import os, time
open("pid", "w").write(str(os.getpid()))
time.sleep(60)
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@pytest.mark.slow
def test_one_that_goes_on_writing_is_let_go_on_and_heard_to_its_end(tmp_path: Path) -> None:
    assert run(python(WRITES), tmp_path, 1.5) == (3, "done\n")
    assert (tmp_path / "made").stat().st_size == 120 * 4096


@pytest.mark.slow
def test_how_far_it_says_that_it_is_is_reported(tmp_path: Path) -> None:
    told: list[float] = []
    with heard(told.append):
        assert run(python(SPEAKS), tmp_path, 20.0) == (0, "")
    assert told == sorted(told) and {0.125, 1.0} <= set(told)


@pytest.mark.slow
def test_one_that_stands_still_is_killed(tmp_path: Path) -> None:
    with pytest.raises(Transient, match="went no further for 2 s"):
        run(python(STANDS), tmp_path, 2.0)
    assert started_at(int((tmp_path / "pid").read_text())) is None
