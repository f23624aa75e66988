"""A call that never comes back does not take its caller with it."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading

import pytest

from isthmus.core.drivers.wrappers import Bound, bounded
from isthmus.core.errors import Refused, Transient
from tests.contract.patience import eventually


class Hanging:
    """Publishes nothing: `withdraw` hangs until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.entered = 0

    def protocols(self) -> list[str]:
        return ["x"]

    def grant(self, export: object, grant: object) -> object:
        raise Refused("not today")

    def withdraw(self, export: object, attachment: str) -> None:
        self.entered += 1
        self.let_go.wait(30)

    def granted(self, export: object) -> object:
        raise TimeoutError("the driver's own")

    def resize(self, export: object, grow: object) -> object:
        return threading.current_thread().name


def test_results_and_errors_come_through() -> None:
    driver = bounded(Hanging(), 10, Bound())
    assert driver.protocols() == ["x"]
    with pytest.raises(Refused, match="not today"):
        driver.grant(None, None)
    with pytest.raises(TimeoutError, match="the driver's own"):
        driver.granted(None)


def test_a_hanging_call_is_left_behind_counted_and_forgotten_when_it_ends() -> None:
    inner, bound = Hanging(), Bound()
    driver, patient = bounded(inner, 0.02, bound), bounded(inner, 10, bound)
    with pytest.raises(Transient, match=r"withdraw did not end within 0\.02 s"):
        driver.withdraw(None, "a")
    assert bound.hung == 1
    assert patient.protocols() == ["x"]
    inner.let_go.set()
    eventually(lambda: bound.hung == 0, "the call that ended is forgotten")
    patient.withdraw(None, "a")


def test_no_call_is_begun_while_too_many_hang() -> None:
    inner, bound = Hanging(), Bound(most_hung=2)
    driver = bounded(inner, 0.02, bound)
    for _ in range(2):
        with pytest.raises(Transient):
            driver.withdraw(None, "a")
    with pytest.raises(Transient, match="2 calls hang"):
        driver.withdraw(None, "a")
    eventually(lambda: inner.entered == 2, "both were begun")
    inner.let_go.set()
    eventually(lambda: bound.hung == 0, "the calls that ended are forgotten")
    bounded(inner, 10, bound).withdraw(None, "a")
    assert inner.entered == 3


def test_threads_are_used_again() -> None:
    driver = bounded(Hanging(), 10, Bound())
    before = threading.active_count()
    for _ in range(20):
        driver.protocols()
    assert threading.active_count() <= before + 1


def test_what_the_caller_set_is_seen_inside() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")

    class Looking(Hanging):
        def protocols(self) -> list[str]:
            return [variable.get()]

    driver = bounded(Looking(), 10, Bound())
    variable.set("seen")
    assert driver.protocols() == ["seen"]


def test_a_hanging_call_does_not_keep_the_process_alive() -> None:
    program = (
        "import time\n"
        "from isthmus.core.drivers.wrappers import Bound\n"
        "try: Bound().call('forever', lambda: time.sleep(600), 0.01)\n"
        "except Exception as error: print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "forever did not end" in ended.stdout
