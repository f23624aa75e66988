"""Bearer tokens: 256 random bits behind a prefix that secret scanners recognise."""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "ist_"
"""What every token starts with."""

_SHAPE = re.compile(r"ist_[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """A fresh token: the prefix and 256 random bits as URL-safe base64. It is shown once and never stored."""
    return PREFIX + secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Whether `text` has the shape of a token, so that nonsense costs no look-up."""
    return _SHAPE.fullmatch(text) is not None


def token_hash(text: str) -> str:
    """The SHA-256 of a token in hex: what is stored and looked up.

    A plain hash is enough for 256 random bits, and a look-up by hash leaks nothing through its timing. Any
    text is accepted, since it comes from a request.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
