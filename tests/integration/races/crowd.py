"""Many clients that begin at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from isthmus.adapters.contract import Storage
from isthmus.adapters.local.adapter import LocalAdapter
from isthmus.core.context import Context, new_request_id
from isthmus.core.engine.engine import Engine
from isthmus.core.errors import IsthmusError
from isthmus.core.model.request import BackendRequest, ProfileRequest
from tests.environment.engine import MEMORY_PROFILE, SHARED_PROFILE, NoExtensions

T = TypeVar("T")
_PATIENCE = 120.0


def furnish(engine: Engine, context: Context, *, pools: int = 2, total: int = 1 << 40, **settings: Any) -> None:
    """A memory back end, and the profiles `memory` and `shared`."""
    described = [{"name": f"pool{number}", "total": total} for number in range(pools)]
    given = {"pools": described, **settings}
    engine.backends.add(context, BackendRequest("array", "memory", settings=given))
    engine.profiles.create(context, ProfileRequest("memory", MEMORY_PROFILE))
    engine.profiles.create(context, ProfileRequest("shared", SHARED_PROFILE))


def storage(engine: Engine, context: Context) -> tuple[Storage, str]:
    """The engine as one client reaches it, and that client's request id."""
    request = new_request_id()
    return LocalAdapter(engine, NoExtensions()).storage(replace(context, request_id=request)), request


def all_at_once(count: int, work: Callable[[int], T]) -> tuple[list[T], list[IsthmusError]]:
    """Run `work` in `count` threads; what they returned and what they were refused. Anything else is raised."""
    start = threading.Barrier(count)
    results: list[T] = []
    refused: list[IsthmusError] = []
    broken: list[BaseException] = []

    def run(number: int) -> None:
        start.wait()
        try:
            results.append(work(number))
        except IsthmusError as error:
            refused.append(error)
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE)
        assert not thread.is_alive(), "a client hangs"
    if broken:
        raise broken[0]
    return results, refused
