"""Texts are filled as their language writes things."""

from __future__ import annotations

import pytest

from isthmus.ui_bridge.locale import Texts

TEXTS = Texts({"en": {"full": "{pool} has {size:bytes}", "plain": "100 {%"}, "de": {"full": "{size:bytes} in {pool}"}})


@pytest.mark.parametrize(
    ("locale", "size", "told"),
    [
        ("en", 5 << 30, "a has 5 GiB"),
        ("en-US", 1023, "a has 1023 B"),
        ("de_AT", 3 << 29, "1,5 GiB in a"),
        ("zh", 3 << 29, "a has 1.5 GiB"),
        ("de", "?", "? in a"),
    ],
)
def test_a_size_has_a_unit_and_the_languages_point(locale: str, size: object, told: str) -> None:
    assert TEXTS.get("full", locale, pool="a", size=size) == told


def test_a_text_without_values_stays_as_it_is() -> None:
    assert TEXTS.get("plain") == "100 {%" and TEXTS.get("none") == "none"


def test_a_value_that_is_missing_is_no_text() -> None:
    with pytest.raises(KeyError):
        TEXTS.get("full", pool="a")
