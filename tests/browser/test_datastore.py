"""A datastore from its beginning to its end, by the plug-in's dialogs, on LUNs that hosts really log in to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.desk import Desk, Enter, expect
from tests.browser.dialog import Dialog
from tests.browser.site import PROFILE, Site

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("browser")]
GIB = 1 << 30
FORM = """
- main:
  - heading "Provision Datastore" [level=1]
  - list "Steps of this dialog":
    - listitem: Details
    - listitem: Check
    - listitem: Carry out
  - textbox "Name"
  - spinbutton "Size"
  - combobox "Unit of Size"
  - combobox "Storage system"
  - combobox "Profile"
  - combobox "Pool"
  - group "Hosts":
    - checkbox "esx-01.example.test"
    - checkbox "esx-02.example.test"
  - button "Cancel"
  - button "Next"
"""
PLAN = """
- main:
  - heading "Provision Datastore" [level=1]
  - heading [level=2]
  - term: Profile
  - definition: Gold
  - heading "Datastore" [level=3]
  - term: Name
  - definition: gold
  - term: Type
  - definition: VMFS
  - table "Hosts":
    - rowgroup:
      - row "esx-01.example.test"
      - row "esx-02.example.test"
  - button "Cancel"
  - button "Back"
  - button "Provision Datastore"
