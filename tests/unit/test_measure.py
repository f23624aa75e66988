"""What the benchmarks rely on: CPU time is found wherever the work was done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.measure import ProcessTree, Section, cpu_seconds, percentile, report, resident_bytes

BURN = "import time\nwhile time.process_time() < 0.4: pass\n"


def test_time_of_a_child_that_was_waited_for_is_counted() -> None:
    with ProcessTree(os.getpid(), interval=0.02) as tree:
        subprocess.run([sys.executable, "-c", BURN], check=True)
    assert tree.cpu >= 0.35
    assert tree.wall > 0


@pytest.mark.slow
def test_time_of_a_daemon_that_left_its_parent_is_counted() -> None:
    # It lives on for a while, so that it is looked at once more after its work.
    burn = BURN + "time.sleep(1)\n"
    daemon = f"import os\nif os.fork() == 0:\n os.setsid()\n {burn.replace(chr(10), chr(10) + ' ')}"
    # Reading the pipe to its end waits for the daemon, though its parent ends at once.
    middle = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {daemon!r}], stdout=subprocess.PIPE)\n"
    with ProcessTree(os.getpid(), interval=0.02) as tree:
        subprocess.run([sys.executable, "-c", middle], check=True)
    # It burns 0.3 s, and the kernel counts in hundredths.
    assert tree.cpu >= 0.2


def test_an_excluded_process_is_left_out() -> None:
    child = subprocess.Popen([sys.executable, "-c", BURN])
    with Section() as own, ProcessTree(os.getpid(), interval=0.02, exclude=[child.pid]) as tree:
        while _state(child.pid) not in "Z":
            time.sleep(0.01)
    child.wait()
    # Looking costs this process something too, the more the slower the machine.
    assert tree.cpu - own.cpu < 0.3


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_a_single_reading_grows_with_the_work_of_a_living_child() -> None:
    child = subprocess.Popen([sys.executable, "-c", BURN + "input()"], stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while cpu_seconds(child.pid) < 0.35:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert resident_bytes(child.pid) > 1 << 20
    finally:
        child.communicate()
    assert cpu_seconds(child.pid) == 0


def test_a_section_measures_this_process() -> None:
    with Section() as section:
        while time.process_time() - section._cpu < 0.05:
            pass
    assert section.cpu >= 0.05
    assert section.wall >= 0.05


def test_percentiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, at) for at in (0, 50, 95, 100)] == [1.0, 3.0, 5.0, 5.0]
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_report_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    report("sample", cpu_ms=1.23456, count=3, where="disk")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"benchmark": "sample", "cpu_ms": 1.235, "count": 3, "where": "disk"}


@pytest.mark.parametrize("benchmark", ["create_volume", "attach", "list_volumes", "startup"])
def test_what_differs_between_disk_and_memory_is_measured_on_both(benchmark: str) -> None:
    command = [sys.executable, "-m", f"tests.benchmarks.{benchmark}", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "--disk" in shown.stdout.partition("options:")[2]
