"""The client that stands in for the real one: it shows what a manifest says, answers what the documentation says that a
plug-in's page may ask, and what goes wrong in a page is seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import readable
from tests.browser.desk import Desk, expect
from tests.environment.server import until

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("browser")]

_READY = "() => new Promise((done) => htmlClientSdk.initialize(() => done(htmlClientSdk.isInitialized())))"


def ask(page: Any, script: str) -> Any:
    """What `script` (an expression of JavaScript, or the body of one with a `done` to call) comes to in a page that
    has the library."""
    page.get_by_role("heading", name="Sample").wait_for()
    assert page.locator("body").evaluate(_READY)
    body = script if "done" in script else f"done({script})"
    return page.locator("body").evaluate(f"() => new Promise((done) => {{ {body}; }})")


def test_the_inventory_is_a_tree_for_the_keyboard(visitor: Desk) -> None:
    visitor.tab_to(visitor.page.get_by_role("treeitem").first)
    visitor.press("End")
    assert visitor.focus() == "li datastore-001"
    visitor.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("datastore-001")
    visitor.press("Home", "ArrowDown", "ArrowDown")
    assert visitor.focus() == "li cluster-1"


def test_a_wrong_password_lets_nobody_in(visitor: Desk) -> None:
    visitor.page.get_by_role("button", name="Log out").click()
    visitor.page.get_by_label("User").fill("anna@vsphere.local")
    visitor.page.get_by_label("Password").fill("wrong")
    with visitor.faults.expected("401"):
        visitor.page.get_by_role("button", name="Log in").click()
        expect(visitor.page.get_by_role("alert")).to_have_text("The user or the password is wrong.")
    visitor.page.get_by_label("Password").fill("Secret-3")
    visitor.page.get_by_role("button", name="Log in").click()
    visitor.page.get_by_role("treeitem").first.wait_for()


def test_the_menu_has_what_the_manifest_lists_and_its_server_shows(visitor: Desk) -> None:
    visitor.go("datastore-001")
    expect(visitor.menu()).to_match_aria_snapshot(
        """
        - menu "Actions":
          - text: Sample
          - menuitem "Do one"
          - separator
          - menuitem "Do two" [disabled]
        """
    )
    assert visitor.page.get_by_role("menuitem", name="Do two").get_attribute("title") == "Not now."


def test_a_hidden_page_has_no_tab(visitor: Desk) -> None:
    visitor.go("datastore-001")
    expect(visitor.page.get_by_role("tab")).to_have_text(["Summary", "Sample page"])
    assert ask(visitor.view("Sample page"), "htmlClientSdk.app.getContextObjects()") == [
        {"id": visitor.shell.urn("datastore-001")}
    ]


def test_a_page_is_told_of_its_surroundings(visitor: Desk) -> None:
    page, vc = visitor.plugin(), visitor.shell.vcenters[0]
    assert ask(page, "htmlClientSdk.app.getContextObjects()") == []
    assert ask(page, "htmlClientSdk.app.getNavigationData()") is None
    assert ask(page, "htmlClientSdk.app.getClientLocale()") == "en-US"
    assert ask(page, "htmlClientSdk.app.getTheme()") == {"name": "light"}
    assert ask(page, "htmlClientSdk.app.getClientInfo()") == {"type": "HTML", "version": "9.0.0"}
    assert ask(page, "htmlClientSdk.app.getApiEndpoints().uiApiEndpoint.fullUrl") == f"{vc.url}/api/ui"
    proxied = ask(page, "htmlClientSdk.getProxiedPluginServerOrigin()")
    assert proxied == f"{visitor.shell.address}/plugins/test.sample.plugin~1.0"
    backends = ask(page, "htmlClientSdk.app.getPluginBackendInfo(done)")
    assert [each["proxiedBaseUrl"] for each in backends["backendServersPerVc"][vc.guid]] == [
        "/plugins/test.sample.plugin~1.0"
    ]
    token = ask(page, "htmlClientSdk.app.getSessionInfo((info) => done(info.sessionToken))")
    assert vc.interface_sessions.demand(token) == ("VSPHERE.LOCAL\\anna", "test.sample.plugin")


def test_nothing_works_before_the_library_is_initialized(visitor: Desk) -> None:
    page = visitor.plugin()
    page.get_by_role("heading", name="Sample").wait_for()
    thrown = "() => { try { htmlClientSdk.app.getTheme(); } catch (error) { return error.message; } }"
    assert "not initialized" in page.locator("body").evaluate(thrown)
    assert page.locator("body").evaluate("() => htmlClientSdk.isInitialized()") is False


def test_events_reach_the_pages(visitor: Desk) -> None:
    page = visitor.plugin()
    ask(
        page,
        """window.told = [];
        htmlClientSdk.event.onThemeChanged((theme) => told.push([theme.name, htmlClientSdk.app.getTheme().name]));
        htmlClientSdk.event.onGlobalRefresh(() => told.push("refresh"));
        htmlClientSdk.event.onDateTimeFormatChanged(() => told.push(htmlClientSdk.app.formatDateTime(0)));
        done()""",
    )
    assert ask(page, "htmlClientSdk.app.formatDateTime(0)") == "1/1/70, 01:00:00"

    def told(number: int) -> Any:
        until(lambda: len(ask(page, "window.told")) == number)
        return ask(page, "window.told")[-1]

    visitor.theme("dark")
    theme = told(1)
    visitor.page.get_by_role("button", name="Refresh").click()
    refreshed = told(2)
    visitor.page.get_by_label("Time").select_option("h12")
    time = told(3)
    assert (theme, refreshed) == (["dark", "dark"], "refresh")
    assert time.startswith("1/1/70, 1:00:00") and time.endswith("AM")


def test_an_actions_dialog_is_of_its_size_and_closes_by_itself_and_by_the_keyboard(visitor: Desk) -> None:
    visitor.go("datastore-001")
    page = visitor.choose("one")
    assert ask(page, "htmlClientSdk.app.getContextObjects()") == [{"id": visitor.shell.urn("datastore-001")}]
    expect(visitor.dialogs).to_have_attribute("aria-label", "Do one")
    box = visitor.page.locator("dialog iframe").bounding_box()
    assert box is not None and (box["width"], box["height"]) == (500, 300)
    visitor.tab_to(page.get_by_role("button", name="First"))
    visitor.tab_to(visitor.page.get_by_role("button", name="Close"), back=True)
    visitor.page.keyboard.press("Enter")
    expect(visitor.dialogs).to_have_count(0)
    assert visitor.focus() == "button Actions"
    page = visitor.choose("one")
    ask(page, "done(); setTimeout(() => htmlClientSdk.modal.close())")
    expect(visitor.dialogs).to_have_count(0)


def test_a_page_opens_a_dialog_with_data_and_hears_what_it_was_closed_with(visitor: Desk) -> None:
    opener = visitor.plugin()
    ask(
        opener,
        """htmlClientSdk.modal.open({url: "page.html", title: "Further", size: {width: 400, height: 200},
          contextObjects: [{id: "urn:x"}], customData: {given: 1}, onClosed: (data) => { window.heard = data; }});
        done()""",
    )
    page = visitor.dialog()
    assert ask(page, "htmlClientSdk.app.getNavigationData()") == {"given": 1}
    assert ask(page, "htmlClientSdk.app.getContextObjects()") == [{"id": "urn:x"}]
    ask(page, "done(); setTimeout(() => htmlClientSdk.modal.close({said: 'yes'}))")
    expect(visitor.dialogs).to_have_count(0)
    assert until(lambda: ask(opener, "window.heard")) == {"said": "yes"}


def test_a_question_is_answered_with_the_button(visitor: Desk) -> None:
    opener = visitor.plugin()
    ask(
        opener,
        """htmlClientSdk.modal.openConfirmationModal({title: "Sure?", content: "It is gone then.",
          buttons: [{label: "Keep"}, {label: "Remove"}], onClosed: (data) => { window.heard = data; }});
        done()""",
    )
    expect(visitor.dialogs).to_contain_text("It is gone then.")
    visitor.page.get_by_role("button", name="Remove").click()
    assert until(lambda: ask(opener, "window.heard")) == {"clickedButtonIndex": 1}


def test_a_page_leads_to_an_object_and_gives_something_along(visitor: Desk) -> None:
    urn = visitor.shell.urn("datastore-001")
    going = {"targetViewId": "shown", "objectId": urn, "customData": {"row": 7}}
    visitor.plugin().get_by_role("heading", name="Sample").wait_for()
    ask(visitor.plugin(), f"done(); htmlClientSdk.app.navigateTo({going})")
    expect(visitor.page.get_by_role("tab", selected=True)).to_have_text("Sample page")
    assert ask(visitor.page.frame_locator(".view iframe"), "htmlClientSdk.app.getNavigationData()") == {"row": 7}


@pytest.mark.parametrize(
    ("provoke", "seen"),
    [
        ("console.error('alas')", "alas"),
        ("setTimeout(() => { throw new Error('thrown here'); })", "script: .*thrown here"),
        ("document.body.append(Object.assign(document.createElement('script'), {text: '1'}))", "Security Policy"),
        ("document.body.setAttribute('style', 'color: red')", "Security Policy"),
        ("fetch('https://isthmus.example/').catch(() => 0)", "Security Policy"),
        ("fetch('/plugins/none/x')", "answer: GET .*404"),
    ],
    ids=["console", "thrown", "inline-script", "inline-style", "stranger", "not-found"],
)
def test_whatever_goes_wrong_in_a_page_is_seen(visitor: Desk, provoke: str, seen: str) -> None:
    page = visitor.plugin()
    page.get_by_role("heading", name="Sample").wait_for()
    with visitor.faults.expected(seen, also="Failed to load resource|csp"):
        page.locator("body").evaluate(f"() => {{ {provoke}; }}")
        until(lambda: page.locator("h1").count() and visitor.faults.left())


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("document.querySelector('h1').style.color = '#aaa'", "hardly to be seen"),
        ("document.querySelector('h1').textContent = 'action.one.title'", "nobody translated action.one.title"),
        ("document.querySelector('button').textContent = ''", "without a name: - button"),
    ],
    ids=["colour", "words", "name"],
)
def test_what_cannot_be_read_is_found(visitor: Desk, change: str, seen: str) -> None:
    page = visitor.plugin()
    page.get_by_role("heading", name="Sample").wait_for()
    assert readable.faults(page) == []
    page.locator("body").evaluate(f"() => {{ {change}; }}")
    (found,) = readable.faults(page)
    assert seen in found


def test_a_focus_that_cannot_be_seen_is_found(visitor: Desk) -> None:
    page = visitor.plugin()
    button = page.get_by_role("button", name="First")
    visitor.tab_to(button)
    button.evaluate("(one) => { one.style.outline = 'none'; }")
    with pytest.raises(AssertionError, match="one cannot see that button First has the focus"):
        visitor.focus()
