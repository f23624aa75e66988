"""The files of the web pages: modules, styles, each at an address that changes when it does."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from . import style

_MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_VENDOR = "vendor/"
_WORTH_PACKING = 4096


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `packed` is it as gzip, or empty where that gains nothing."""

    content: bytes
    media: str
    etag: str
    packed: bytes = b""


class Assets:
    """All of them, read once. `root` is the folder that they lie in."""

    def __init__(self, root: Traversable | None = None) -> None:
        self._root = root if root is not None else files(__package__) / "web"

    @cached_property
    def complete(self) -> bool:
        """Whether the style that a build fetches is there, without which the pages are not shown."""
        return f"{_VENDOR}{style.SHEET}" in self._all

    def address(self, name: str) -> str:
        """Where a file is, below `web/`: its folder's hash stands before it, since modules name each other by
        relative addresses."""
        return f"{self._hash(name)}/{name}"

    def find(self, address: str) -> Asset | None:
        """The file at what `address` says; None for one that is not there, or was of another release."""
        given, _, name = address.partition("/")
        return self._all.get(name) if name in self._all and given == self._hash(name) else None

    def _hash(self, name: str) -> str:
        return self._hashes[name.startswith(_VENDOR)]

    @cached_property
    def _hashes(self) -> Mapping[bool, str]:
        found = {}
        for vendor in (True, False):
            digest = hashlib.sha256()
            for name, asset in sorted(self._all.items()):
                if name.startswith(_VENDOR) == vendor:
                    digest.update(f"{name} {asset.etag} ".encode())
            found[vendor] = digest.hexdigest()[:16]
        return found

    @cached_property
    def _all(self) -> Mapping[str, Asset]:
        return {name: _asset(name, part.read_bytes()) for name, part in _walk(self._root, "").items()}


def _walk(folder: Traversable, prefix: str) -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    if folder.is_dir():
        for each in folder.iterdir():
            if each.is_dir():
                found |= _walk(each, f"{prefix}{each.name}/")
            elif any(each.name.endswith(ending) for ending in _MEDIA):
                found[f"{prefix}{each.name}"] = each
    return found


def _asset(name: str, content: bytes) -> Asset:
    media = next(media for ending, media in _MEDIA.items() if name.endswith(ending))
    packed = gzip.compress(content, 6, mtime=0) if len(content) >= _WORTH_PACKING else b""
    return Asset(content, media, f'"{hashlib.sha256(content).hexdigest()[:32]}"', packed)
