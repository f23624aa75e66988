"""Kills a process in the middle of a call, at moments that are spread over it.

The call runs in a child process and the child kills itself (SIGKILL) when it is about to execute the n-th line of
the code under test; n is spread over all lines that the undisturbed call executes. Some more children are killed
from outside at moments spread over the call's duration, for what happens between two lines (in a system call, in a
daemon). What is handed to the child must pickle: classes of a module, and instances of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import FrameType
from typing import Any

_PROCESSES = multiprocessing.get_context("forkserver")
CHILD_SECONDS = 60.0


@dataclass(frozen=True)
class Call:
    """`opener()` gives a started object in the child; there its `method` is called.

    `folders` hold the code whose lines count.
    """

    opener: Callable[[], Any]
    method: str
    folders: Sequence[Path]


@dataclass(frozen=True)
class Outcome:
    lines: int
    seconds: float


def interrupted(call: Call, fresh: Callable[[], tuple[Any, ...]], lines: int = 12, timed: int = 3) -> Iterator[Any]:
    """Kill the call at `lines` + `timed` moments; yields the arguments of each call after its process has died.

    `fresh` prepares an object for one more call and gives the call's arguments.
    """
    whole = _complete(call, fresh())
    for number in _spread(whole.lines, lines):
        arguments = fresh()
        _run(call, arguments, die_at=number)
        yield arguments
    for part in range(timed):
        arguments = fresh()
        _run(call, arguments, die_after=whole.seconds * (part + 0.5) / timed)
        yield arguments


def _modules(opener: Callable[[], Any]) -> list[str]:
    parts: list[Any] = [opener]
    if isinstance(opener, partial):
        parts = [opener.func, *opener.args]
    return [type(getattr(part, "__self__", part)).__module__ for part in parts]


def _spread(last: int, count: int) -> list[int]:
    if last <= count:
        return list(range(1, last + 1))
    return sorted({1 + round(index * (last - 1) / (count - 1)) for index in range(count)})


def _complete(call: Call, arguments: tuple[Any, ...]) -> Outcome:
    outcome = _run(call, arguments)
    if outcome is None:
        raise AssertionError(f"the process of {call.method} died by itself")
    if not outcome.lines:
        raise AssertionError(f"{call.method} executes no line in {list(map(str, call.folders))}")
    return outcome


def _run(
    call: Call, arguments: tuple[Any, ...], die_at: int | None = None, die_after: float | None = None
) -> Outcome | None:
    """None when the process died by SIGKILL. An error of the call itself is raised as AssertionError."""
    # Imported once by the server of the forks, not by every child.
    _PROCESSES.set_forkserver_preload([__name__, *_modules(call.opener)])
    here, there = _PROCESSES.Pipe()
    child = _PROCESSES.Process(target=_child, args=(there, call, arguments, die_at), daemon=True)
    child.start()
    there.close()
    try:
        _hear(here)
        here.send("go")
        if die_after is not None:
            time.sleep(die_after)
            child.kill()
        child.join(CHILD_SECONDS)
        if child.is_alive():
            raise AssertionError(f"{call.method} did not end within {CHILD_SECONDS:g} s")
        if child.exitcode == -signal.SIGKILL:
            return None
        answer = _hear(here)
        assert isinstance(answer, Outcome)
        return answer
    finally:
        child.kill()
        child.join(CHILD_SECONDS)
        here.close()


def _hear(pipe: Pipe) -> Any:
    try:
        answer = pipe.recv()
    except EOFError:
        raise AssertionError("the child ended without a word") from None
    if isinstance(answer, str) and answer != "ready":
        raise AssertionError(f"the call failed in the child:\n{answer}")
    return answer


def _child(pipe: Pipe, call: Call, arguments: tuple[Any, ...], die_at: int | None) -> None:
    try:
        method = getattr(call.opener(), call.method)
        pipe.send("ready")
        pipe.recv()
        counter = _Counter([str(folder) + os.sep for folder in call.folders], die_at)
        began = time.perf_counter()
        counter.begin()
        try:
            method(*arguments)
        finally:
            counter.end()
        pipe.send(Outcome(counter.lines, time.perf_counter() - began))
    except BaseException:
        pipe.send(traceback.format_exc())
    finally:
        pipe.close()
        # What the opened object left behind (threads, descriptors) must not delay the end.
        os._exit(0)


class _Counter:
    """Counts the executed lines of the code in `folders`, in all threads; ends the process at line `die_at`."""

    def __init__(self, folders: Sequence[str], die_at: int | None) -> None:
        self._folders = tuple(folders)
        self._die_at = die_at
        self.lines = 0

    def begin(self) -> None:
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def end(self) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(self._folders) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line
