"""How often, how long and with what errors a driver is called."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ...errors import IsthmusError
from ...progress import Stopped
from .wrapper import Call, wrap

T = TypeVar("T")


class CallMetrics(Protocol):
    """Where measurements go. Called from many threads, after every call; it must be quick and never raise."""

    def observe(self, subject: str, method: str, seconds: float, outcome: str) -> None:
        """One call of `subject` (a back end or target).

        `outcome` is `ok`, an error's code, `stopped` when nobody wanted the result any more, or `bug` for any other.
        """


def measured(driver: T, metrics: CallMetrics, subject: str) -> T:
    """Report each call of `driver` under the name `subject`."""

    def around(call: Call, proceed: Callable[[], Any]) -> Any:
        began, outcome = time.perf_counter(), "ok"
        try:
            return proceed()
        except IsthmusError as error:
            outcome = error.code
            raise
        except Stopped:
            outcome = "stopped"
            raise
        except BaseException:
            outcome = "bug"
            raise
        finally:
            metrics.observe(subject, call.method, time.perf_counter() - began, outcome)

    return wrap(driver, around)
