"""Query options: what is taken, what is refused and how (DSP0266, Query parameters)."""

from __future__ import annotations

import pytest

from isthmus.plugins.swordfish.protocol.options import DEEPEST, PLAIN, Expand, Options, read_options, refuse_options
from isthmus.plugins.swordfish.protocol.refusal import Refusal


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", PLAIN),
        ("unknown=1&other", Options()),
        ("$expand=.", Options(expand=Expand(links=False, subordinate=True, levels=1))),
        ("$expand=~", Options(expand=Expand(links=True, subordinate=False, levels=1))),
        ("$expand=*($levels=2)", Options(expand=Expand(links=True, subordinate=True, levels=2))),
        ("%24expand=.%28%24levels%3D3%29", Options(expand=Expand(links=False, subordinate=True, levels=3))),
        ("$select=Name,Status/Health", Options(select=("Name", "Status/Health"))),
        ("$filter=Name+eq+'a%26b'", Options(filter="Name eq 'a&b'")),
        ("$top=0&$skip=7", Options(top=0, skip=7)),
        ("$skiptoken=abc", Options(after="abc")),
        ("only", Options(only=True)),
    ],
)
def test_options_are_read(query: str, wanted: Options) -> None:
    assert read_options(query, collection=True) == wanted


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("$bogus=1", 501, "QueryParameterUnsupported"),
        ("%24orderby=Name", 501, "QueryParameterUnsupported"),
        ("$expand=", 400, "QueryParameterValueFormatError"),
        ("$expand=?", 400, "QueryParameterValueFormatError"),
        ("$expand=*(2)", 400, "QueryParameterValueFormatError"),
        ("$expand=*($levels=0)", 400, "QueryParameterOutOfRange"),
        (f"$expand=*($levels={DEEPEST + 1})", 400, "QueryParameterOutOfRange"),
        ("$select=", 400, "QueryParameterValueFormatError"),
        ("$select=Na me", 400, "QueryParameterValueFormatError"),
        ("$top=-1", 400, "QueryParameterValueTypeError"),
        ("$top=x", 400, "QueryParameterValueTypeError"),
        ("$skip=1.5", 400, "QueryParameterValueTypeError"),
        ("$skip=99999999999", 400, "QueryParameterValueTypeError"),
        ("only=foo", 400, "QueryParameterValueFormatError"),
        ("only&$top=1", 400, "QueryCombinationInvalid"),
        ("$top=1&$top=2", 400, "QueryCombinationInvalid"),
        ("$filter=%ff", 400, "QueryParameterValueFormatError"),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_clauses_words(query: str, status: int, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_options(query, collection=True)
    assert caught.value.status == status
    assert caught.value.messages[0]["MessageId"].endswith(f".{message}")


@pytest.mark.parametrize(
    ("query", "reading", "status", "message"),
    [
        ("$foo=1", True, 501, "QueryParameterUnsupported"),
        ("$foo=1", False, 501, "QueryParameterUnsupported"),
        ("a=b&%24foo", False, 501, "QueryParameterUnsupported"),
        ("$filter=Name eq 'x'", True, 400, "QueryNotSupportedOnResource"),
        ("only", True, 400, "QueryNotSupportedOnResource"),
        ("$select=Id", False, 400, "QueryNotSupportedOnOperation"),
    ],
)
def test_where_there_are_no_options_all_are_refused(query: str, reading: bool, status: int, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        refuse_options(query, reading=reading)
    assert caught.value.status == status
    assert caught.value.messages[0]["MessageId"].endswith(f".{message}")
    refuse_options("foo=1&bar", reading=reading)


@pytest.mark.parametrize("query", ["$filter=Name eq 'x'", "$top=1", "$skip=1", "$skiptoken=x", "only"])
def test_options_of_collections_are_refused_elsewhere(query: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_options(query, collection=False)
    assert caught.value.messages[0]["MessageId"].endswith(".QueryNotSupportedOnResource")
