"""`$filter` (DSP0266, The $filter query parameter)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.plugins.swordfish.protocol.filtering import Filter
from isthmus.plugins.swordfish.protocol.refusal import Refusal

BODY = {"Name": "it's", "CapacityBytes": 10, "Status": {"Health": "OK"}, "Enabled": True, "Rate": 1.5, "None": None}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("Name eq 'it''s'", True),
        ("Name ne 'it''s'", False),
        ("CapacityBytes gt 9 and CapacityBytes lt 11", True),
        ("CapacityBytes ge 10 and CapacityBytes le 10", True),
        ("CapacityBytes lt 10 or Status/Health eq 'OK'", True),
        ("CapacityBytes lt 10 or Status/Health eq 'OK' and Name eq 'x'", False),
        ("(CapacityBytes lt 10 or Status/Health eq 'OK') and Enabled eq true", True),
        ("not (Status/Health eq 'OK')", False),
        ("not Status/Health eq 'Critical'", True),
        ("10 eq CapacityBytes", True),
        ("Rate gt 1.25", True),
        ("Missing eq null", True),
        ("Missing/Deeper eq null and None eq null", True),
        ("Missing gt 1", False),
        ("Name gt 1", False),
        ("  CapacityBytes   eq 10  ", True),
        ("CapacityBytes gt -5", True),
    ],
)
def test_a_filter_decides(text: str, passes: bool) -> None:
    assert Filter(text).passes(BODY) is passes


@pytest.mark.parametrize(
    "text",
    ["", "Name", "Name eq", "eq 'x'", "Name eq 'x", "Name like 'x'", "(Name eq 'x'", "Name eq 'x')", "and", "not",
     "Name eq 'x' and", "Name eq 'x' Name eq 'y'", "Name == 'x'", "(" * 200 + "Name eq 'x'" + ")" * 200, "5x eq 1"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        Filter(text)
    assert caught.value.status == 400


@given(st.text(max_size=60))
def test_no_text_makes_it_stumble(text: str) -> None:
    try:
        Filter(text).passes(BODY)
    except Refusal as refusal:
        assert refusal.status == 400


@given(st.text(max_size=30))
def test_any_text_can_be_compared_with(text: str) -> None:
    quoted = text.replace("'", "''")
    assert Filter(f"Name eq '{quoted}'").passes({"Name": text})
