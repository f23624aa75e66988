"""Icons are drawn as PNG and as SVG from the same shapes."""

from __future__ import annotations

import struct
import zlib
from xml.etree import ElementTree

import pytest

from isthmus.ui_bridge.icons import ICONS, SIDE, THEMES, positions, sheet, svg


def pixels(content: bytes) -> list[bytes]:
    """The rows of a PNG as RGBA; checks its frame."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, header = 8, b"", b""
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, part = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + part)
        header, data = (part if kind == b"IHDR" else header), (data + part if kind == b"IDAT" else data)
        at += 12 + length
    width, height, *form = struct.unpack(">IIBBBBB", header)
    assert form == [8, 6, 0, 0, 0]
    plain = zlib.decompress(data)
    stride = 1 + 4 * width
    assert len(plain) == stride * height
    return [plain[row * stride + 1 : (row + 1) * stride] for row in range(height)]


@pytest.mark.parametrize("theme", THEMES)
def test_each_icon_lies_where_the_manifest_says(theme: str) -> None:
    rows = pixels(sheet(theme))
    assert len(rows) == SIDE * len(ICONS)
    for name, place in positions().items():
        square = rows[place["y"] : place["y"] + SIDE]
        drawn = [row[x * 4 + 3] for row in square for x in range(SIDE)]
        assert max(drawn) == 255 and min(drawn) == 0, name


def test_themes_differ_in_colour_only() -> None:
    light, dark = pixels(sheet("light")), pixels(sheet("dark"))
    assert light != dark
    assert [row[3::4] for row in light] == [row[3::4] for row in dark]


@pytest.mark.parametrize("name", ICONS)
def test_the_same_is_there_as_svg(name: str) -> None:
    root = ElementTree.fromstring(svg(name))
    assert root.attrib["viewBox"] == "0 0 16 16"
