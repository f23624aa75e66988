"""Whatever is asked of whatever resource: no request breaks the service, and every answer is one of the standard's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.environment.redfish import RedfishClient
from tests.integration.swordfish.populated import Populated

pytestmark = [pytest.mark.xdist_group("populated"), pytest.mark.server, pytest.mark.timeout(240)]

QUERIES = (
    "$select=Name",
    "$select=Nope/Foo",
    "$select=",
    "%24select=Id",
    "$expand=*($levels=3)",
    "$expand=~",
    "$expand=",
    "only",
    "$top=0",
    "$top=-1",
    "$top=x",
    "$skip=1",
    "$filter=Name eq 'x'",
    "$filter=Status/State eq 'Enabled' and not (Id eq '1')",
    "$filter=((",
    "$skiptoken=zz",
    "excerpt",
    "$orderby=Name",
    "foo=bar",
)
HEADERS = (
    {"If-Match": '"x"'},
    {"If-None-Match": "*"},
    {"Accept": "text/html"},
    {"Accept": "*/*;q=0.1"},
    {"OData-Version": "5.0"},
    {"Prefer": "respond-async"},
)
BODIES: tuple[Any, ...] = (
    {},
    {"Bogus": 1},
    {"@odata.id": "x"},
    {"Name": 5},
    {"Name": None, "Id": None},
    {"Name": "x", "Links": {"ClassOfService": 7}},
    {"Links": []},
    {"": {"": None}},
    [1],
    "x",
    7,
)
READ = {200, 304, 400, 404, 406, 412, 501}
REFUSED = {400, 405, 415}


@pytest.fixture(scope="module")
def samples(populated: Populated) -> dict[str, dict[str, Any]]:
    """One resource of each kind by its URI, as an administrator finds them."""
    kinds: dict[str, str] = {}
    walked = populated.client.walk()
    for uri, body in walked.items():
        kinds.setdefault(str(body["@odata.type"]), uri)
    return {uri: walked[uri] for uri in kinds.values()}


def test_reading_with_any_option_and_header(populated: Populated, samples: dict[str, dict[str, Any]]) -> None:
    for uri in samples:
        for query in QUERIES:
            assert populated.client.get(f"{uri}?{query}").status_code in READ, (uri, query)
        for headers in HEADERS:
            assert populated.client.get(uri, headers=headers).status_code in READ, (uri, headers)
        assert populated.client.head(uri).status_code == 200, uri
    populated.service.check()


def test_nothing_odd_is_taken_for_a_change(populated: Populated, samples: dict[str, dict[str, Any]]) -> None:
    for uri, body in samples.items():
        for method in ("POST", "PATCH", "PUT"):
            assert taken(populated.client, method, uri) == [], (method, uri)
        for action in body.get("Actions", {}).values():
            # An action without parameters takes an empty body for what it is.
            odd = BODIES[3:] if "Subscription" in action["target"] else BODIES
            assert taken(populated.client, "POST", action["target"], odd) == []
    populated.service.check()


def test_a_stranger_learns_nothing(populated: Populated, samples: dict[str, dict[str, Any]]) -> None:
    stranger = populated.service.client(None)
    for uri in samples:
        for method in ("GET", "HEAD", "POST", "PATCH", "DELETE"):
            if uri != "/redfish/v1/" and not (method == "POST" and uri.endswith("/Sessions")):
                assert stranger.request(method, uri).status_code == 401, (method, uri)
    populated.service.check()


def taken(client: RedfishClient, method: str, uri: str, bodies: tuple[Any, ...] = BODIES) -> list[Any]:
    """The bodies that were not refused."""
    return [body for body in bodies if client.request(method, uri, body).status_code not in REFUSED]
