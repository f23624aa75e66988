"""Every link of a populated service leads to a resource, for whoever may see the link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from isthmus.plugins.swordfish.catalogue import SERVED
from isthmus.plugins.swordfish.protocol.resource import Collection, Resource
from tests.environment.redfish import ADMINISTRATOR
from tests.integration.swordfish.populated import ROLES, Populated

pytestmark = [pytest.mark.xdist_group("populated"), pytest.mark.server, pytest.mark.timeout(240)]

Walked = Mapping[str, Mapping[str, Any]]


def kinds(walked: Walked) -> set[str]:
    """The types of what was met."""
    return {str(body["@odata.type"]).removeprefix("#").partition(".")[0] for body in walked.values()}


def texts(value: Any, name: str = "") -> Iterator[str]:
    """The URIs that are no links but plain values; those of actions and of the event stream are left out."""
    if isinstance(value, str):
        if value.startswith("/redfish/") and not name.startswith("@odata"):
            yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in ("Actions", "ServerSentEventUri"):
                yield from texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, name)


def at(body: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def test_an_administrator_meets_everything_that_is_served(populated: Populated) -> None:
    walked = populated.service.client(ADMINISTRATOR).walk()
    served = {one.type for one in SERVED if isinstance(one, Resource | Collection)}
    assert served - kinds(walked) == set()
    assert len(walked) > 250


def test_what_names_a_uri_names_one_that_is_there(populated: Populated) -> None:
    client = populated.service.client(ADMINISTRATOR)
    named = {uri for body in client.walk().values() for uri in texts(body)}
    assert any("TaskMonitors" in uri for uri in named) and any("#" in uri for uri in named)
    for uri in named:
        path, _, pointer = uri.partition("#")
        answer = client.get(path)
        if "TaskMonitors" in path:
            # It says what became of the operation: what that made may be gone, but not the monitor.
            assert answer.status_code != 404 or path not in answer.text
        else:
            assert answer.status_code == 200, uri
            assert not pointer or at(answer.json(), pointer) is not None


@pytest.mark.parametrize("role", ["operator", "readonly"])
def test_an_account_of_the_installation_can_follow_every_link(populated: Populated, role: str) -> None:
    walked = populated.service.client(f"made-{role}").walk()
    assert {"StoragePool", "ClassOfService", "Fabric", "Manager"} & kinds(walked)
    assert not any("/Volumes/" in uri for uri in walked)


@pytest.mark.parametrize("role", ROLES)
def test_a_tenants_user_can_follow_every_link_and_meets_no_other_tenant(populated: Populated, role: str) -> None:
    walked = populated.user("blue", role).walk()
    assert {"Volume", "StoragePool", "ClassOfService", "Connection", "EndpointGroup", "Task"} <= kinds(walked)
    red = populated.tenants["red"]
    assert [uri for uri, body in walked.items() if red in str(body)] == []


@pytest.mark.parametrize("role", ROLES)
def test_what_another_tenant_has_is_not_there_for_a_tenants_user(populated: Populated, role: str) -> None:
    own = populated.user("blue", role).walk()
    others = populated.user("red", role).walk()
    client = populated.user("blue", role)
    hidden = [uri for uri in others if uri not in own]
    assert len(hidden) > 10
    assert {uri for uri in hidden if client.get(uri).status_code != 404} == set()
