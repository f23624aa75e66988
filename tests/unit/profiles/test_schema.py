"""Profile documents: what is taken, what is refused, and that a refusal says where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from isthmus.core.errors import Invalid
from isthmus.core.profiles.schema import check, pointer, schema

IO = "/provisioningProperties/ioConnectivity"


def io(**figures: Any) -> dict[str, Any]:
    return {"provisioningProperties": {"ioConnectivity": figures}}


def faults(document: object) -> dict[str, str]:
    """Path and message of each fault that is found in the document."""
    with pytest.raises(Invalid) as caught:
        check(document)
    return {fault["path"]: fault["message"] for fault in caught.value.details["faults"]}


def test_the_schema_is_itself_valid_and_every_property_says_what_it_means() -> None:
    document = schema()
    Draft202012Validator.check_schema(document)
    for name, section in document["$defs"].items():
        for key, value in section.get("properties", {}).items():
            if value.get("type") != "object" and name != "provisioningProperties":
                assert "description" in value or "$ref" in value, f"{name}.{key}"


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"provisioning": {}}, "/provisioning", "unknown; known here are customProperties"),
        (io(maxIOps=1), f"{IO}/maxIOps", "maxIOPS"),
        (io(maxIOPS="many"), f"{IO}/maxIOPS", "of type integer, not string"),
        (io(maxIOPS=True), f"{IO}/maxIOPS", "not boolean"),
        (io(latency=-1), f"{IO}/latency", "below 0"),
        (io(accessProtocol="../etc"), f"{IO}/accessProtocol", "form"),
        (
            {"provisioningProperties": {"dataStorage": {"provisioningPolicy": "Fat"}}},
            "/provisioningProperties/dataStorage/provisioningPolicy",
            "one of Thin, Thick",
        ),
        (
            {"replicationProperties": {"replicaInfos": {"replicationPeriod": "5s"}}},
            "/replicationProperties/replicaInfos/replicationPeriod",
            "ISO 8601",
        ),
        (
            {"snapshotProperties": {"schedule": {"datetime": "tomorrow"}}},
            "/snapshotProperties/schedule/datetime",
            "ISO 8601",
        ),
        (
            {"customProperties": {"capabilities:a/b": ["x"]}},
            "/customProperties/capabilities:a~1b",
            "string or number or boolean",
        ),
        ({"enforcement": "perhaps"}, "/enforcement", "report, required"),
        ([], "", "of type object, not array"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place_and_what_would_be_right(
    document: Any, path: str, words: str
) -> None:
    assert words in faults(document)[path]


def test_all_faults_are_told_up_to_ten() -> None:
    found = faults({f"x{number}": 1 for number in range(30)})
    assert len(found) == 10


def test_the_sentence_counts_the_faults_it_does_not_name() -> None:
    with pytest.raises(Invalid, match=r"/x: unknown.*\(and 1 more\)"):
        check({"x": 1, "y": 1})


@pytest.mark.parametrize("period", ["P1D", "PT15M", "P3Y6M4DT12H30M5S", "PT0.5S", "P2W"])
def test_durations_are_taken(period: str) -> None:
    check({"replicationProperties": {"replicaInfos": {"replicationPeriod": period}}})


@pytest.mark.parametrize("period", ["P", "PT", "P1DT", "1D", "PT1D", "P-1D", ""])
def test_what_is_no_duration_is_refused(period: str) -> None:
    faults({"replicationProperties": {"replicaInfos": {"replicationPeriod": period}}})


def _inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(["provisioningProperties", "ioConnectivity", "customProperties", "schedule", "x"])
    return st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), _inside, max_leaves=8))
@settings(max_examples=50)
def test_any_document_is_taken_or_refused_as_invalid(document: Any) -> None:
    try:
        check(document)
    except Invalid as error:
        assert error.details["faults"]
    else:
        assert isinstance(document, dict)


def test_pointers_escape_what_the_standard_says() -> None:
    assert pointer(["a/b", "c~d", 0]) == "/a~1b/c~0d/0"
    assert pointer([]) == ""
