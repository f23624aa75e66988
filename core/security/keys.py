"""Where the installation's root keys come from: a file, the environment, or a key service.

A root key never touches a secret itself: it wraps the data keys that do (see `sealing`). A source gives
several: the first one wraps, all of them unwrap, so a root key is replaced without a pause.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import Misconfigured

KEY_BYTES = 32
ENTRY_POINTS = "isthmus.key_sources"
"""The entry-point namespace of further sources; each is a `KeySourceFactory`."""

_NONCE_BYTES = 12


class RootKey(Protocol):
    """A key that wraps data keys. A key service may implement it without ever giving its key away."""

    @property
    def id(self) -> str:
        """A name that stays with this key for ever: 1 to 64 printable ASCII characters, no blanks."""
        ...

    def wrap(self, data_key: bytes, owner: bytes) -> bytes:
        """`data_key` encrypted and bound to `owner`; at most 4096 bytes. May block.

        Raises `Unavailable` when a service does not answer.
        """
        ...

    def unwrap(self, wrapped: bytes, owner: bytes) -> bytes:
        """The inverse of `wrap`. May block.

        Raises ValueError when `wrapped` was altered or belongs to another owner, `Unavailable` when a service
        does not answer.
        """
        ...


class KeySource(Protocol):
    """A place that root keys come from."""

    def load(self) -> tuple[RootKey, ...]:
        """At least one key, the one to wrap with first. Called at start and after a rotation.

        Raises `Misconfigured` with what to do about it.
        """
        ...


@runtime_checkable
class Rotates(Protocol):
    """A key source that can make a new key by itself."""

    def rotate(self) -> RootKey:
        """Put a new key before the others, durably, and return it; the others go on opening what they sealed.

        Raises `Misconfigured`.
        """
        ...


KeySourceFactory = Callable[[str], KeySource]
"""Makes a source from what follows the colon in a reference such as `file:/var/lib/isthmus/root.key`."""


@dataclass(frozen=True, slots=True)
class LocalKey:
    """A root key held in this process: 256 bits, AES-GCM. Its id is a fingerprint, so it cannot be mislabelled."""

    secret: bytes = field(repr=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a root key has {KEY_BYTES} bytes, not {len(self.secret)}")
        fingerprint = hashlib.sha256(b"isthmus root key id\0" + self.secret).hexdigest()[:16]
        object.__setattr__(self, "id", fingerprint)

    def wrap(self, data_key: bytes, owner: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.secret).encrypt(nonce, data_key, owner)

    def unwrap(self, wrapped: bytes, owner: bytes) -> bytes:
        try:
            return AESGCM(self.secret).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], owner)
        except (InvalidTag, ValueError):
            raise ValueError("the wrapped data key was altered or belongs to another owner") from None


@dataclass(frozen=True, slots=True)
class FileKeys:
    """Root keys in a file: one a line in base64, the newest first; empty lines and `#` lines are skipped.

    With `create` a missing file is made, mode 0600, with one random key. Pass `create=False` once secrets are
    sealed: a new key beside old secrets would only hide that the old key is lost. A file that anybody but its
    owner can read or write is refused.
    """

    path: Path
    create: bool = True

    def load(self) -> tuple[RootKey, ...]:
        try:
            return self._read()
        except FileNotFoundError:
            if not self.create:
                raise Misconfigured(
                    f"the root key file {self.path} is missing",
                    next_step="Restore it from your backup: sealed secrets cannot be opened without it.",
                ) from None
        # Another process may be first; its key then counts, not ours.
        with contextlib.suppress(FileExistsError):
            self._publish(_document((_new_key(),)), replace=False)
        return self._read()

    def rotate(self) -> RootKey:
        """Put a new key before the others, which go on opening what they sealed.

        Running processes take it up at their next `load`; two rotations at once give two new keys.
        """
        with self._locked():
            new = _new_key()
            self._publish(_document((new, *self._read())), replace=True)
        return new

    def _read(self) -> tuple[LocalKey, ...]:
        try:
            with self.path.open("rb") as file:
                self._refuse_shared(os.fstat(file.fileno()))
                text = file.read(1 << 16)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Misconfigured(
                f"the root key file {self.path} cannot be read: {error.strerror}",
                next_step="Give it to the user that runs Isthmus, mode 0600.",
            ) from None
        lines = [line.strip() for line in text.decode("ascii", "replace").splitlines()]
        return _keys([line for line in lines if line and not line.startswith("#")], f"the file {self.path}")

    def _refuse_shared(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise Misconfigured(f"the root key file {self.path} is not a regular file")
        if status.st_mode & 0o077:
            raise Misconfigured(
                f"the root key file {self.path} is open to others (mode {stat.S_IMODE(status.st_mode):04o})",
                next_step=f"Run `chmod 600 {self.path}`, and rotate the key if others may have read it.",
            )
        if status.st_uid not in (os.geteuid(), 0):
            raise Misconfigured(
                f"the root key file {self.path} belongs to user {status.st_uid}",
                next_step="Give it to the user that runs Isthmus, or to root.",
            )

    def _publish(self, document: bytes, *, replace: bool) -> None:
        """Bring the file into being whole and durable: a reader sees all of it or none."""
        try:
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        except OSError as error:
            raise Misconfigured(
                f"the root key file {self.path} cannot be written: {error.strerror}",
                next_step="Make its folder, writable for the user that runs Isthmus.",
            ) from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                Path(name).replace(self.path)
            else:
                os.link(name, self.path)
        finally:
            Path(name).unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # The folder, since the file itself is replaced under the lock.
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


@dataclass(frozen=True, slots=True)
class EnvironmentKeys:
    """Root keys in an environment variable: base64, separated by commas or blanks, the newest first."""

    variable: str = "ISTHMUS_ROOT_KEY"

    def load(self) -> tuple[RootKey, ...]:
        words = os.environ.get(self.variable, "").replace(",", " ").split()
        return _keys(words, f"the variable {self.variable}")


BUILT_IN: Mapping[str, KeySourceFactory] = {
    "file": lambda place: FileKeys(Path(place)),
    "env": lambda place: EnvironmentKeys(place or "ISTHMUS_ROOT_KEY"),
}
"""The sources that need nothing installed."""


def key_source(reference: str, factories: Mapping[str, KeySourceFactory] = BUILT_IN) -> KeySource:
    """The source that `reference` (`scheme:place`) names, for example `file:/path` or `env:NAME`.

    `factories` holds the built-in ones and those found under `ENTRY_POINTS`. Raises `Misconfigured` for an
    unknown scheme.
    """
    scheme, _, place = reference.partition(":")
    factory = factories.get(scheme)
    if factory is None:
        raise Misconfigured(
            f"there is no key source {scheme!r}",
            next_step=f"Use one of {', '.join(sorted(factories))}, or install the package that brings it.",
        )
    return factory(place)


def _new_key() -> LocalKey:
    return LocalKey(os.urandom(KEY_BYTES))


def _document(keys: tuple[LocalKey, ...]) -> bytes:
    head = b"# Root keys of this Isthmus, newest first. Without them its sealed secrets are lost: keep a backup.\n"
    return head + b"".join(base64.b64encode(key.secret) + b"\n" for key in keys)


def _keys(words: list[str], place: str) -> tuple[LocalKey, ...]:
    next_step = "A key is 32 random bytes in base64, as `openssl rand -base64 32` makes them."
    if not words:
        raise Misconfigured(f"{place} holds no root key", next_step=next_step)
    try:
        keys = tuple(LocalKey(base64.b64decode(word, validate=True)) for word in words)
    except (binascii.Error, ValueError):
        raise Misconfigured(f"{place} holds something that is no root key", next_step=next_step) from None
    if len({key.id for key in keys}) != len(keys):
        raise Misconfigured(f"{place} holds one root key twice")
    return keys
