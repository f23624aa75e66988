"""An engine dies at one point of one flow, another opens the same store and back end, and everything must be in order.

`python -m tests.chaos.breadth [--twice N] [--database URL]` runs every case on SQLite in memory-backed storage, or on
the database named, and prints how many there were.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.crashes import Crash, Failure
from tests.chaos.laboratory import Case, Laboratory
from tests.chaos.scenarios import SCENARIOS, Scenario

FAST = Path("/dev/shm")


def run(scenario: Scenario, url: str, folder: Path, *, twice: int, seed: int = 1, every: int = 1) -> int:
    """Run every case of a scenario, and `twice` random ones with several deaths; returns their number.

    Of the deaths on the way back only every `every`th is run.
    """
    laboratory, count = Laboratory(url, folder, scenario), 0
    quiet = threading.excepthook
    threading.excepthook = _quietly
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        for case in _cases(laboratory, twice=twice, seed=seed, every=every):
            laboratory.run(case)
            count += 1
        return count + laboratory.looks
    finally:
        laboratory.close()
        threading.excepthook = quiet
        logging.disable(disabled)


def _cases(laboratory: Laboratory, *, twice: int, seed: int, every: int) -> Iterator[Case]:
    """Each point once; each driver call that goes wrong, in each way; a cancel at each point; deaths on the way back
    from those; and deaths of the engines that take over."""
    chooser, scenario = random.Random(seed), laboratory.scenario
    plain = laboratory.look(Case(scenario))
    turns = [
        Case(scenario, fails_at=call, failure=failure) for call in range(1, plain.calls + 1) for failure in Failure
    ]
    turns += [Case(scenario, cancels_at=point) for point in range(1, plain.points + 1)]
    for point in range(1, plain.points + 1):
        yield Case(scenario, (point,))
    for turn in turns:
        way_back = list(laboratory.look(turn).way_back())
        for point in way_back[chooser.randrange(every) :: every]:
            yield Case(scenario, (point,), turn.fails_at, turn.failure, turn.cancels_at)
    for _ in range(twice):
        deaths = tuple(chooser.randint(1, plain.points) for _ in range(chooser.randint(2, 3)))
        turn = chooser.choice([Case(scenario), *turns])
        yield Case(scenario, deaths, turn.fails_at, turn.failure, turn.cancels_at)


def _quietly(died: threading.ExceptHookArgs) -> None:
    """Threads that die as they were told to need no stack trace."""
    if not issubclass(died.exc_type, Crash):
        sys.__excepthook__(died.exc_type, died.exc_value or died.exc_type(), died.exc_traceback)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twice", type=int, default=20, help="random cases with several deaths, per flow")
    parser.add_argument("--database", default="sqlite", help="`sqlite` or the URL of an empty database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flow", choices=[scenario.name for scenario in SCENARIOS], help="this one only")
    given = parser.parse_args()
    total, begun = 0, time.monotonic()
    for scenario in SCENARIOS:
        if given.flow not in (None, scenario.name):
            continue
        with tempfile.TemporaryDirectory(prefix="isthmus-chaos-", dir=FAST if FAST.is_dir() else None) as folder:
            since = time.monotonic()
            count = run(scenario, given.database, Path(folder), twice=given.twice, seed=given.seed)
            print(f"{scenario.name}: {count} cases in {time.monotonic() - since:.0f} s", flush=True)
            total += count
    print(f"{total} cases in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
