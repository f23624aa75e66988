"""JSON as text: the same document whichever library writes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.model.json_text import encoder

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


@given(DOCUMENTS)
def test_what_is_written_is_read_again(document: Any) -> None:
    assert json.loads(encoder()(document)) == document


@pytest.mark.parametrize("document", [2**70, -(2**70), "\ud800", {1: "a"}, [Colour.RED], "\0"])
def test_what_one_library_refuses_the_other_writes(document: Any) -> None:
    assert json.loads(encoder()(document)) == json.loads(json.dumps(document))


def test_what_is_no_json_is_written_as_it_is_told_or_refused() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert encoder(lambda value: "then")({"at": moment}) == '{"at":"then"}'
    with pytest.raises(TypeError):
        encoder()({"at": moment})
