"""Streams of events to many listeners, fed by one reader a process."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice

from ..errors import Gone, IsthmusError, Overloaded, Unavailable
from ..model.event import Event
from ..store.database import Database
from .frame import HEARTBEAT, Render, server_sent
from .numberer import last_number
from .reader import after as read_after
from .reader import check_start

log = logging.getLogger(__name__)

ROUND_SECONDS = 0.2
IDLE_SECONDS = 0.5
HEARTBEAT_SECONDS = 10.0
LONGEST_SECONDS = 3600.0
KEPT_IN_MEMORY = 2000
AT_ONCE = 200
RETRY_AFTER = 10


class _Published:
    """An event and the forms in which it has been written, each made once for all listeners."""

    __slots__ = ("_forms", "event", "number")
    _writing = threading.Lock()

    def __init__(self, event: Event) -> None:
        self.event = event
        self.number = event.number or 0
        self._forms: dict[Render, bytes] = {}

    def form(self, render: Render) -> bytes:
        made = self._forms.get(render)
        if made is None:
            with self._writing:
                made = self._forms.get(render)
                if made is None:
                    made = self._forms[render] = render(self.event)
        return made


class EventStream:
    """Reads new events once and lets every `Subscription` of the process have them.

    `most` is the number of subscriptions at a time (half of the server's blocking threads). The reader runs while
    somebody listens; it looks at most five times a second, so a burst of events wakes a listener five times a
    second and not once an event.
    """

    def __init__(
        self,
        database: Database,
        *,
        most: int,
        heartbeat: float = HEARTBEAT_SECONDS,
        longest: float = LONGEST_SECONDS,
        kept: int = KEPT_IN_MEMORY,
    ) -> None:
        self._database = database
        self._most = most
        self._heartbeat = heartbeat
        self._longest = longest
        self._changed = threading.Condition()
        self._soon = threading.Event()
        self._recent: deque[_Published] = deque(maxlen=kept)
        self._position = 0
        self._listeners = 0
        self._reader: threading.Thread | None = None
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many subscriptions are open."""
        return self._listeners

    def subscribe(
        self, after: int | None = None, *, tenant: str | None = None, render: Render = server_sent
    ) -> Subscription:
        """Follow the events after number `after` (None: from now on), with `tenant` only that tenant's.

        `render` writes an event as bytes; pass the same function each time, since its results are shared.
        Raises `Gone` when events after that number are no longer kept, `Overloaded` when too many listen.
        """
        with self._changed:
            if self._closed:
                raise Overloaded("The server is stopping.", retry_after=RETRY_AFTER)
            if self._listeners >= self._most:
                raise Overloaded(
                    f"{self._most} event streams are open, and no more are allowed.",
                    next_step="Try again later, or read events page by page.",
                    retry_after=RETRY_AFTER,
                )
            self._listeners += 1
        try:
            with self._database.read() as tx:
                last = last_number(tx)
                if after is not None:
                    check_start(tx, after)
            self._start_reader(last)
        except BaseException:
            self._leave()
            raise
        return Subscription(self, last if after is None else after, tenant, render)

    def wake(self) -> None:
        """There may be new events: look soon. Cheap."""
        self._soon.set()

    def close(self) -> None:
        """End all subscriptions at once and refuse new ones. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            reader = self._reader
        self._soon.set()
        if reader is not None and reader is not threading.current_thread():
            reader.join(timeout=5)

    def _leave(self) -> None:
        with self._changed:
            self._listeners -= 1

    def _start_reader(self, position: int) -> None:
        with self._changed:
            if self._reader is None and not self._closed:
                self._restart_at(position)
                self._reader = threading.Thread(target=self._read, name="events", daemon=True)
                self._reader.start()

    def _restart_at(self, position: int) -> None:
        self._position = position
        self._recent.clear()

    def _read(self) -> None:
        """The reader: goes on while somebody listens."""
        while True:
            begun = time.monotonic()
            self._soon.clear()
            with self._changed:
                if self._closed or self._listeners == 0:
                    self._reader = None
                    return
            try:
                found = self._read_new()
            except Exception as error:  # the next round tries again, whatever it was
                log.warning("reading events failed: %s", error if isinstance(error, IsthmusError) else repr(error))
                found = False
            if not found:
                self._soon.wait(IDLE_SECONDS)
            pause = ROUND_SECONDS - (time.monotonic() - begun)
            if pause > 0 and not self._closed:
                time.sleep(pause)

    def _read_new(self) -> bool:
        found = False
        while True:
            position = self._position
            try:
                with self._database.read() as tx:
                    fresh = [_Published(event) for event in read_after(tx, position, AT_ONCE)]
            except Gone:
                self._skip_discarded()
                return True
            if fresh:
                found = True
                with self._changed:
                    self._recent.extend(fresh)
                    self._position = fresh[-1].number
            if len(fresh) < AT_ONCE:
                break
        if found:
            with self._changed:
                self._changed.notify_all()
        return found

    def _skip_discarded(self) -> None:
        """What comes next is no longer kept: go on from now, and let each listener find out by itself."""
        with self._database.read() as tx:
            last = last_number(tx)
        with self._changed:
            self._restart_at(last)
            self._changed.notify_all()

    def _take(self, position: int, until: float) -> list[_Published] | None:
        """The events after `position`, waiting for some until `until`; None when memory no longer has them all."""
        with self._changed:
            while not self._closed and position >= self._position:
                left = until - time.monotonic()
                if left <= 0:
                    return []
                self._changed.wait(left)
            if self._closed:
                return []
            recent = self._recent
            if not recent or recent[0].number > position + 1:
                return None
            start = position + 1 - recent[0].number
            return list(islice(recent, start, start + AT_ONCE))

    def _catch_up(self, position: int) -> list[_Published]:
        with self._database.read() as tx:
            return [_Published(event) for event in read_after(tx, position, AT_ONCE)]


class Subscription:
    """Yields bytes to send: events in the order of their numbers, none left out, and a heartbeat when there is none.

    Holds no events of its own: one that falls behind what is in memory reads them from the store again. Ends after
    an hour, when the stream is closed, when the store cannot be read, or when it fell behind what is kept; the
    client comes back with its last number and is told. `close` gives its place back, as do a `with` statement and
    the end of the iteration; a WSGI response is given the subscription itself, so that it is closed in any case.
    """

    def __init__(self, stream: EventStream, after: int, tenant: str | None, render: Render) -> None:
        self._stream = stream
        self._position = after
        self._tenant = tenant
        self._render = render
        self._ends = time.monotonic() + stream._longest
        self._open = True
        self._lock = threading.Lock()

    @property
    def position(self) -> int:
        """The number up to which events have been handed out or passed over as another tenant's."""
        return self._position

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield HEARTBEAT
            while self._open and not self._stream._closed:
                moment = time.monotonic()
                if moment >= self._ends:
                    return
                chunk = self._next(min(moment + self._stream._heartbeat, self._ends))
                if chunk:
                    yield chunk
                elif self._open and not self._stream._closed:
                    yield HEARTBEAT
        except (Gone, Unavailable) as error:
            log.info("an event stream ends at number %s: %s", self._position, error)
        finally:
            self.close()

    def close(self) -> None:
        """Stop listening; idempotent."""
        with self._lock:
            was_open, self._open = self._open, False
        if was_open:
            self._stream._leave()

    def _next(self, until: float) -> bytes:
        """What there is for this listener, joined; nothing when the time is up."""
        while self._open and not self._stream._closed:
            found = self._stream._take(self._position, until)
            if found is None:
                found = self._stream._catch_up(self._position)
            if not found:
                return b""
            self._position = found[-1].number
            mine = [p.form(self._render) for p in found if self._tenant is None or p.event.tenant == self._tenant]
            if mine:
                return b"".join(mine)
        return b""
