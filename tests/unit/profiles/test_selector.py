"""Selectors: OpenSDS's operators, without what was wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core.profiles.capabilities import Capabilities
from isthmus.core.profiles.selector import OPERATORS, Selector

numbers = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False, width=32)
words = st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1).filter(
    lambda text: text == text.strip() and not text.startswith(("<", ">", "=", "!")) and "<or>" not in text
)
plain_words = words.filter(lambda text: not text.startswith("s"))
scalars = st.text() | st.booleans() | st.integers() | st.floats()
values = st.none() | scalars | st.lists(scalars).map(tuple)


@pytest.mark.parametrize(
    ("selector", "value", "matches"),
    [
        ("<or> ssd <or> nvme", "nvme", True),
        ("<or> ssd <or> nvme", "nvme disk", False),
        ("<or> sas disk <or> nvme", "sas disk", True),
        ("<or> 5 <or> 7", 7, True),
        ("<in> rack", "third rack, left", True),
        ("<in> rack", ("rack", "row"), True),
        ("<in> rack", ("rack 1", "row"), False),
        ("<in> r.ck", "rack", False),
        ("<in> 7", 7, False),
        ("<is> true", True, True),
        ("<is> True", "true", True),
        ("<is> true", "yes", False),
        ("<is> true", None, False),
        ("<is> false", None, True),
        ("<is> false", False, True),
        ("<is> false", True, False),
        ("= 5", 5.0, True),
        ("== 5", "5", True),
        ("== 5", "5 ms", False),
        ("!= 5", 6, True),
        ("!= 5", "fast", False),
        (">= 5", 5, True),
        (">=5", 4, False),
        ("<= 5", 5, True),
        ("<= 5", 6, False),
        ("<= 5", True, False),
        ("s== left side", "left side", True),
        ("s== left", "left side", False),
        ("s!= hdd", "ssd", True),
        ("s!= hdd", None, False),
        ("s!= hdd", ("hdd", "ssd"), False),
        ("s< b", "a", True),
        ("s<= b", "b", True),
        ("s> b", "c", True),
        ("s>= b", "a", False),
        ("s>= b", ("z",), False),
        ("third rack left", "third rack left", True),
        ("third", "third rack left", False),
        ("ssd", ("hdd", "ssd"), True),
        ("true", True, True),
        ("5", 5, True),
        ("ssd", "ssd", True),
        ("ssd", None, False),
    ],
)
def test_each_operator_on_known_values(selector: str, value: Any, matches: bool) -> None:
    assert Selector.parse(selector).matches(value) is matches


@pytest.mark.parametrize(
    "written",
    [
        "",
        "  ",
        ">= many",
        "== ",
        "<or>",
        "<or> a <or> ",
        "<in>",
        "<is> maybe",
        "<foo> 1",
        "< 5",
        "> 5",
        "!5",
        "s==",
        ">= nan",
        "<= inf",
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        Selector.parse(written)


def test_the_sentence_about_an_unknown_operator_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="known are <or> <in> <is>") as caught:
        Selector.parse("<near> here")
    assert all(operator in str(caught.value) for operator in OPERATORS)


@given(
    st.sampled_from(
        ["<or> a <or> 1", "<in> a", "<is> true", "= 1", "!= 1", ">= 1", "<= 1", "s== a", "s!= a", "s< a", "s>= a", "a"]
    ),
    values,
)
@settings(max_examples=300)
def test_no_value_that_a_pool_reports_raises(selector: str, value: Any) -> None:
    assert Selector.parse(selector).matches(value) in (True, False)


@given(numbers, numbers)
def test_numeric_operators_agree_with_arithmetic(left: float, right: float) -> None:
    assert Selector.parse(f">= {right!r}").matches(left) is (left >= right)
    assert Selector.parse(f"<= {right!r}").matches(left) is (left <= right)
    assert Selector.parse(f"= {right!r}").matches(left) is (left == right)
    assert Selector.parse(f"!= {right!r}").matches(left) is (left != right)


@given(st.text(), st.text(min_size=1).filter(lambda text: text == text.strip()))
def test_textual_operators_agree_with_the_order_of_texts(left: str, right: str) -> None:
    assert Selector.parse(f"s< {right}").matches(left) is (left < right)
    assert Selector.parse(f"s>= {right}").matches(left) is (left >= right)
    assert Selector.parse(f"s== {right}").matches(left) is (left == right)


@given(plain_words)
def test_a_plain_value_equals_itself_with_all_its_spaces(word: str) -> None:
    assert Selector.parse(word).matches(word)
    assert not Selector.parse(word + " x").matches(word)


@given(st.lists(words, min_size=1, max_size=5), words)
def test_or_is_true_when_one_of_its_values_is(alternatives: list[str], value: str) -> None:
    selector = Selector.parse(" ".join(f"<or> {each}" for each in alternatives))
    assert selector.matches(alternatives[-1])
    # Two words that read as the same number are equal too, so only the way to True is checked here.
    assert selector.matches(value) or value not in alternatives


@given(st.text())
def test_any_text_is_read_or_refused(written: str) -> None:
    try:
        selector = Selector.parse(written)
    except ValueError:
        return
    assert selector.matches("something") in (True, False)


def test_a_selector_that_would_stall_a_regular_expression_is_instant() -> None:
    assert not Selector.parse("<in> (a+)+$").matches("a" * 100_000 + "b")


def test_json_numbers_and_booleans_ask_for_themselves() -> None:
    assert Selector.parse(True).matches(True)
    assert not Selector.parse(False).matches(True)
    assert Selector.parse(7).matches("7")
    assert not Selector.parse(7.5).matches(7)


def _inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)


class TestCapabilities:
    def test_nested_documents_are_reached_by_dotted_keys(self) -> None:
        found = Capabilities({"dataStorage": {"compression": True, "kinds": ["Read", "Write"]}})
        assert found.get("dataStorage.compression") is True
        assert found.get("extras.dataStorage.compression") is True
        assert found.get("dataStorage.kinds") == ("Read", "Write")
        assert found.get("dataStorage") is None

    def test_a_key_without_section_is_looked_for_in_advanced(self) -> None:
        found = Capabilities({"advanced": {"diskType": "ssd"}, "multiAttach": True})
        assert found.get("diskType") == "ssd"
        assert found.get("multiAttach") is True

    def test_abilities_and_protocols_can_be_selected(self) -> None:
        found = Capabilities({}, ["clone"], ["iSCSI"])
        assert Selector.parse("<in> clone").matches(found.get("abilities"))
        assert Selector.parse("<in> iscsi").matches(found.get("protocols"))

    @pytest.mark.parametrize(
        ("reported", "goodness"), [(50, 0.5), ("50", 0.5), (500, 1.0), (-3, 0.0), ("good", 0.0), (None, 0.0)]
    )
    def test_goodness_is_brought_to_its_range(self, reported: Any, goodness: float) -> None:
        assert Capabilities({"advanced": {"goodness": reported}}).goodness == goodness

    @given(st.recursive(scalars | st.none(), _inside, max_leaves=6))
    @settings(max_examples=50)
    def test_any_report_of_a_driver_is_taken(self, value: Any) -> None:
        found = Capabilities({"advanced": {"x": value, "goodness": value, "enforces": value}, "storageType": value})
        assert 0.0 <= found.goodness <= 1.0
