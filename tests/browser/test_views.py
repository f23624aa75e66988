"""The plug-in's pages: each shows what is there, in every language and both themes, to be read by everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import readable
from tests.browser.desk import Desk, Enter, expect
from tests.browser.dialog import Dialog
from tests.browser.people import BERND
from tests.browser.site import PROFILE, Site

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("browser")]
# Words depend on the language, colours on the theme: each of both is enough.
LOOKS = [("en-US", "light"), ("de-DE", "dark"), ("zh-CN", "light")]
HOST = "esx-01.example.test"
OBJECTS = ("gold", HOST, "writer")
TABS = ("overview", "systems", "pools", "volumes", "hosts", "operations", "events")
OF_HOSTS = {"provision", "rescan", "check-host", "apply-host-settings"}
DIALOGS = {
    "cluster-1": OF_HOSTS,
    HOST: OF_HOSTS,
    "gold": {"expand", "unmount", "snapshot", "clone", "restore", "snapshot-delete", "protect", "reclaim"},
    "silver": {"delete", "expand", "mount", "snapshot", "clone", "protect", "reclaim"},
    "writer": {"rdm-add", "rdm-remove"},
    "Datacenter": {"sync-profiles"},
}
"""What can be done to each object that is furnished."""
GREYED = {
    "gold": {"delete": "writer", "mount": "gold"},
    "silver": {"unmount": "silver", "restore": "silver", "snapshot-delete": "silver"},
}
"""What cannot be, each with a name that the reason says."""


@pytest.fixture(scope="module")
def furnished(site: Site) -> Iterator[Site]:
    """With a datastore on a volume of ours, a snapshot of it, a machine on it that has a volume of its own; and with
    another datastore on one host."""
    site.act("provision", "cluster-1", name="gold", size=2 << 30, profile=PROFILE)
    site.act("provision", HOST, name="silver", size=2 << 30, profile=PROFILE)
    site.act("snapshot", "gold", name="noon")
    machine = site.machine("writer", "gold")
    disk = site.act("rdm-add", "writer", name="lead", size=1 << 30, profile=PROFILE)["disk"]
    yield site
    site.act("rdm-remove", "writer", disk=disk, delete_volume=True)
    machine.destroy()
    site.act("delete", "silver")
    site.act("delete", "gold", with_snapshots=True)


@pytest.mark.parametrize(("locale", "theme"), LOOKS)
def test_every_view_of_the_plug_ins_own_page_can_be_read(
    furnished: Site, enter: Enter, locale: str, theme: str
) -> None:
    desk = enter(client_locale=locale, theme=theme)
    page = desk.plugin()
    wrong = []
    for tab in TABS:
        page.locator(f"#tab-{tab}").click()
        expect(page.locator(f"#tab-{tab}")).to_have_attribute("aria-selected", "true")
        expect(page.locator(".page")).to_have_attribute("aria-busy", "false")
        expect(page.get_by_role("alert")).to_have_count(0)
        desk.screenshot(f"overview-{tab}-{locale}-{theme}")
        wrong += [f"{tab}: {each}" for each in readable.faults(page)]
    assert page.locator("html").get_attribute("lang") == locale
    texts = desk.visit().plugin.manifest["definitions"]["i18n"]["definitions"]
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["plugin.name"][locale])
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("locale", "theme"), LOOKS)
def test_every_page_and_card_of_an_object_can_be_read(furnished: Site, enter: Enter, locale: str, theme: str) -> None:
    desk = enter(client_locale=locale, theme=theme)
    wrong = []
    for name in OBJECTS:
        desk.go(name)
        labels = desk.tabs()
        assert labels
        shown = [(f"page-{name}", label) for label in labels]
        shown += [(f"card-{name}", "Summary")] if "summary" in desk.places(name) else []
        for what, label in shown:
            page = desk.card() if what.startswith("card") else desk.view(label)
            if what.startswith("card"):
                desk.go(name)
            expect(page.locator(".page")).to_have_attribute("aria-busy", "false")
            expect(page.get_by_role("alert")).to_have_count(0)
            desk.screenshot(f"{what}-{locale}-{theme}")
            wrong += [f"{what}: {each}" for each in readable.faults(page)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("locale", "theme"), LOOKS)
def test_every_dialog_opens_and_can_be_read(furnished: Site, enter: Enter, locale: str, theme: str) -> None:
    desk = enter(client_locale=locale, theme=theme)
    wrong = []
    for name, opened in DIALOGS.items():
        desk.go(name)
        greyed = GREYED.get(name, {})
        assert opened | greyed.keys() == {each["id"] for each in desk.places(name)["menu"]["actions"] if "id" in each}
        for action, said in greyed.items():
            assert said in desk.greyed(action), f"{action} does not say what is in the way"
        for action in sorted(opened):
            title = desk.entry(action).inner_text().strip()
            desk.choose(action)
            dialog = Dialog(desk)
            expect(dialog.heading).to_have_text(title)
            dialog.settled()
            desk.screenshot(f"dialog-{action}-{locale}-{theme}")
            wrong += [f"{action}: {each}" for each in readable.faults(dialog.page)]
            dialog.close()
    assert not wrong, "\n".join(wrong)


def test_the_theme_changes_while_a_page_is_open(furnished: Site, desk: Desk) -> None:
    page = desk.plugin()
    expect(page.locator("body")).to_have_attribute("cds-theme", "light")
    desk.theme("dark")
    expect(page.locator("body")).to_have_attribute("cds-theme", "dark")


def test_the_clients_refresh_reads_the_page_anew(furnished: Site, desk: Desk) -> None:
    page = desk.plugin()
    page.locator("#tab-volumes").click()
    expect(page.get_by_role("rowheader", name="gold", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="tin")).to_have_count(0)
    made = furnished.isthmus.do("POST", "volumes", {"name": "tin", "size": 1 << 30, "profile": PROFILE})
    desk.page.get_by_role("button", name="Refresh", exact=True).first.click()
    expect(page.get_by_role("row", name="tin")).to_be_visible()
    furnished.isthmus.do("DELETE", f"volumes/{made['volume']}")


def test_the_tabs_are_for_the_keyboard(furnished: Site, desk: Desk) -> None:
    page = desk.plugin()
    expect(page.locator(".page")).to_have_attribute("aria-busy", "false")
    desk.tab_to(page.locator("#tab-overview"))
    for tab in (*TABS[1:], TABS[0]):
        desk.press("ArrowRight")
        expect(page.locator(f"#tab-{tab}")).to_be_focused()
        expect(page.locator(f"#tab-{tab}")).to_have_attribute("aria-selected", "true")
        expect(page.locator(".page")).to_have_attribute("aria-busy", "false")
    assert desk.focus() == "button Overview"


def test_what_one_may_only_look_at_is_shown_without_a_fault(furnished: Site, enter: Enter) -> None:
    desk = enter(BERND)
    page = desk.plugin()
    for tab in TABS:
        page.locator(f"#tab-{tab}").click()
        expect(page.locator(".page")).to_have_attribute("aria-busy", "false")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_an_object_in_a_table_leads_to_it(furnished: Site, desk: Desk) -> None:
    desk.go("writer")
    page = desk.view(desk.tabs()[0])
    page.get_by_role("button", name="gold", exact=True).first.click()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("gold")
