"""Bodies that are read to their limit and no further."""

from __future__ import annotations

import io

import pytest

from isthmus.plugin_manager.server.body import BodyTooLarge, LimitedBody


class Dripping(io.BytesIO):
    """Gives at most three bytes at a time, as a network may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3 if size is None or size < 0 else min(3, size))


def read_all(body: LimitedBody) -> bytes:
    return body.read()


def read_in_parts(body: LimitedBody) -> bytes:
    return b"".join(iter(lambda: body.read(4), b""))


def read_lines(body: LimitedBody) -> bytes:
    return b"".join(body)


def read_into(body: LimitedBody) -> bytes:
    buffer, read = bytearray(4), b""
    while count := body.readinto(buffer):
        read += bytes(buffer[:count])
    return read


@pytest.mark.parametrize("read", [read_all, read_in_parts, read_lines, read_into])
@pytest.mark.parametrize("source", [io.BytesIO, Dripping])
def test_all_of_a_body_within_the_limit_is_read(read: object, source: type[io.BytesIO]) -> None:
    content = b"ab\ncdefg\nh"
    body = LimitedBody(source(content), len(content))
    assert read(body) == content  # type: ignore[operator]
    assert not body.exceeded


@pytest.mark.parametrize("read", [read_all, read_in_parts, read_lines, read_into])
@pytest.mark.parametrize("source", [io.BytesIO, Dripping])
def test_a_larger_body_fails_and_is_not_taken_in(read: object, source: type[io.BytesIO]) -> None:
    stream = source(b"x" * 1000)
    body = LimitedBody(stream, 10)
    with pytest.raises(BodyTooLarge):
        read(body)  # type: ignore[operator]
    assert body.exceeded
    assert stream.tell() <= 11
