"""A person at the client: finds objects, opens menus, dialogs and views; by keyboard where a test wants it so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tests.simulators.vcenter import User

from .faults import Faults
from .people import ANNA
from .shell import Shell
from .shell.server import COOKIE
from .shell.shell import Visit

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Locator, Page

_PATIENCE_SECONDS = 60.0
SCREENSHOTS = Path(__file__).resolve().parents[2] / ".build" / "screenshots"

# The element that has the focus, through frames of our own origin, and whether one can see that it has.
_FOCUS = """() => {
  let at = document.activeElement;
  while (at && at.tagName === "IFRAME" && at.contentDocument && at.contentDocument.activeElement) {
    const inner = at.contentDocument.activeElement;
    if (inner === at.contentDocument.body) break;
    at = inner;
  }
  if (!at || at === document.body) return { name: "", shown: true, frame: false };
  const drawn = (one) => ["", "::before", "::after"].some((part) => {
    const style = at.ownerDocument.defaultView.getComputedStyle(one, part);
    if (part && style.content === "none") return false;
    const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return outline || style.boxShadow !== "none";
  });
  const box = at.getBoundingClientRect();
  const around = at.parentElement && at.parentElement.matches(":focus-within") ? [at, at.parentElement] : [at];
  const name = at.getAttribute("aria-label") || at.innerText || at.name || at.id || at.title || at.tagName;
  return {
    name: `${at.tagName.toLowerCase()} ${name.trim().slice(0, 80)}`,
    frame: at.tagName === "IFRAME",
    shown: box.width > 0 && box.height > 0 && at.matches(":focus-visible") && around.some(drawn),
  };
}"""


def expect(locator: Locator) -> Any:
    """Playwright's own, which waits until it is so; imported here, so that tests are found without Playwright."""
    from playwright.sync_api import expect as playwrights

    return playwrights(locator)


def screenshot(page: Page, name: str) -> Path:
    """Keep what the page shows as `.build/screenshots/NAME.png`; by habit NAME is `what-theme`."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path)
    return path


class Desk:
    """One browser window in which somebody is logged in to the client."""

    def __init__(self, shell: Shell, page: Page, faults: Faults) -> None:
        self.shell, self.page, self.faults = shell, page, faults

    def visit(self) -> Visit:
        """Who is logged in, with the plug-in as the client read it."""
        (cookie,) = [each for each in self.page.context.cookies() if each["name"] == COOKIE]
        found = self.shell.visit(cookie["value"])
        assert found is not None
        return found

    def go(self, name: str, view: str = "") -> None:
        """Open an object of the inventory by its name, and one of the plug-in's pages on it by its id."""
        place = f"{self.shell.urn(name)}/{view or 'summary'}"
        self.page.evaluate("(place) => { location.hash = `#/object/${place}`; }", place)
        self.page.locator(f'#content[data-view="{place}"][aria-busy="false"]').wait_for()

    def plugin(self) -> FrameLocator:
        """The plug-in's own page."""
        self.page.get_by_role("navigation", name="Plug-ins").get_by_role("link").click()
        return self.page.frame_locator("#content iframe")

    def view(self, label: str) -> FrameLocator:
        """One of the plug-in's pages on the object, by the label of its tab."""
        self.page.get_by_role("tab", name=label, exact=True).click()
        return self.page.frame_locator(".view iframe")

    def tabs(self) -> list[str]:
        """The labels of the plug-in's pages on the object."""
        self.page.get_by_role("tab", name="Summary").wait_for()
        return self.page.get_by_role("tab").all_inner_texts()[1:]

    def places(self, name: str) -> Mapping[str, Any]:
        """What the manifest has for the type of an object: `summary`, `monitor`, `menu` …"""
        kind = self.shell.urn(name).split(":")[2]
        found: Mapping[str, Any] = self.visit().plugin.manifest["objects"].get(kind, {})
        return found

    def card(self) -> FrameLocator:
        """The plug-in's card in the object's summary."""
        return self.page.frame_locator(".card iframe")

    def menu(self) -> Locator:
        """The object's menu, opened, with what the plug-in's server said."""
        if not self.page.get_by_role("menu").is_visible():
            self.page.get_by_role("button", name="Actions").click()
        self.page.get_by_role("menuitem").first.wait_for()
        return self.page.get_by_role("menu")

    def entry(self, action: str) -> Locator:
        """An entry of the menu, which is opened, by the action's id."""
        return self.menu().locator(f'[data-action="{action}"]')

    def choose(self, action: str) -> FrameLocator:
        """Use an action of the menu by its id; the page in the dialog."""
        self.open_or_greyed(lambda: self.entry(action), greyed=False).click()
        return self.dialog()

    def greyed(self, action: str) -> str:
        """Why an action of the menu cannot be used, which it must not be."""
        return self.open_or_greyed(lambda: self.entry(action), greyed=True).get_attribute("title") or ""

    def open_or_greyed(self, opened: Callable[[], Locator], *, greyed: bool) -> Locator:
        """The entry of the menu that `opened` opens, which is opened again until the entry is so: an answer may be
        some seconds old, or still be looked for."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while ((entry := opened()).get_attribute("aria-disabled") is not None) is not greyed:
            said = f"{entry.inner_text()} stays {'open' if greyed else 'greyed'}: {entry.get_attribute('title')}"
            assert time.monotonic() < deadline, said
            self.page.keyboard.press("Escape")
        return entry

    def dialog(self) -> FrameLocator:
        """The page in the dialog that is open, the topmost if there are several."""
        return self.page.frame_locator("dialog:last-of-type iframe")

    @property
    def dialogs(self) -> Locator:
        """All dialogs that are open."""
        return self.page.get_by_role("dialog")

    def theme(self, name: str) -> None:
        """Switch the client to `light` or `dark`."""
        self.page.get_by_label("Theme").select_option(name)

    def screenshot(self, name: str) -> Path:
        """See `screenshot`."""
        return screenshot(self.page, name)

    def press(self, *keys: str) -> None:
        """One key after the other (`Tab`, `Enter`, `ArrowDown` …); after each the focus must be to be seen."""
        for key in keys:
            self.page.keyboard.press(key)
            self.focus()

    def focus(self) -> str:
        """What has the focus, in words. Fails when one cannot see that it has."""
        found = self.page.evaluate(_FOCUS)
        assert found["shown"] or found["frame"], f"one cannot see that {found['name']} has the focus"
        return str(found["name"])

    def tab_to(self, wanted: Locator, *, most: int = 60, back: bool = False) -> None:
        """Press Tab (with Shift: `back`) until `wanted` has the focus. Fails when it does not come within `most`."""
        passed = []
        for _ in range(most):
            if wanted.evaluate("(one) => one.ownerDocument.activeElement === one && one.ownerDocument.hasFocus()"):
                return
            self.press("Shift+Tab" if back else "Tab")
            passed.append(self.focus())
        raise AssertionError(f"the keyboard does not reach it; it passed {passed}")


class Enter(Protocol):
    """Logs somebody in, in a window of his own. `locale` is the browser's language; `client_locale` the one that he
    set in the client, if that is another."""

    def __call__(
        self, user: User = ANNA, *, locale: str = "en-US", theme: str = "light", client_locale: str = ""
    ) -> Desk:
        """The window."""
