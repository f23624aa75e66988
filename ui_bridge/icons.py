"""The icons, drawn from a few shapes each, as SVG and as the PNG sheet that a manifest names.

Each is drawn on a grid of 16 units. A sheet is one column of squares; light and dark themes have a sheet each.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

GRID = 16
SIDE = 32
"""How many pixels an icon has each way in the sheet."""
_SAMPLES = 4

Point = tuple[float, float]
THEMES: Mapping[str, str] = {"light": "#1a5f7a", "dark": "#79c6e0"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled polygon; `hole` cuts out of what was drawn before."""

    points: tuple[Point, ...]
    hole: bool = False

    def covers(self, x: float, y: float) -> bool:
        """Whether the point lies within (even-odd rule)."""
        inside = False
        previous = self.points[-1]
        for point in self.points:
            (x1, y1), (x2, y2) = previous, point
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
            previous = point
        return inside


def _box(left: float, top: float, width: float, height: float, *, hole: bool = False) -> Shape:
    right, bottom = left + width, top + height
    return Shape(((left, top), (right, top), (right, bottom), (left, bottom)), hole)


# The isthmus: two shores and the strip of land between; then what can be done to a store.
ICONS: Mapping[str, tuple[Shape, ...]] = {
    "main": (_box(1, 2, 5, 12), _box(10, 2, 5, 12), _box(6, 6.5, 4, 3), _box(2.5, 4, 2, 2, hole=True),
             _box(11.5, 10, 2, 2, hole=True)),
    "add": (_box(2, 10, 12, 4), _box(3.5, 11.5, 1.5, 1, hole=True), _box(7, 1, 2, 7), _box(4.5, 3.5, 7, 2)),
    "change": (_box(2, 10, 12, 4), _box(3.5, 11.5, 1.5, 1, hole=True), Shape(((8, 1), (12, 5.5), (4, 5.5))),
               _box(7, 5.5, 2, 2.5)),
    "remove": (_box(2, 10, 12, 4), _box(3.5, 11.5, 1.5, 1, hole=True), _box(4, 4, 8, 2)),
    "protect": (Shape(((8, 1), (14, 3), (14, 8), (8, 15), (2, 8), (2, 3))),
                Shape(((7, 9), (11, 4.5), (12, 5.5), (7, 11), (4, 8), (5, 7)), hole=True)),
}  # fmt: skip
_WORDS: Mapping[str, tuple[str, ...]] = {
    "add": ("provision", "create", "mount", "add", "clone"),
    "remove": ("delete", "remove", "unmount", "reclaim"),
    "protect": ("protect", "snapshot", "restore"),
}


def icon_of(action: str) -> str:
    """The icon for an action, by the words of its id."""
    words = action.split("-")
    return next((icon for icon, known in _WORDS.items() if not set(known).isdisjoint(words)), "change")


def svg(name: str, theme: str = "light") -> str:
    """One icon; raises `KeyError` for a name that is none."""
    solid = " ".join(_path(shape.points) for shape in ICONS[name] if not shape.hole)
    holes = " ".join(_path(shape.points) for shape in ICONS[name] if shape.hole)
    mask = f'<mask id="m"><path fill="#fff" d="M0 0H{GRID}V{GRID}H0Z"/><path d="{holes}"/></mask>' if holes else ""
    use = ' mask="url(#m)"' if holes else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {GRID} {GRID}">{mask}'
        f'<path fill="{THEMES[theme]}"{use} d="{solid}"/></svg>\n'
    )


def positions() -> dict[str, dict[str, int]]:
    """Where in a sheet each icon lies, in pixels."""
    return {name: {"x": 0, "y": place * SIDE} for place, name in enumerate(ICONS)}


@cache
def sheet(theme: str = "light") -> bytes:
    """All icons below each other, PNG with transparency; raises `KeyError` for a theme that is none."""
    colour = bytes.fromhex(THEMES[theme][1:])
    rows = []
    for shapes in ICONS.values():
        for y in range(SIDE):
            row = b"".join(colour + bytes([_coverage(shapes, x, y)]) for x in range(SIDE))
            rows.append(b"\0" + row)
    header = struct.pack(">IIBBBBB", SIDE, SIDE * len(ICONS), 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _coverage(shapes: Sequence[Shape], x: int, y: int) -> int:
    """How much of a pixel is drawn upon, 0 to 255."""
    hits = 0
    for across in range(_SAMPLES):
        for down in range(_SAMPLES):
            at = ((x + (across + 0.5) / _SAMPLES) * GRID / SIDE, (y + (down + 0.5) / _SAMPLES) * GRID / SIDE)
            drawn = False
            for shape in shapes:
                if shape.covers(*at):
                    drawn = not shape.hole
            hits += drawn
    return hits * 255 // (_SAMPLES * _SAMPLES)


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "Z"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
