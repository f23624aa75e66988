"""A plugin for servers under test: an operation stops in a chosen step, so that the server can be killed there.

The server's working folder holds a file `pause` with a line `KIND STEP PHASE`, where PHASE is `do` or `undo`; when that
step's work is done, and its locks are still held, the file is renamed to `paused` and the thread never goes on. A
second line `KIND STEP` names a step that fails instead of doing anything.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from isthmus.core.errors import Failed
from isthmus.core.journal.registry import Flows
from isthmus.core.journal.step import Flow, Outcome, Run
from isthmus.core.runtime.parts import Parts
from isthmus.plugin_manager.base import Base

_WHERE = Path.cwd()
_current = threading.local()


class Pausing(Base):
    """Does nothing by itself; its module is what works."""

    name: ClassVar[str] = "pausing"
    contract_version: ClassVar[int] = 1


def _asked() -> Sequence[str]:
    try:
        return (_WHERE / "pause").read_text().splitlines()
    except FileNotFoundError:
        return ()


def _pause() -> None:
    step = getattr(_current, "step", None)
    if step is not None and step in _asked():
        (_WHERE / "pause").rename(_WHERE / "paused")
        while True:
            time.sleep(3600)


def _around(kind: str, name: str, phase: str, work: Callable[[Run], Outcome] | None) -> Any:
    if work is None:
        return None

    def paused(run: Run) -> Outcome:
        if phase == "do" and f"{kind} {name}" in _asked():
            raise Failed("The step was told to fail.")
        _current.step = f"{kind} {name} {phase}"
        try:
            outcome = work(run)
            _pause()
            return outcome
        finally:
            _current.step = None

    return paused


_register, _holding = Flows.register, Parts.holding


def _registered(self: Flows, flow: Flow) -> None:
    steps = tuple(
        replace(
            step,
            do=_around(flow.kind, step.name, "do", step.do),
            undo=_around(flow.kind, step.name, "undo", step.undo),
        )
        for step in flow.steps
    )
    _register(self, replace(flow, steps=steps))


@contextlib.contextmanager
def _held(self: Parts, *objects: str) -> Iterator[None]:
    with _holding(self, *objects):
        yield
        _pause()


Flows.register = _registered  # type: ignore[method-assign]
Parts.holding = _held  # type: ignore[method-assign]
