"""A body is one plain JSON object, or the request is refused before anything looks into it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core.errors import Invalid
from isthmus.plugin_manager.json_body import DEEPEST, read_object

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40)
@given(st.dictionaries(WORDS, JSON, max_size=5), st.booleans())
def test_an_object_comes_out_as_it_went_in(document: dict[str, object], ascii_only: bool) -> None:
    assert read_object(json.dumps(document, ensure_ascii=ascii_only).encode()) == document


def test_no_body_is_an_empty_object() -> None:
    assert read_object(b"") == {}


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"nonsense",
        b'{"a": 1} {"b": 2}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 1, "a": 2}',
        b'{"deep": {"a": 1, "b": 2, "a": 3}}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ["\\u0000"]}',
        b'{"a": "\x00"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[1]",
        b"null",
        b'"text"',
        b"5",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:20]),
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_object(data)
    assert refused.value.next_step


def nested(levels: int) -> bytes:
    return b'{"a": ' * levels + b"1" + b"}" * levels


def test_objects_may_lie_in_one_another_to_a_limit() -> None:
    assert read_object(nested(DEEPEST))
    with pytest.raises(Invalid, match="deeper"):
        read_object(nested(DEEPEST + 1))


def test_a_whole_character_written_as_two_halves_is_fine() -> None:
    assert read_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_the_body_is_not_repeated_in_the_error() -> None:
    with pytest.raises(Invalid) as refused:
        read_object(b'{"password": "hunter2 hunter2", "password": 1}')
    assert "hunter2" not in str(refused.value.to_json())
