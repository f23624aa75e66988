"""What a dialog shows of a plan is in the reader's words: no name of a program's is left, whichever action it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from isthmus.plugins.vsphere.actions.declared import DECLARED
from tests.integration.vcenter_simulator.array import Array
from tests.integration.vsphere.actions_site import FULL, GIB, ActionSite, action_site
from tests.integration.vsphere.conftest import ANNA
from tests.integration.vsphere.machines_site import datastore, live_array, machine
from tests.integration.vsphere.test_api import Page, client, token
from tests.simulators.vcenter import Role

FIRST, SECOND = "esx-01.example.test", "esx-02.example.test"
MANAGERS = Role(
    "Storage managers",
    (
        *FULL.privileges, "Isthmus.Manage", "Host.Config.AdvancedConfig", "Host.Config.DateTime",
        "Host.Config.NetService",
    ),
)  # fmt: skip
NEW = {"name": "tin", "size": 2 * GIB, "profile": "shared"}
PLANS: dict[str, tuple[str, dict[str, Any]]] = {
    "provision": (FIRST, NEW),
    "delete": ("bronze", {}),
    "expand": ("gold", {"size": 3 * GIB}),
    "mount": ("silver", {"hosts": [SECOND]}),
    "unmount": ("gold", {"hosts": [SECOND]}),
    "snapshot": ("gold", {"name": "evening"}),
    "clone": ("gold", {"name": "tin"}),
    "restore": ("gold", {"snapshot": "noon"}),
    "snapshot-delete": ("gold", {"snapshot": "noon"}),
    "protect": ("gold", {"every": "weekly", "keep": 7, "days": 30}),
    "rdm-add": ("ledger", NEW),
    "rdm-remove": ("ledger", {"delete_volume": True}),
    "reclaim": ("gold", {"automatic": "fixed"}),
    "rescan": ("cluster-1", {}),
    "check-host": ("cluster-1", {}),
    "apply-host-settings": ("cluster-1", {"rules": []}),
    "sync-profiles": ("Datacenter", {}),
}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# As programs write names.
_RAW = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    with live_array() as running:
        yield running


@pytest.fixture(scope="module")
def furnished(array: Array) -> Iterator[ActionSite]:
    with action_site(array, role=MANAGERS) as site:
        datastore(site)
        for name in ("silver", "bronze"):
            site.done("provision", FIRST, name=name, size=2 * GIB, profile="shared")
        machine(site, "payroll", on=False)
        machine(site, "ledger", on=False, store="silver")
        PLANS["rdm-remove"][1]["disk"] = site.done("rdm-add", "ledger", **{**NEW, "name": "lead"})["disk"]
        site.done("snapshot", "gold", name="noon")
        yield site


def test_every_action_is_planned_here() -> None:
    assert PLANS.keys() == {each.id for each in DECLARED}


@pytest.mark.parametrize("action", PLANS)
@pytest.mark.parametrize("locale", ["en", "de", "zh"])
def test_a_plan_is_told_in_words(furnished: ActionSite, action: str, locale: str) -> None:
    page = Page(client(furnished), furnished.vc, token(furnished.vc, ANNA))
    on, given = PLANS[action]
    blocks = page.got(f"actions/{action}/plan", on, {"input": given}, locale=locale)["blocks"]
    labels = [each["title"] for each in blocks if "title" in each]
    labels += [fact["label"] for each in blocks for fact in each.get("facts", ())]
    labels += [column["label"] for each in blocks for column in each.get("columns", ())]
    cells = [fact["value"] for each in blocks for fact in each.get("facts", ())]
    cells += [cell for each in blocks for row in each.get("rows", ()) for cell in row["cells"].values()]
    assert labels and cells
    assert not [each for each in labels if _RAW.fullmatch(each)]
    assert not [each for each in cells if _ID.fullmatch(str(each["value"]))], "an id tells nobody anything"


def test_a_dialog_that_lets_a_volume_grow_says_how_large_it_is_and_that_it_stays_grown(furnished: ActionSite) -> None:
    page = Page(client(furnished), furnished.vc, token(furnished.vc, ANNA))
    size = page.got("actions/expand", "gold")["input"]["properties"]["size"]
    assert (size["minimum"], size["default"]) == (2 * GIB, 2 * GIB)
    blocks = page.got("actions/expand/plan", "gold", {"input": {"size": 3 * GIB}}, locale="de")["blocks"]
    (notice,) = [each["text"] for each in blocks if each["type"] == "notice"]
    assert "„Hosts suchen das Volume“" in notice and "bleibt es in jedem Fall so groß" in notice
