"""Basic credentials that were verified a moment ago, so that scrypt does not run at every request."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from .passwords import verify_password


class VerifiedCredentials:
    """Remembers, for a minute, which passwords were found right.

    What is kept is a hash under a key that this process drew at random and that never leaves it. The hash
    covers the stored password string too: a password changed by another process is therefore asked for
    again at once, though `forget` was called only there. Failures are never remembered. Safe to share
    between threads; bounded by `limit` entries, the oldest go first.
    """

    def __init__(
        self, *, seconds: float = 60.0, limit: int = 4096, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._limit = limit
        self._clock = clock
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def verify(self, user_id: str, password: str, stored: str | None) -> bool:
        """Whether `password` belongs to `stored`: from memory where known, else by scrypt, then remembered.

        Ask `known` before the lock-out: a client that is signed in should not be shut out by somebody else's
        guesses; only an unknown credential counts against the lock-out.
        """
        if stored is not None and self.known(user_id, password, stored):
            return True
        if not verify_password(password, stored):
            return False
        if stored is not None:
            self.remember(user_id, password, stored)
        return True

    def known(self, user_id: str, password: str, stored: str) -> bool:
        """Whether this password was verified against this stored string less than a minute ago."""
        digest = self._digest(user_id, password, stored)
        with self._lock:
            entry = self._entries.get(digest)
            if entry is None:
                return False
            if entry[1] <= self._clock():
                del self._entries[digest]
                return False
            return True

    def remember(self, user_id: str, password: str, stored: str) -> None:
        """Keep a password that was just verified against `stored`."""
        digest = self._digest(user_id, password, stored)
        with self._lock:
            self._entries.pop(digest, None)
            self._entries[digest] = (user_id, self._clock() + self._seconds)
            while len(self._entries) > self._limit:
                self._entries.popitem(last=False)

    def forget(self, user_id: str) -> None:
        """Drop what is known of a user: its password changed, or it was disabled or deleted."""
        with self._lock:
            for digest in [digest for digest, entry in self._entries.items() if entry[0] == user_id]:
                del self._entries[digest]

    def _digest(self, user_id: str, password: str, stored: str) -> bytes:
        mac = hashlib.blake2b(key=self._key, digest_size=32)
        for part in (user_id, password, stored):
            raw = part.encode("utf-8", "surrogatepass")
            mac.update(len(raw).to_bytes(8, "big") + raw)
        return mac.digest()
