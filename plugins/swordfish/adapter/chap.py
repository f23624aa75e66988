"""CHAP credentials of attachments that need no place to be kept.

An adapter keeps nothing, and a service gives no password back. So the user's name is made by chance, and the secret
follows from the name and the system's `chap_key`: whoever has the key finds the secret of a name that was made with it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_hex

from ....core.model.request import ChapCredential

_START = "host-"
_CHANCE, _CHECK = 16, 16
_SECRET = 16
"""Characters; the most that every initiator takes."""


class Chap:
    """Makes credentials with one key and finds their secrets again."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def make(self, request: str | None) -> ChapCredential:
        """A credential of its own for each attachment; for the same `request` (an idempotency key) the same."""
        chance = token_hex(_CHANCE // 2) if request is None else self._of("request", request).hex()[:_CHANCE]
        name = f"{_START}{chance}{self._check(chance)}"
        return ChapCredential(self._secret(name), name)

    def secret(self, name: str) -> str | None:
        """The secret of a name that was made with this key; None for another name."""
        chance, check = name[len(_START) : -_CHECK], name[-_CHECK:]
        known = name.startswith(_START) and hmac.compare_digest(check.encode(), self._check(chance).encode())
        return self._secret(name) if known else None

    def _check(self, chance: str) -> str:
        return self._of("name", chance).hex()[:_CHECK]

    def _secret(self, name: str) -> str:
        return urlsafe_b64encode(self._of("secret", name)).decode()[:_SECRET]

    def _of(self, purpose: str, text: str) -> bytes:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), sha256).digest()
