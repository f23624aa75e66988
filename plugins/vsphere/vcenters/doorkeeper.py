"""How often somebody whom nobody knows yet may ask a vCenter to be known.

A session token of the vSphere Client that is new here costs its vCenter a ticket, and whoever reaches this server can
make tokens up. So a token that was refused is refused from memory for a while; an address from which many different
tokens were refused waits, as do all such addresses together; and only a few tokens are tried at a vCenter at a time, so
that a line to it is always left for those who are known. Whoever has a session here passes by without any of this, and
an address from which people come who are let in (the vCenter's own proxy, as a rule) is never made to wait for what
others tried from it: there only the number of attempts at a time is bounded, and everybody has the same chance.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ....core.errors import Unauthenticated
from ....ui_bridge.platform import TooManyAttempts
from ..connection.sessions import Key
from ..reasons import because

TRIED_AT_ONCE = 4
"""Tokens, at one vCenter; half of the calls that its line takes."""
PATIENCE_SECONDS = 3.0
WAITING_AT_ONCE = 24
"""Requests that may wait for their turn, each with a thread of the server."""
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
"""Seconds for which a refused token is refused without asking; twice as long each time."""
TRUSTED_SECONDS = 3600.0
BURST, SECONDS_EACH = 12, 5.0
"""Different tokens that one address may have refused at once, and after how many seconds another."""
BURST_OF_ALL, SECONDS_EACH_OF_ALL = 120, 0.2
_MOST_TOKENS = 8192
_MOST_ADDRESSES = 4096


@dataclass(slots=True)
class _Refused:
    until: float
    pause: float


class _Bucket:
    """Fills by one in so many seconds, up to `burst`; may be overdrawn by what was under way together."""

    __slots__ = ("_at", "_burst", "_level", "_seconds")

    def __init__(self, burst: int, seconds: float, moment: float) -> None:
        self._burst, self._seconds = burst, seconds
        self._level, self._at = float(burst), moment

    def wait(self, moment: float) -> float:
        """Seconds until there is one to take; 0 now."""
        self._level = min(self._burst, self._level + (moment - self._at) / self._seconds)
        self._at = moment
        return max(0.0, (1.0 - self._level) * self._seconds)

    def take(self, moment: float) -> None:
        self.wait(moment)
        self._level -= 1.0


class Doorkeeper:
    """One for the process. Safe for several threads; nobody waits longer than `PATIENCE_SECONDS`."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._refused: OrderedDict[Key, _Refused] = OrderedDict()
        self._trusted: OrderedDict[str, float] = OrderedDict()
        self._addresses: OrderedDict[str, _Bucket] = OrderedDict()
        self._all = _Bucket(BURST_OF_ALL, SECONDS_EACH_OF_ALL, clock())
        self._trying: dict[str, dict[Key, int]] = {}
        self._waiting = 0

    @contextmanager
    def attempt(self, key: Key, address: str) -> Iterator[None]:
        """Around what makes a token known. Raises `Unauthenticated` for one that was refused a moment ago, and
        `TooManyAttempts`; what is raised within as `Unauthenticated` counts as a refusal of the token."""
        place = network(address)
        with self._changed:
            self._admit(key, place)
            trying = self._trying.setdefault(key.guid, {})
            self._demand_place(key, trying)
            trying[key] = trying.get(key, 0) + 1
        try:
            yield
        except Unauthenticated:
            self._refuse(key, place)
            raise
        else:
            self._let_in(key, place)
        finally:
            with self._changed:
                trying[key] -= 1
                if not trying[key]:
                    del trying[key]
                self._changed.notify_all()

    def _admit(self, key: Key, place: str) -> None:
        moment = self._clock()
        known = self._refused.get(key)
        if known is not None and moment < known.until:
            raise because(Unauthenticated, "token-refused")
        # A token that was refused before was paid for then: a page left open somewhere costs nothing more.
        if known is not None or self._trusted.get(place, 0.0) > moment:
            return
        own = self._addresses.get(place)
        wait = max(own.wait(moment) if own is not None else 0.0, self._all.wait(moment))
        if wait > 0:
            raise _late(max(1, round(wait + 0.5)))

    def _demand_place(self, key: Key, trying: Mapping[Key, int]) -> None:
        """Wait for one, unless many do already."""
        patience = PATIENCE_SECONDS if self._waiting < WAITING_AT_ONCE else 0.0
        self._waiting += 1
        try:
            if not self._changed.wait_for(lambda: key in trying or len(trying) < TRIED_AT_ONCE, patience):
                raise _late(1)
        finally:
            self._waiting -= 1

    def _refuse(self, key: Key, place: str) -> None:
        with self._changed:
            moment = self._clock()
            known = self._refused.pop(key, None)
            pause = FIRST_PAUSE if known is None else min(LONGEST_PAUSE, known.pause * 2)
            self._refused[key] = _Refused(moment + pause, pause)
            _trim(self._refused, _MOST_TOKENS)
            if known is not None or self._trusted.get(place, 0.0) > moment:
                return
            bucket = self._addresses.pop(place, None) or _Bucket(BURST, SECONDS_EACH, moment)
            self._addresses[place] = bucket
            _trim(self._addresses, _MOST_ADDRESSES)
            bucket.take(moment)
            self._all.take(moment)

    def _let_in(self, key: Key, place: str) -> None:
        with self._changed:
            self._refused.pop(key, None)
            self._trusted.pop(place, None)
            self._trusted[place] = self._clock() + TRUSTED_SECONDS
            _trim(self._trusted, _MOST_ADDRESSES)


def network(address: str) -> str:
    """What counts as one address: of IPv6 the network, since a host there has as many addresses as it likes."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False))


def _late(seconds: int) -> TooManyAttempts:
    error = because(TooManyAttempts, "too-many-attempts", seconds=seconds)
    error.details["retry_after"] = seconds
    return error


def _trim(kept: OrderedDict[str, float] | OrderedDict[Key, _Refused] | OrderedDict[str, _Bucket], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
