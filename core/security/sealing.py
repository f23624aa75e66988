"""Sealing: secrets encrypted under a data key of their owner, which a root key wraps.

A sealed blob carries its own wrapped data key. There is no table of data keys to keep in step with the rows
they open, to back up apart or to lock; a row restored, moved or copied with its sealed bytes opens wherever
the root key is; and deleting a row deletes what could open it.

A blob, version 1: `01 | n | root key id (n bytes) | m (2 bytes) | wrapped data key (m bytes) | nonce (12) |
AES-256-GCM of the secret`. Everything before the nonce and the owner are its associated data.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import IsthmusError
from .keys import KEY_BYTES, RootKey

_VERSION = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16
# NIST SP 800-38D allows 2^32 random nonces under one key; far fewer cost nothing.
_SEALS_PER_DATA_KEY = 1 << 20


class SealBroken(IsthmusError):
    """Sealed bytes cannot be opened: they were altered, cut short, or belong to another owner."""

    code = "seal_broken"


class SealKeyMissing(SealBroken):
    """The root key that sealed this is not among those of the key source; `details["key"]` is its id."""

    code = "seal_key_missing"


@dataclass(slots=True)
class _DataKey:
    header: bytes
    cipher: AESGCM
    seals: int = 0


class Sealer:
    """Seals and opens the secrets of owners (a back end, an attachment, a system: any id that stays).

    The first of `keys` seals, all of them open. An owner's data key is drawn at random at the first seal of this
    process and unwrapped keys are kept in memory, `cached` of them at most, so that a key service is asked
    once and not at every attach. Safe to share between threads.
    """

    def __init__(self, keys: Iterable[RootKey], *, cached: int = 1024) -> None:
        self._keys = {key.id: key for key in keys}
        if not self._keys:
            raise ValueError("a sealer needs a root key")
        self._newest = next(iter(self._keys.values()))
        self._cached = cached
        self._lock = threading.Lock()
        self._sealing: OrderedDict[str, _DataKey] = OrderedDict()
        self._opening: OrderedDict[tuple[str, bytes], AESGCM] = OrderedDict()

    def seal(self, owner: str, plaintext: bytes) -> bytes:
        """`plaintext` sealed for `owner`; another blob each time. Opens only under the same owner."""
        data_key = self._data_key(owner)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = data_key.cipher.encrypt(nonce, plaintext, _bound(data_key.header, owner))
        return data_key.header + nonce + sealed

    def open(self, owner: str, sealed: bytes) -> bytes:
        """What was sealed for `owner`.

        Raises `SealKeyMissing` when the root key is not here, `SealBroken` when the bytes were altered or were
        sealed for another owner.
        """
        key_id, wrapped, header = _split(sealed)
        cipher = self._cipher(owner, key_id, wrapped, header)
        start = len(header) + _NONCE_BYTES
        try:
            return cipher.decrypt(sealed[len(header) : start], sealed[start:], _bound(header, owner))
        except InvalidTag:
            raise _broken() from None

    def reseal(self, owner: str, sealed: bytes) -> bytes:
        """The same secret under the newest root key; `sealed` itself when it is already. Safe to run again."""
        if sealing_key(sealed) == self._newest.id:
            return sealed
        return self.seal(owner, self.open(owner, sealed))

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids of the root keys, the one that seals first."""
        return tuple(self._keys)

    def is_current(self, sealed: bytes) -> bool:
        """Whether the newest root key sealed this. When all are, the older keys may go."""
        return sealing_key(sealed) == self._newest.id

    def _data_key(self, owner: str) -> _DataKey:
        with self._lock:
            known = self._sealing.get(owner)
            if known is not None and known.seals < _SEALS_PER_DATA_KEY:
                known.seals += 1
                self._sealing.move_to_end(owner)
                return known
        secret = os.urandom(KEY_BYTES)
        header = _header(self._newest.id, self._newest.wrap(secret, _owner_bytes(owner)))
        made = _DataKey(header, AESGCM(secret), seals=1)
        with self._lock:
            self._sealing[owner] = made
            self._sealing.move_to_end(owner)
            while len(self._sealing) > self._cached:
                self._sealing.popitem(last=False)
        return made

    def _cipher(self, owner: str, key_id: str, wrapped: bytes, header: bytes) -> AESGCM:
        place = (owner, header)
        with self._lock:
            known = self._opening.get(place)
            if known is not None:
                self._opening.move_to_end(place)
                return known
        root = self._keys.get(key_id)
        if root is None:
            raise SealKeyMissing(
                f"a secret was sealed with root key {key_id}, which the key source does not hold",
                next_step="Put that root key back behind the newest one in the key source, and start again.",
                key=key_id,
            )
        try:
            cipher = AESGCM(root.unwrap(wrapped, _owner_bytes(owner)))
        except ValueError:
            raise _broken() from None
        with self._lock:
            self._opening[place] = cipher
            while len(self._opening) > self._cached:
                self._opening.popitem(last=False)
        return cipher


def sealing_key(sealed: bytes) -> str:
    """The id of the root key that sealed this. Raises `SealBroken` for what is no sealed blob."""
    return _split(sealed)[0]


def _header(key_id: str, wrapped: bytes) -> bytes:
    name = key_id.encode("ascii")
    if not _is_key_id(name) or not 1 <= len(wrapped) <= 4096:
        raise ValueError("the key source broke its contract: see RootKey.id and RootKey.wrap")
    return bytes((_VERSION, len(name))) + name + len(wrapped).to_bytes(2, "big") + wrapped


def _split(sealed: bytes) -> tuple[str, bytes, bytes]:
    """(root key id, wrapped data key, all that stands before the nonce)."""
    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise _broken()
    name_end = 2 + sealed[1]
    wrapped_start = name_end + 2
    wrapped_end = wrapped_start + int.from_bytes(sealed[name_end:wrapped_start], "big")
    name = sealed[2:name_end]
    if len(sealed) < wrapped_end + _NONCE_BYTES + _TAG_BYTES or not _is_key_id(name):
        raise _broken()
    return name.decode("ascii"), sealed[wrapped_start:wrapped_end], sealed[:wrapped_end]


def _is_key_id(name: bytes) -> bool:
    return 1 <= len(name) <= 64 and all(0x21 <= byte <= 0x7E for byte in name)


def _owner_bytes(owner: str) -> bytes:
    return b"isthmus data key\0" + owner.encode()


def _bound(header: bytes, owner: str) -> bytes:
    return header + b"\0" + owner.encode()


def _broken() -> SealBroken:
    return SealBroken(
        "a sealed secret cannot be opened: it was altered or belongs to something else",
        next_step="Set the secret anew, or restore the database together with its root key.",
    )
