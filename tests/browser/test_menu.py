"""The menu of an object: our actions as the manifest has them, greyed with the reason where they cannot be done."""

from __future__ import annotations

import pytest

from tests.browser.desk import Desk, Enter, expect
from tests.browser.people import BERND, CLARA
from tests.environment.server import until

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("browser")]

KINDS = {"cluster-1": "ClusterComputeResource", "esx-01.example.test": "HostSystem", "datastore-001": "Datastore"}


def titles(desk: Desk, name: str, locale: str = "en-US") -> list[str]:
    """Of the actions that the manifest has for an object."""
    document = desk.visit().plugin.manifest
    texts = document["definitions"]["i18n"]["definitions"]
    actions = document["objects"][KINDS[name]]["menu"]["actions"]
    return [texts[each["labelKey"]][locale] for each in actions if "labelKey" in each]


@pytest.mark.parametrize("name", KINDS)
def test_somebody_who_may_look_sees_every_action_and_why_it_is_not_for_him(enter: Enter, name: str) -> None:
    desk = enter(BERND)
    desk.go(name)
    assert desk.greyed("expand" if name == "datastore-001" else "provision")
    menu = desk.menu()
    expect(menu.get_by_role("menuitem")).to_have_text(titles(desk, name))
    for entry in menu.locator('[aria-disabled="true"]').all():
        assert entry.get_attribute("title"), f"{entry.inner_text()} does not say why it is greyed"
    desk.screenshot(f"menu-greyed-{KINDS[name]}-light")


def test_a_greyed_action_names_the_privilege_and_does_not_open(enter: Enter) -> None:
    desk = enter(BERND)
    desk.go("cluster-1")
    assert desk.greyed("provision") == "You need the privilege Isthmus.Provision here."
    desk.entry("provision").click(force=True)
    expect(desk.dialogs).to_have_count(0)


def test_a_datastore_without_a_volume_of_ours_says_so(desk: Desk) -> None:
    desk.go("datastore-001")
    for action in ("expand", "delete"):
        reason = desk.greyed(action)
        assert "privilege" not in reason and reason.endswith("."), reason


def test_somebody_without_rights_has_no_action_of_ours(enter: Enter) -> None:
    desk = enter(CLARA)
    desk.go("cluster-1")
    until(lambda: _entries(desk) == 0, 20, "there are actions for somebody without rights")


def _entries(desk: Desk) -> int:
    desk.page.get_by_role("button", name="Actions").click()
    menu = desk.page.get_by_role("menu")
    # With dots it is still being asked.
    expect(menu).not_to_contain_text("Isthmus Storage …")
    found = menu.get_by_role("menuitem").count()
    desk.page.get_by_role("button", name="Actions").click()
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "de-DE", "zh-CN"])
def test_the_menu_is_in_the_clients_language_and_theme(enter: Enter, locale: str, theme: str) -> None:
    desk = enter(client_locale=locale, theme=theme)
    desk.go("cluster-1")
    shown = titles(desk, "cluster-1", locale)
    expect(desk.menu().get_by_role("menuitem")).to_have_text(shown)
    assert locale == "en-US" or shown != titles(desk, "cluster-1")
    icon = desk.menu().locator('[data-action="provision"] .icon')
    sheet = icon.evaluate("(one) => getComputedStyle(one).backgroundImage")
    assert f"icons/{theme}.png" in sheet
    desk.screenshot(f"menu-{locale}-{theme}")


def test_reasons_are_in_the_clients_language(enter: Enter) -> None:
    said = {locale: _reason(enter(BERND, client_locale=locale), "provision") for locale in ("en-US", "de-DE", "zh-CN")}
    assert len(set(said.values())) == 3
    assert all("Isthmus.Provision" in each for each in said.values())


def _reason(desk: Desk, action: str) -> str:
    desk.go("cluster-1")
    return desk.greyed(action)


def test_the_menu_is_for_the_keyboard(desk: Desk) -> None:
    desk.go("cluster-1")
    desk.tab_to(desk.page.get_by_role("button", name="Actions"))
    desk.page.keyboard.press("Enter")
    desk.page.get_by_role("menuitem").first.wait_for()
    shown = titles(desk, "cluster-1")
    assert desk.focus() == f"li {shown[0]}"
    desk.press("End")
    assert desk.focus() == f"li {shown[-1]}"
    desk.press("Escape")
    assert desk.focus() == "button Actions"
    expect(desk.page.get_by_role("menu")).to_be_hidden()
