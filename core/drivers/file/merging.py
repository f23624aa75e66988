"""Merging layers that are no volume's or snapshot's any longer with the one layer that still rests on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ...datapath.image_daemon import ImageDaemon
from ...datapath.image_daemons import ImageDaemons
from ...errors import Busy, Refused, StorageError
from .family import Family, Member
from .images import Images

# What is copied at most while a delete waits for it; more is left to a daemon or to the moment it must be.
_CHEAP = 256 << 20
_PATIENCE_SECONDS = 5.0
_PAUSE = 0.005
# Beside hosts' I/O a merge takes no more than this of the disk, in bytes a second.
_SPEED = 128 << 20


@dataclass(frozen=True, slots=True)
class _Pair:
    """`lower` is needed only because `upper` rests on it; `cost` is what merging them copies at most, in bytes."""

    lower: str
    upper: str
    cost: int


class Merging:
    """Merges layers of a family that is locked. Interrupted at any moment it leaves every image showing the same."""

    def __init__(self, daemons: ImageDaemons, timeout: float) -> None:
        self._daemons = daemons
        self._timeout = timeout

    def tidy(self, family: Family) -> Family:
        """Merge what can be merged cheaply; begin a merge in the daemons that have images open.

        Never fails: what cannot be merged now is merged at a later change.
        """
        tried: set[str] = set()
        with suppress(StorageError):
            while True:
                open_in = self._open(family)
                family.sweep()
                pair = next((found for found in self._pairs(family) if found.lower not in tried), None)
                if pair is None:
                    return family
                tried.add(pair.lower)
                holders = [daemon for daemon, chain in open_in.items() if pair.upper in chain]
                cheap = pair.cost <= _CHEAP
                if not holders and cheap:
                    family = self._merge(family, pair)
                elif len(holders) == 1:
                    self._begin(family, pair, holders[0])
                    if not cheap or not _finished(holders[0]):
                        return family
        return family

    def pause(self, family: Family, volume: str) -> None:
        """Stop merges in other volumes' daemons that write to layers of this volume's image, so that it opens."""
        needed = set(family.chain(family.volumes[volume].layer))
        for other in family.volumes:
            daemon = self._daemons.find(other) if other != volume else None
            if daemon is not None and needed & set(daemon.layers()):
                daemon.cancel_merge()

    def make_room(self, family: Family, layer: str, deepest: int) -> Family:
        """See to it that the chain of `layer` has fewer than `deepest` layers.

        Raises `Busy` while a daemon is still merging, `Refused` when every layer of the chain is a snapshot's.
        """
        while len(chain := family.chain(layer)) >= deepest:
            pairs = [pair for pair in self._pairs(family) if pair.upper in chain]
            if not pairs:
                raise Refused(
                    f"The image rests on {len(chain)} layers, the most there may be, and each is a snapshot's.",
                    next_step="Delete snapshots that are no longer needed.",
                )
            open_in = self._open(family)
            pair = min(pairs, key=lambda found: found.cost)
            holders = [daemon for daemon, held in open_in.items() if pair.upper in held]
            if holders:
                for daemon in holders[:1]:
                    self._begin(family, pair, daemon)
                raise Busy("Layers of the image are being merged to make room for one more snapshot.")
            family = self._merge(family, pair)
            layer = layer if layer in family.layers() else pair.lower
        return family

    def _pairs(self, family: Family) -> list[_Pair]:
        layers = family.layers()
        named = family.named()
        resting: dict[str, list[str]] = {}
        for layer, below in layers.items():
            if below is not None:
                resting.setdefault(below, []).append(layer)
        return [
            _Pair(lower, uppers[0], min(_occupied(family, lower), _occupied(family, uppers[0])))
            for lower, uppers in resting.items()
            if lower not in named and len(uppers) == 1
        ]

    def _open(self, family: Family) -> Mapping[ImageDaemon, frozenset[str]]:
        """The daemons that have images of the family open, each with the layers it has open."""
        found = {}
        for volume in family.volumes:
            daemon = self._daemons.find(volume)
            if daemon is not None:
                daemon.merging()
                found[daemon] = frozenset(daemon.layers())
        return found

    def _begin(self, family: Family, pair: _Pair, daemon: ImageDaemon) -> None:
        if not daemon.merging():
            below = family.layers()[pair.lower]
            daemon.merge(pair.upper, below, speed=_SPEED)

    def _merge(self, family: Family, pair: _Pair) -> Family:
        images = Images(family.path, self._timeout, family.lock)
        lower, upper = family.file(pair.lower), family.file(pair.upper)
        if _occupied(family, pair.lower) <= _occupied(family, pair.upper):
            below = family.layers()[pair.lower]
            images.pull_up(upper, family.file(below) if below else None)
            family.sweep()
            return family
        images.push_down(upper, lower)
        for layer, below in family.layers().items():
            if below == pair.upper:
                images.relink(family.file(layer), lower)
        family = _renamed(family, pair.upper, pair.lower)
        family.save()
        family.sweep()
        return family


def _renamed(family: Family, old: str, new: str) -> Family:
    """The family with `new` wherever something named the layer `old`."""

    def moved(members: Mapping[str, Member]) -> Mapping[str, Member]:
        return {name: replace(one, layer=new) if one.layer == old else one for name, one in members.items()}

    pins = {name: new if layer == old else layer for name, layer in family.pins.items()}
    return replace(family, volumes=moved(family.volumes), snapshots=moved(family.snapshots), pins=pins)


def _finished(daemon: ImageDaemon) -> bool:
    """Wait a little for the merge in the daemon; whether it has ended."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while daemon.merging():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _occupied(family: Family, layer: str) -> int:
    return family.file(layer).stat().st_blocks * 512
