"""Ids of endpoints, and names of initiators as Redfish has them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from isthmus.core.model.attachment import AccessMode, Attachment, AttachmentState
from isthmus.core.model.identity import now
from isthmus.plugins.swordfish.fabric_ends import (
    durable_name,
    initiator_id,
    initiator_name,
    is_published,
    target_id,
)
from isthmus.plugins.swordfish.protocol.links import member
from isthmus.plugins.swordfish.protocol.resource import Resource
from isthmus.plugins.swordfish.protocol.router import Router
from isthmus.plugins.swordfish.resources.endpoint import ENDPOINT

NAMES = [
    "iqn.2004-10.com.example:web1",
    "iqn.2004-10.com.example:web_1",
    "iqn.2004-10.com.example_3Aweb1",
    "a@b",
    "A",
    "a",
    "iqn." + ":" * 219,
]


def attachment(**changes: object) -> Attachment:
    moment = now()
    made = Attachment(
        "one", "tenant", "volume", "host", AccessMode.READ_WRITE, AttachmentState.ATTACHED, "iscsi", moment, moment
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_different_names_have_different_ids_that_every_client_leaves_alone() -> None:
    ids = [initiator_id(name) for name in NAMES]
    assert len(set(ids)) == len(NAMES)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", one) for one in ids)


@pytest.mark.parametrize("name", NAMES)
def test_an_endpoint_of_any_name_has_an_address(name: str) -> None:
    found = Router([ENDPOINT]).find(
        ENDPOINT.path.replace("{protocol}", "iscsi").replace("{endpoint}", initiator_id(name))
    )
    assert found is not None
    assert isinstance(found[0], Resource) and found[1]["endpoint"] == initiator_id(name)


def test_hosts_that_share_a_target_meet_at_one_endpoint() -> None:
    one, two = (attachment(id=name, shared=True) for name in ("one", "two"))
    assert target_id(one) == target_id(two) != target_id(replace(one, mode=AccessMode.READ_ONLY))
    assert len({target_id(attachment(id=name)) for name in ("one", "two")}) == 2
    assert len({target_id(attachment(id=name, shared=True, protocol="nbd")) for name in ("one", "two")}) == 2


def test_a_target_is_shown_once_it_has_said_where_it_is() -> None:
    assert not is_published(attachment())
    assert is_published(attachment(connection={"chap_user": "web1", "iqn": "iqn.x"}))


@pytest.mark.parametrize(
    ("name", "form", "durable"),
    [
        ("iqn.2004-10.com.example:web1", "iQN", "iqn.2004-10.com.example:web1"),
        ("eui.0123456789ABCDEF", "EUI", "01:23:45:67:89:AB:CD:EF"),
        ("naa.5000c50012345678", "NAA", "5000c50012345678"),
    ],
)
def test_names_are_read_as_they_are_shown(name: str, form: str, durable: str) -> None:
    shown = durable_name(name)
    assert shown == {"DurableName": durable, "DurableNameFormat": form}
    assert initiator_name(durable, form) == name == initiator_name(name, form) == initiator_name(name, None)


def test_what_is_no_durable_name_is_none() -> None:
    for name in ("web1", "eui.0123", "naa.x", "iqn.", "naa.5000c500123456789"):
        assert durable_name(name) is None
    assert initiator_name("web1", None) == "web1"


@pytest.mark.parametrize(("name", "form"), [("web1", "iQN"), ("01:23", "EUI"), ("xyz", "NAA"), ("eui.0123", "EUI")])
def test_a_name_that_is_not_what_it_is_said_to_be_is_none(name: str, form: str) -> None:
    assert initiator_name(name, form) is None


@pytest.mark.parametrize(
    ("uri", "found"),
    [("/a/b", "b"), ("/a/b/", "b"), ("/a", None), ("/a/", None), ("/a/b/c", None), ("/c/b", None), ("b", None)],
)
def test_a_link_leads_to_a_member_of_its_own_collection(uri: str, found: str | None) -> None:
    assert member(uri, "/a") == found
