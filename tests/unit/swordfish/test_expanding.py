"""`$expand` (DSP0266, The $expand query parameter)."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.core.errors import NotFound
from isthmus.plugins.swordfish.protocol.expanding import MOST, expanded
from isthmus.plugins.swordfish.protocol.options import Expand

HERE: dict[str, dict[str, Any]] = {
    "/a": {"@odata.id": "/a", "Below": {"@odata.id": "/b"}, "Links": {"Beside": {"@odata.id": "/c"}}},
    "/b": {"@odata.id": "/b", "Members": [{"@odata.id": "/c"}]},
    "/c": {"@odata.id": "/c", "Back": {"@odata.id": "/a"}, "Actions": {"#X": {"target": "/c/Actions/X"}}},
}


def follow(uri: str) -> dict[str, Any]:
    try:
        return HERE[uri]
    except KeyError:
        raise NotFound("None.") from None


@pytest.mark.parametrize(
    ("wanted", "below", "beside"),
    [
        (Expand(links=False, subordinate=True, levels=1), HERE["/b"], {"@odata.id": "/c"}),
        (Expand(links=True, subordinate=False, levels=1), {"@odata.id": "/b"}, HERE["/c"]),
        (Expand(links=True, subordinate=True, levels=1), HERE["/b"], HERE["/c"]),
        (
            Expand(links=False, subordinate=True, levels=2),
            {"@odata.id": "/b", "Members": [HERE["/c"]]},
            {"@odata.id": "/c"},
        ),
    ],
)
def test_what_is_asked_for_is_followed(wanted: Expand, below: dict[str, Any], beside: dict[str, Any]) -> None:
    found = expanded(HERE["/a"], wanted, follow)
    assert (found["Below"], found["Links"]["Beside"]) == (below, beside)


def test_what_the_caller_may_not_see_stays_a_link() -> None:
    body = {"Members": [{"@odata.id": "/nowhere"}, {"@odata.id": "/c"}]}
    found = expanded(body, Expand(links=False, subordinate=True, levels=1), follow)
    assert found == {"Members": [{"@odata.id": "/nowhere"}, HERE["/c"]]}


def test_an_answer_has_an_end() -> None:
    body = {"Members": [{"@odata.id": "/c"}] * (MOST + 5)}
    found = expanded(body, Expand(links=True, subordinate=True, levels=3), follow)["Members"]
    assert sum(str(one).count("'Actions'") for one in found) <= MOST
    assert found[-1] == {"@odata.id": "/c"}
