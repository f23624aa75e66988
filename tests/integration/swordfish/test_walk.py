"""Every link of a populated service leads to a resource, for whoever may see the link."""

from __future__ import annotations

from typing import Any

import pytest

from tests.environment.redfish import ADMINISTRATOR
from tests.integration.swordfish.populated import Populated

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]


def kinds(walked: dict[str, dict[str, Any]]) -> set[str]:
    """The types of what was met."""
    return {str(body["@odata.type"]).removeprefix("#").partition(".")[0] for body in walked.values()}


def test_an_administrator_can_follow_every_link(populated: Populated) -> None:
    walked = populated.service.client(ADMINISTRATOR).walk()
    print(len(walked), sorted(kinds(walked)))
    populated.service.check()


@pytest.mark.parametrize("role", ["manager", "member", "reader"])
def test_a_tenants_user_can_follow_every_link_and_meets_no_other_tenant(populated: Populated, role: str) -> None:
    walked = populated.user("blue", role).walk()
    populated.service.check()
    red = populated.tenants["red"]
    assert [uri for uri, body in walked.items() if red in str(body)] == []
