"""Passwords, hashed by scrypt and stored as a string that names its own parameters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import threading
import unicodedata
from dataclasses import dataclass

_SALT_BYTES = 16
_HASH_BYTES = 32
_AT_ONCE = threading.BoundedSemaphore(2)  # 32 MiB each: a burst of sign-ins must not exhaust the memory

_STORED = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")


@dataclass(frozen=True, slots=True)
class Cost:
    """scrypt's parameters: memory is 128 · 2^ln · r bytes, time grows with p."""

    ln: int = 15
    r: int = 8
    p: int = 3

    @property
    def memory(self) -> int:
        """Bytes that one hash needs."""
        return 128 * (1 << self.ln) * self.r

    @property
    def sane(self) -> bool:
        """Whether these can be computed here at all: a damaged string must not ask for terabytes."""
        return 1 <= self.ln <= 20 and 1 <= self.r <= 32 and 1 <= self.p <= 16 and self.memory <= 1 << 29


DEFAULT_COST = Cost()
"""32 MiB and three passes, one of the equivalent settings OWASP's password storage page recommends."""


def hash_password(password: str, cost: Cost = DEFAULT_COST) -> str:
    """The string to store: `$scrypt$ln=…,r=…,p=…$salt$hash`, base64 without padding. Takes about 0.2 s."""
    salt = os.urandom(_SALT_BYTES)
    digest = _scrypt(password, salt, cost, _HASH_BYTES)
    return f"$scrypt$ln={cost.ln},r={cost.r},p={cost.p}${_encode(salt)}${_encode(digest)}"


def verify_password(password: str, stored: str | None) -> bool:
    """Whether `password` is the one that `stored` was made from.

    Pass None for an unknown user or one without a password: the answer is False after the same work, so that
    the time taken does not tell which users exist. A damaged string is never matched.
    """
    parsed = None if stored is None else _parse(stored)
    if parsed is None:
        _scrypt(password, bytes(_SALT_BYTES), DEFAULT_COST, _HASH_BYTES)
        return False
    cost, salt, digest = parsed
    return hmac.compare_digest(_scrypt(password, salt, cost, len(digest)), digest)


def needs_rehash(stored: str, cost: Cost = DEFAULT_COST) -> bool:
    """Whether `stored` was made with other parameters than `cost`; hash again when the password is at hand."""
    parsed = _parse(stored)
    return parsed is None or parsed[0] != cost


def _parse(stored: str) -> tuple[Cost, bytes, bytes] | None:
    match = _STORED.fullmatch(stored)
    if match is None:
        return None
    cost = Cost(int(match[1]), int(match[2]), int(match[3]))
    try:
        salt, digest = _decode(match[4]), _decode(match[5])
    except binascii.Error:
        return None
    if not cost.sane or len(digest) < _SALT_BYTES:
        return None
    return cost, salt, digest


def _scrypt(password: str, salt: bytes, cost: Cost, length: int) -> bytes:
    # The same word typed on two keyboards may arrive composed or decomposed.
    secret = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    with _AT_ONCE:
        return hashlib.scrypt(
            secret, salt=salt, n=1 << cost.ln, r=cost.r, p=cost.p, maxmem=2 * cost.memory, dklen=length
        )


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
