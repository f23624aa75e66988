"""Storage systems where the datastores are: added, tested, changed and removed in the plug-in's page, by who may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import readable
from tests.browser.desk import Desk, Enter, expect
from tests.browser.dialog import Dialog
from tests.browser.people import ANNA, DORA
from tests.browser.site import Site
from tests.browser.test_views import LOOKS
from tests.environment.server import RunningServer, running_server, until

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Locator

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("browser")]
ROW_ACTIONS = {"system-test", "system-edit", "system-remove"}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A second installation."""
    with running_server(tmp_path_factory.mktemp("far")) as server:
        yield server


@pytest.fixture(autouse=True)
def none_left(site: Site) -> Iterator[None]:
    yield
    for name, each in systems(site).items():
        if name != "local":
            site.isthmus.ask("DELETE", f"systems/{each['id']}")


def systems(site: Site) -> dict[str, Any]:
    """What Isthmus knows, by name."""
    return {each["name"]: each for each in site.isthmus.call("GET", "systems")["items"]}


def opened(desk: Desk) -> FrameLocator:
    """The page of the storage systems."""
    page = desk.plugin()
    page.locator("#tab-systems").click()
    expect(page.locator(".page")).to_have_attribute("aria-busy", "false")
    return page


def row(page: FrameLocator, name: str) -> Locator:
    """The row of a system."""
    return page.locator("tbody tr").filter(has=page.get_by_role("rowheader", name=name, exact=True))


def menu(page: FrameLocator, name: str) -> Locator:
    """The entries of the menu of a system's row, opened."""
    button, entries = row(page, name).locator(".menu-button"), page.get_by_role("menuitem")

    def is_open() -> bool:
        # A page that is shown anew, as after a dialog, closes its menus.
        expect(page.locator(".page")).to_have_attribute("aria-busy", "false")
        if button.get_attribute("aria-expanded") != "true":
            button.click()
        return entries.count() > 0

    until(is_open)
    return entries


def chosen(desk: Desk, page: FrameLocator, name: str, title: str) -> Dialog:
    """The dialog of an action on a system of the table."""
    menu(page, name).filter(has_text=title).click()
    dialog = Dialog(desk)
    expect(dialog.heading).to_have_text(title)
    return dialog


def adding(desk: Desk, page: FrameLocator) -> Dialog:
    """The dialog in which a system is added."""
    page.locator('[data-key="do systems system-add"]').click()
    return Dialog(desk)


def test_a_system_is_added_tested_changed_and_removed(site: Site, enter: Enter, far: RunningServer) -> None:
    assert far.ca is not None
    desk = enter(DORA)
    page = opened(desk)
    dialog = adding(desk, page)
    dialog.fill(Name="far", Adapter="remote")
    dialog.fill(Address=far.address, Token="isth_wrong-token-of-nobody", Tenant_there="default")
    dialog.field("CA certificate").locator("xpath=..").locator("input[type=file]").set_input_files(far.ca)
    expect(dialog.field("CA certificate")).to_have_value(far.ca.read_text())
    with desk.faults.expected("answer: POST .*: 503", also="Failed to load resource"):
        dialog.button("ui.next").click()
        expect(dialog.alert).to_contain_text("does not accept the credential of this system")
    assert set(systems(site)) == {"local"}
    dialog.button("ui.back").click()
    dialog.fill(Token=far.token)
    dialog.plan()
    assert set(systems(site)) == {"local"}, "looking at the plan has added it"
    dialog.do_at_once()
    assert far.token not in dialog.page.locator("body").inner_text()
    dialog.close()
    expect(row(page, "far")).to_contain_text("Answers")
    assert systems(site)["far"]["address"] == far.address

    dialog = chosen(desk, page, "far", "Test Storage System")
    dialog.planned()
    dialog.do_at_once()
    expect(dialog.page.get_by_role("main")).to_contain_text("Answers")
    assert readable.faults(dialog.page) == []
    dialog.close()

    dialog = chosen(desk, page, "far", "Change Storage System")
    dialog.settled()
    expect(dialog.field("Storage system").locator("option:checked")).to_have_text(re.compile("^far"))
    dialog.fill(New_name="farther")
    # A box of what is to be forgotten has the same name.
    dialog.page.get_by_role("textbox", name="Token", exact=True).fill(far.token)
    dialog.plan()
    main = dialog.page.get_by_role("main")
    expect(main).to_contain_text("farther")
    assert far.token not in main.inner_text() and readable.faults(dialog.page) == []
    dialog.do_at_once()
    dialog.close()
    expect(row(page, "farther")).to_contain_text("Answers")
    known = systems(site)
    assert set(known) == {"local", "farther"} and known["farther"]["address"] == far.address

    dialog = chosen(desk, page, "farther", "Remove Storage System")
    dialog.planned()
    expect(dialog.page.get_by_role("main")).to_contain_text("farther")
    assert set(systems(site)) == {"local", "farther"}
    dialog.do_at_once()
    dialog.close()
    expect(row(page, "farther")).to_have_count(0)
    assert set(systems(site)) == {"local"}


@pytest.mark.parametrize(("locale", "theme"), LOOKS)
def test_every_dialog_of_a_system_can_be_read(
    site: Site, enter: Enter, far: RunningServer, locale: str, theme: str
) -> None:
    assert far.ca is not None
    settings = {"ca": far.ca.read_text(), "tenant": "default"}
    wanted = {"name": "far", "adapter": "remote", "address": far.address, "settings": settings}
    site.isthmus.call("POST", "systems", {**wanted, "secrets": {"token": far.token}})
    desk = enter(DORA, client_locale=locale, theme=theme)
    page = opened(desk)
    wrong: list[str] = []

    def read(dialog: Dialog, action: str) -> None:
        dialog.settled()
        desk.screenshot(f"dialog-{action}-{locale}-{theme}")
        wrong.extend(f"{action}: {each}" for each in readable.faults(dialog.page))

    dialog = adding(desk, page)
    read(dialog, "system-add")
    for adapter in ("remote", "swordfish"):
        dialog.page.locator("select").first.select_option(label=adapter)
        read(dialog, f"system-add-{adapter}")
    dialog.close()
    titles = menu(page, "far").all_inner_texts()
    assert len(titles) == len(ROW_ACTIONS)
    desk.page.keyboard.press("Escape")
    seen = set()
    for title in titles:
        dialog = chosen(desk, page, "far", title)
        expect(dialog.primary).to_be_visible()
        (address,) = desk.page.locator("dialog iframe").evaluate_all("(all) => all.map((one) => one.src)")
        action = address.rpartition("/dialog/")[2].partition(".html")[0]
        seen.add(action)
        read(dialog, action)
        dialog.close()
    assert seen == ROW_ACTIONS
    assert not wrong, "\n".join(wrong)


def test_this_installation_is_only_tested(enter: Enter) -> None:
    desk = enter(DORA)
    page = opened(desk)
    expect(menu(page, "local")).to_have_text(["Test Storage System"])


def test_who_does_not_administer_them_sees_them_and_no_more(enter: Enter) -> None:
    page = opened(enter(ANNA))
    expect(row(page, "local")).to_have_count(1)
    expect(page.locator(".menu-button")).to_have_count(0)
    expect(page.locator('[data-key="do systems system-add"]')).to_have_count(0)
