"""The core's events in Redfish's words, and who wants to hear of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from isthmus.core.model.event import Event
from isthmus.core.model.identity import now
from isthmus.plugins.swordfish.events.rendering import payload, records, server_sent
from isthmus.plugins.swordfish.events.subscription import PUSH, Subscription


def happened(kind: str, **said: Any) -> Event:
    values: dict[str, Any] = {
        "id": "e1",
        "kind": kind,
        "resource_type": kind.partition(".")[0],
        "resource": "r1",
        "tenant": "t1",
        "user": "u1",
        "request_id": "req-1",
        "created_at": now(),
        "number": 7,
    }
    return Event(**values | said)


@pytest.mark.parametrize(
    ("event", "message", "origin"),
    [
        (happened("volume.created"), "ResourceCreated", "/redfish/v1/StorageServices/t1/Volumes/r1"),
        (happened("volume.extended"), "ResourceChanged", "/redfish/v1/StorageServices/t1/Volumes/r1"),
        (happened("snapshot.deleted"), "ResourceRemoved", "/redfish/v1/StorageServices/t1/Volumes/r1"),
        (
            happened("attachment.created", body={"protocol": "iscsi"}),
            "ResourceCreated",
            "/redfish/v1/Fabrics/iscsi/Connections/r1",
        ),
        (
            happened("host.updated", body={"initiators": [{"protocol": "nbd", "name": "x"}]}),
            "ResourceChanged",
            "/redfish/v1/Fabrics/nbd/EndpointGroups/r1",
        ),
        (happened("backend.deleted"), "ResourceRemoved", "/redfish/v1/Storage/r1"),
        (happened("user.created"), "ResourceCreated", "/redfish/v1/AccountService/Accounts/r1"),
        (happened("operation.failed"), "TaskAborted", "/redfish/v1/TaskService/Tasks/r1"),
        (happened("operation.needs_attention"), "TaskAborted", "/redfish/v1/TaskService/Tasks/r1"),
    ],
)
def test_an_event_is_a_record_about_its_resource(event: Event, message: str, origin: str) -> None:
    (record,) = records(event)
    assert record["MessageId"].rpartition(".")[2] == message
    assert record["OriginOfCondition"] == {"@odata.id": origin}
    assert record["EventGroupId"] == 7


def test_the_task_that_did_it_is_told_beside_it() -> None:
    first, second = records(happened("volume.created", operation="o1"))
    assert first["MessageId"].endswith(".ResourceCreated")
    assert second["MessageId"].endswith(".TaskCompletedOK") and second["MessageArgs"] == ["o1"]
    assert [first["MemberId"], second["MemberId"]] == ["0", "1"]


def test_what_has_no_place_in_redfish_is_not_told() -> None:
    assert records(happened("token.created")) == []
    assert server_sent(happened("token.created")) == b""


def test_a_stream_carries_the_number_by_which_a_reader_goes_on() -> None:
    event = happened("volume.created")
    identifier, data, *rest = server_sent(event).decode().split("\n")
    assert identifier == "id: 7" and rest == ["", ""]
    assert json.loads(data.removeprefix("data: ")) == payload(7, records(event))


ALL = Subscription("s", PUSH, "u1", None, ("admin",), now())


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, True),
        ({"registry_prefixes": ("ResourceEvent",)}, True),
        ({"registry_prefixes": ("TaskEvent",)}, False),
        ({"resource_types": ("Volume",)}, True),
        ({"resource_types": ("Task",)}, False),
        ({"message_ids": ("ResourceEvent.ResourceCreated",)}, True),
        ({"message_ids": ("ResourceEvent.1.4.ResourceCreated",)}, True),
        ({"message_ids": ("ResourceEvent.ResourceRemoved",)}, False),
        ({"severities": ("Critical",)}, False),
        ({"origins": ("/redfish/v1/StorageServices/t1/Volumes/r1",)}, True),
        ({"origins": ("/redfish/v1/StorageServices/t1/Volumes/r2",)}, False),
        ({"resource_types": ("Volume",), "severities": ("Critical",)}, False),
    ],
)
def test_every_filter_that_is_set_must_let_it_pass(filters: dict[str, Any], wanted: bool) -> None:
    event = happened("volume.created")
    (record,) = records(event)
    assert replace(ALL, **filters).wants(event, record) is wanted
