"""Feeds inventories: one thread for each vCenter that somebody asked about, in each process that asks.

This is no duty: a duty is held by one process, and each process answers from its own memory.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ....core.errors import IsthmusError, NotFound
from ..vcenters.reach import Reach, Reaches
from .inventory import Inventory

if TYPE_CHECKING:
    from .collector import Collector

WAIT_SECONDS = 30
"""How long one call waits for changes; what changes meanwhile comes at once."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
IDLE_SECONDS = 600.0
"""So long an inventory is fed that nobody asks for; whoever asks later begins anew."""
_CALL_SECONDS = 15.0
_CANCEL_SECONDS = 0.5
_CANCELS = 100

_log = logging.getLogger(__name__)


class Watch:
    """Keeps the inventory of one vCenter true until `stop`, through lost sessions and dead vCenters; or until nobody
    asked for it for `idle` seconds and nobody listens."""

    def __init__(
        self,
        guid: str,
        reaches: Reaches,
        *,
        idle: float = IDLE_SECONDS,
        wait: int = WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guid, self._reaches, self._idle, self._wait, self._clock = guid, reaches, idle, wait, clock
        self._lock = threading.Lock()
        self._used = clock()
        self._left = False
        self.name = reaches.get(guid).vcenter.name
        self.inventory = Inventory(self.name)
        self._stopping = threading.Event()
        self._collector: Collector | None = None
        self._thread = threading.Thread(target=self._run, name=f"vcenter-watch-{guid}", daemon=True)
        self._thread.start()

    def use(self) -> bool:
        """Somebody asks for the inventory; False when nothing feeds it any more."""
        with self._lock:
            self._used = self._clock()
            return self.running

    @property
    def running(self) -> bool:
        """Whether it is still to be fed."""
        return not self._left and self._thread.is_alive()

    def stop(self) -> None:
        """End it; returns at once."""
        self._stopping.set()
        threading.Thread(target=self._cancel, name="vcenter-watch-end", daemon=True).start()

    def join(self, seconds: float) -> bool:
        """Wait for its end; returns whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set() and not self._leave():
            begun = self._clock()
            try:
                reach = self._registered()
                if reach is None:
                    self.inventory.interrupted("Isthmus is not registered with it any more.")
                    return
                self._feed(reach)
            except IsthmusError as error:
                if self._stopping.is_set():
                    return
                self.inventory.interrupted(error.message)
                _log.warning("the inventory of vCenter %s is not fed: %s", self._guid, error)
            except Exception as error:
                # Whatever a vCenter answers, the thread goes on: without it the inventory would be old for good.
                self.inventory.interrupted(f"{type(error).__name__}")
                _log.exception("the inventory of vCenter %s is not fed", self._guid)
            # Whoever was fed for long does not wait long when it breaks off.
            pause = FIRST_PAUSE if self._clock() - begun > LONGEST_PAUSE else min(LONGEST_PAUSE, pause * 2)
            self._stopping.wait(pause)

    def _leave(self) -> bool:
        """Whether nobody needs it; decided once, so that who asks a moment later begins anew."""
        with self._lock:
            idle = self._clock() - self._used >= self._idle
            self._left = self._left or (idle and not self.inventory.listened)
        if self._left:
            self.inventory.interrupted("Nobody asked for it for a while.")
        return self._left

    def _registered(self) -> Reach | None:
        """The vCenter as it is known now; None when it was unregistered, here or by another process."""
        try:
            return self._reaches.get(self._guid)
        except NotFound:
            return None

    def _feed(self, reach: Reach) -> None:
        from .collector import Collector

        connection, _ = reach.account.begin(seconds=self._wait + _CALL_SECONDS)
        try:
            self._collector = collector = Collector(connection)
            self.inventory.begin(collector.next(0))
            while not self._stopping.is_set() and not self._leave():
                changes = collector.next(self._wait)
                if changes:
                    self.inventory.apply(changes)
        finally:
            self._collector = None
            connection.logout()

    def _cancel(self) -> None:
        # Again and again: a wait that begins right after it was cancelled lasts its whole time.
        for _ in range(_CANCELS):
            collector = self._collector
            if collector is not None:
                with suppress(IsthmusError):
                    collector.cancel()
            if self.join(_CANCEL_SECONDS):
                return


class Watches:
    """The watches of this process, each begun when it is first asked for."""

    def __init__(self, reaches: Reaches) -> None:
        self._reaches = reaches
        self._lock = threading.Lock()
        self._known: dict[str, Watch] = {}
        self._closed = False

    def inventory(self, guid: str) -> Inventory:
        """The inventory of a vCenter, which may still be coming; raises `NotFound` for one that is not known."""
        with self._lock:
            watch = self._known.get(guid)
        if watch is None or not watch.use():
            self._reaches.get(guid)
            with self._lock:
                watch = self._known.get(guid)
                if watch is None or not watch.use():
                    watch = Watch(guid, self._reaches)
                if self._closed:
                    watch.stop()
                self._known[guid] = watch
        return watch.inventory

    def interrupted(self) -> Mapping[str, str]:
        """Why what is known of vCenters may be old, by their names: of those that are watched and do not answer."""
        with self._lock:
            known = list(self._known.values())
        return {each.name: each.inventory.reason for each in known if each.running and each.inventory.reason}

    def drop(self, guid: str) -> None:
        """The vCenter is forgotten, or reached in another way: the next to ask begins anew."""
        with self._lock:
            watch = self._known.pop(guid, None)
        if watch is not None:
            watch.stop()

    def close(self) -> None:
        """End all; returns at once."""
        with self._lock:
            self._closed = True
            known = list(self._known.values())
        for each in known:
            each.stop()
