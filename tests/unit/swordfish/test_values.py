"""What clients send is checked, and every fault is said in the registry's words."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from isthmus.plugins.swordfish.protocol.refusal import Refusal
from isthmus.plugins.swordfish.protocol.resource import Body, Property
from isthmus.plugins.swordfish.protocol.values import (
    check_apply_times,
    check_changes,
    check_creation,
    check_parameters,
)

BODY = Body(
    {
        "Name": {"type": "string", "minLength": 1},
        "Size": {"type": "integer", "minimum": 1},
        "Kind": {"enum": ["a", "b"]},
        "Links": {
            "type": "object",
            "additionalProperties": False,
            "required": ["To"],
            "properties": {"To": {"type": "string"}},
        },
    },
    required=("Name",),
)
PROPERTIES = (
    Property("Size", lambda noun, request: 1, write={"type": "integer", "minimum": 1}),
    Property("Servers", lambda noun, request: [], write={"type": "array", "items": {"type": "string"}}),
    Property(
        "Parts",
        lambda noun, request: [],
        write={"type": "array", "items": {"type": "object", "properties": {"A": {"type": "integer"}}}},
    ),
    Property("State", lambda noun, request: "on"),
)


LATER = {"@Redfish.OperationApplyTime": "AtMaintenanceWindowStart"}
WINDOW = "@Redfish.MaintenanceWindow"


def ids(refusal: Refusal) -> list[str]:
    return [message["MessageId"].rpartition(".")[2] for message in refusal.messages]


@pytest.mark.parametrize(
    ("sent", "faults"),
    [
        ({}, ["CreateFailedMissingReqProperties"]),
        ({"Name": "x", "Size": "10"}, ["PropertyValueTypeError"]),
        ({"Name": "x", "Size": True}, ["PropertyValueTypeError"]),
        ({"Name": "x", "Size": -5}, ["PropertyValueOutOfRange"]),
        ({"Name": "", "Size": 1}, ["PropertyValueFormatError"]),
        ({"Name": "x", "Kind": "c"}, ["PropertyValueNotInList"]),
        ({"Name": "x", "Bogus": 1, "Size": -1}, ["PropertyUnknown", "PropertyValueOutOfRange"]),
        ({"Name": "x", "Links": {"To": "y", "Else": 1}}, ["PropertyUnknown"]),
        ({"Name": "x", "Links": {}}, ["PropertyMissing"]),
        ({"Name": "x", "@Redfish.OperationApplyTime": "OnReset"}, ["PropertyValueNotInList"]),
    ],
)
def test_a_creation_names_every_fault(sent: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(Refusal) as caught:
        check_creation(sent, BODY)
    assert caught.value.status == 400
    assert sorted(ids(caught.value)) == sorted(faults)


@pytest.mark.parametrize(
    ("sent", "key", "limit"), [([], "ArraySizeTooShort", "1"), (["a", "b"], "ArraySizeTooLong", "1")]
)
def test_an_array_has_the_size_that_is_said(sent: list[str], key: str, limit: str) -> None:
    body = Body({"Names": {"type": "array", "minItems": 1, "maxItems": 1}})
    for check in (check_creation, partial(check_parameters, action="Thing.Do")):
        with pytest.raises(Refusal) as caught:
            check({"Names": sent}, body)
        assert ids(caught.value) == [key] and caught.value.messages[0]["MessageArgs"] == ["Names", limit]


@pytest.mark.parametrize(
    ("schema", "sent", "advice"),
    [
        ({"minimum": 1}, 0, "Send a number that is at least 1."),
        ({"minimum": 1, "maximum": 9}, 10, "Send a number that is at least 1 and at most 9."),
        ({"minimum": 5, "multipleOf": 5}, 7, "Send a number that is at least 5 and a multiple of 5."),
        ({"exclusiveMinimum": 0}, 0, "Send a number that is more than 0."),
    ],
)
def test_a_number_that_is_out_of_range_is_told_the_range(schema: dict[str, int], sent: int, advice: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_creation({"Size": sent}, Body({"Size": {"type": "integer", **schema}}))
    assert ids(caught.value) == ["PropertyValueOutOfRange"]
    assert caught.value.messages[0]["Resolution"] == advice


def test_annotations_say_nothing_about_a_resource() -> None:
    sent = {"@odata.type": "#X", "Name": "x", "@Redfish.OperationApplyTime": "Immediate"}
    assert check_creation(sent, BODY) == {"Name": "x"}


@pytest.mark.parametrize(
    "when", [{"ApplyTime": "OnReset"}, {"ApplyTime": "InMaintenanceWindowOnReset"}, {}, "OnReset", 1]
)
def test_a_change_that_is_to_wait_is_not_made_at_once(when: Any) -> None:
    with pytest.raises(Refusal) as caught:
        check_changes({"Size": 5, "@Redfish.SettingsApplyTime": when}, PROPERTIES, {})
    assert ids(caught.value) == ["PropertyValueNotInList"]
    assert caught.value.messages[0]["MessageArgs"][1] == "@Redfish.SettingsApplyTime/ApplyTime"


@pytest.mark.parametrize("when", [{"ApplyTime": "Immediate"}, {"@odata.type": "#X", "ApplyTime": "Immediate"}, None])
def test_a_change_that_is_to_be_made_at_once_is(when: Any) -> None:
    assert check_changes({"Size": 5, "@Redfish.SettingsApplyTime": when}, PROPERTIES, {}) == ({"Size": 5}, [])


def test_parameters_of_an_action_have_words_of_their_own() -> None:
    with pytest.raises(Refusal) as caught:
        check_parameters({"Size": "x", "Bogus": 1, "Kind": "c"}, BODY, "Volume.Do")
    assert ids(caught.value) == [
        "ActionParameterMissing",
        "ActionParameterValueTypeError",
        "ActionParameterUnknown",
        "ActionParameterValueNotInList",
    ]
    assert caught.value.messages[1]["MessageArgs"] == ["x", "Size", "Volume.Do"]


def test_the_good_part_of_a_mixed_change_is_taken_and_the_rest_is_said() -> None:
    changes, messages = check_changes({"Size": 5, "State": "off", "Bogus": 1, "Id": "x"}, PROPERTIES, {})
    assert changes == {"Size": 5}
    assert [message["MessageId"].rpartition(".")[2] for message in messages] == [
        "PropertyNotWritable",
        "PropertyUnknown",
        "PropertyNotWritable",
    ]


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        ({}, "NoOperation"),
        ({"@odata.id": "/x"}, "NoOperation"),
        ({"State": "off"}, "PropertyNotWritable"),
        ({"Bogus": 1}, "PropertyUnknown"),
    ],
)
def test_a_change_of_nothing_is_refused(sent: dict[str, Any], fault: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_changes(sent, PROPERTIES, {})
    assert (caught.value.status, ids(caught.value)) == (400, [fault])


@pytest.mark.parametrize(
    ("current", "sent", "after"),
    [
        (["a", "b"], ["c", "d"], ["c", "d"]),
        (["a", "b"], [None, "b"], ["b"]),
        (["a", "b"], [{}, "d"], ["a", "d"]),
        (["a", "b"], ["b"], ["b"]),
        (["a", "b"], [{}, {}, "c"], ["a", "b", "c"]),
        (["a", "b"], [], []),
    ],
)
def test_arrays_change_by_place(current: list[str], sent: list[Any], after: list[str]) -> None:
    changes, messages = check_changes({"Servers": sent}, PROPERTIES, {"Servers": current})
    assert (changes, messages) == ({"Servers": after}, [])


def test_an_object_in_an_array_keeps_what_was_not_sent() -> None:
    changes, _ = check_changes({"Parts": [{"A": 2}, None]}, PROPERTIES, {"Parts": [{"A": 1, "B": 1}, {"A": 9}]})
    assert changes == {"Parts": [{"A": 2, "B": 1}]}


def test_the_maintenance_window_is_taken_where_it_is_offered_and_refused_elsewhere() -> None:
    offering = replace(BODY, later=True)
    assert check_creation({"Name": "x", **LATER}, offering) == {"Name": "x"}
    assert check_parameters({"Name": "x", **LATER}, offering, "Thing.Do") == {"Name": "x"}
    assert check_changes({"Size": 5, **LATER}, PROPERTIES, {}, later=True) == ({"Size": 5}, [])
    check_apply_times(LATER, True)
    for refused in (
        lambda: check_creation({"Name": "x", **LATER}, BODY),
        lambda: check_parameters({"Name": "x", **LATER}, BODY, "Thing.Do"),
        lambda: check_changes({"Size": 5, **LATER}, PROPERTIES, {}),
        lambda: check_apply_times(LATER, False),
        lambda: check_apply_times({"@Redfish.OperationApplyTime": "InMaintenanceWindowOnReset"}, True),
        lambda: check_apply_times({"@Redfish.OperationApplyTime": ["AtMaintenanceWindowStart"]}, True),
        lambda: check_apply_times({"@Redfish.SettingsApplyTime": {"ApplyTime": "AtMaintenanceWindowStart"}}, True),
    ):
        with pytest.raises(Refusal) as caught:
            refused()
        assert ids(caught.value) == ["PropertyValueNotInList"]


def test_an_annotation_that_asks_for_something_is_not_passed_over() -> None:
    with pytest.raises(Refusal) as caught:
        check_creation({"Name": "x", WINDOW: {}}, BODY)
    assert ids(caught.value) == ["PropertyUnknown"]
    changes, messages = check_changes({"Size": 5, WINDOW: {}}, PROPERTIES, {})
    assert changes == {"Size": 5} and messages[0]["RelatedProperties"] == [f"/{WINDOW}"]
    having = (*PROPERTIES, Property(WINDOW, lambda noun, request: {}, write={"type": "object"}))
    assert check_changes({WINDOW: {"a": 1}}, having, {WINDOW: {"b": 2}}) == ({WINDOW: {"a": 1}}, [])