"""


@pytest.fixture(autouse=True)
def as_before(site: Site) -> Iterator[None]:
    """What a test made is gone when it ends, also when it failed."""
    before = set(site.datastores())
    yield
    site.vc.interference.clear()
    for name in sorted(set(site.datastores()) - before):
        for machine in site.machines_on(name):
            machine.destroy()
        site.act("delete", name, with_snapshots=True)


def provisioned(desk: Desk, name: str, size: str = "2") -> None:
    """By the dialog, with the profile."""
    desk.go("cluster-1")
    desk.choose("provision")
    dialog = Dialog(desk)
    dialog.fill(Name=name, Size=size, Profile=PROFILE)
    dialog.plan()
    dialog.do()
    dialog.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_datastores_life(site: Site, enter: Enter, theme: str) -> None:
    desk = enter(theme=theme)
    desk.go("cluster-1")
    desk.choose("provision")
    dialog = Dialog(desk)
    dialog.settled()
    expect(dialog.page.locator("body")).to_match_aria_snapshot(FORM)
    dialog.fill(Name="gold", Size="2", Profile=PROFILE)
    desk.screenshot(f"provision-form-{theme}")
    dialog.plan()
    expect(dialog.page.locator("body")).to_match_aria_snapshot(PLAN)
    assert "gold" not in site.datastores() and not site.volumes(), "looking at the plan has changed something"
    desk.screenshot(f"provision-plan-{theme}")
    dialog.do()
    desk.screenshot(f"provision-done-{theme}")
    dialog.close()

    (volume,) = site.volumes()
    store = site.vc.named("gold")
    assert [each.mountInfo.accessible for each in store.get("host")] == [True, True]
    expect(desk.page.get_by_role("treeitem", name="gold", exact=True)).to_be_visible()
    tasks = desk.page.get_by_role("table", name="Recent Tasks").locator("tbody tr").first
    expect(tasks).to_contain_text("Provision Datastore")
    expect(tasks).to_contain_text("Completed")
    machine = site.machine("writer", "gold")
    machine.guest_writes("written through the datastore")
    assert b"written through the datastore" in site.reads(volume["id"])

    desk.go("gold")
    desk.choose("expand")
    dialog = Dialog(desk)
    dialog.fill(New_size="3")
    dialog.plan()
    dialog.do()
    dialog.close()
    assert site.vc.named("gold").get("summary.capacity") > 3 * GIB - (64 << 20)
    assert b"written through the datastore" in site.reads(volume["id"])

    desk.choose("snapshot")
    dialog = Dialog(desk)
    dialog.fill(Name="noon")
    dialog.plan()
    dialog.do()
    dialog.close()
    machine.guest_writes("written later")
    assert b"written later" in site.reads(volume["id"])

    desk.choose("restore")
    dialog = Dialog(desk)
    dialog.fill(Snapshot="noon")
    dialog.plan()
    desk.screenshot(f"restore-plan-{theme}")
    dialog.do()
    dialog.close()
    found = site.reads(volume["id"])
    assert b"written through the datastore" in found and b"written later" not in found

    assert "writer" in desk.greyed("delete"), "what is in the way is not named"
    desk.page.keyboard.press("Escape")
    for each in site.machines_on("gold"):
        each.destroy()
    desk.choose("delete")
    dialog = Dialog(desk)
    dialog.field("Delete the volume's snapshots too").check()
    dialog.plan()
    dialog.do()
    dialog.close()
    assert "gold" not in site.datastores() and not site.volumes()
    expect(desk.page.get_by_role("treeitem", name="gold", exact=True)).to_have_count(0)


def opened_by_keys(desk: Desk, title: str) -> Dialog:
    """The dialog of an entry of the menu, which is opened again while the entry is greyed."""
    desk.tab_to(desk.page.get_by_role("button", name="Actions"))

    def opened() -> Locator:
        desk.page.keyboard.press("Enter")
        desk.page.get_by_role("menuitem").first.wait_for()
        return desk.page.get_by_role("menuitem", name=title, exact=True)

    desk.open_or_greyed(opened, greyed=False)
    while not desk.focus().endswith(title):
        desk.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    return Dialog(desk)


def done_by_keys(desk: Desk, dialog: Dialog) -> None:
    """From the form over the plan to the end of the operation, and out of the dialog."""
    desk.tab_to(dialog.button("ui.next"))
    desk.press("Enter")
    dialog.planned()
    desk.tab_to(dialog.primary)
    desk.page.keyboard.press("Enter")
    dialog.ended("done")
    expect(dialog.button("ui.close")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(desk.dialogs).to_have_count(0)
    assert desk.focus() == "button Actions"


def test_the_keyboard_alone_leads_a_datastore_through_its_life(site: Site, enter: Enter) -> None:
    desk = enter()
    provisioned(desk, "iron")
    desk.tab_to(desk.page.get_by_role("treeitem", name="cluster-1", exact=True))
    while not desk.focus().endswith("iron"):
        desk.press("ArrowDown")
    desk.press("Enter")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("iron")

    dialog = opened_by_keys(desk, "Expand Datastore")
    desk.tab_to(dialog.field("New size"))
    desk.page.keyboard.type("3")
    done_by_keys(desk, dialog)
    assert site.vc.named("iron").get("summary.capacity") > 3 * GIB - (64 << 20)

    dialog = opened_by_keys(desk, "Take Datastore Snapshot")
    desk.tab_to(dialog.field("Name"))
    desk.page.keyboard.type("noon")
    done_by_keys(desk, dialog)

    dialog = opened_by_keys(desk, "Restore Datastore")
    expect(dialog.field("Snapshot")).to_be_enabled()
    desk.tab_to(dialog.field("Snapshot"))
    desk.page.keyboard.type("no")
    done_by_keys(desk, dialog)

    dialog = opened_by_keys(desk, "Delete Datastore and Volume")
    desk.tab_to(dialog.field("Delete the volume's snapshots too"))
    desk.press("Space")
    desk.tab_to(dialog.button("ui.next"))
    desk.press("Enter")
    dialog.planned()
    desk.tab_to(dialog.primary)
    desk.page.keyboard.press("Enter")
    dialog.ended("done")
    assert "iron" not in site.datastores() and not site.volumes()


def test_the_keyboard_alone_provisions(site: Site, enter: Enter) -> None:
    desk = enter(theme="dark")
    desk.tab_to(desk.page.get_by_role("treeitem").first)
    desk.press("ArrowDown", "ArrowDown", "Enter")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("cluster-1")
    dialog = opened_by_keys(desk, "Provision Datastore")
    expect(dialog.field("Name")).to_be_focused()
    desk.page.keyboard.type("silver")
    desk.tab_to(dialog.field("Size"))
    desk.page.keyboard.type("2")
    expect(dialog.field("Profile")).to_be_enabled()
    desk.tab_to(dialog.field("Profile"))
    desk.page.keyboard.type(PROFILE[:2])
    done_by_keys(desk, dialog)
    assert "silver" in site.datastores()
