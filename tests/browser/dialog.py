"""The dialog of one of our actions: what it takes, what would be done, how it goes and what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .desk import Desk, expect

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Locator

_OPERATION_MILLISECONDS = 60_000.0
_LEVELS = {"done": "ok", "failed": "error", "cancelled": "warning"}


class Dialog:
    """The topmost dialog of a desk. Its parts are found by what they are, not by their words: it works in every
    language."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.page: FrameLocator = desk.dialog()
        self.page.locator(".dialog-foot button").first.wait_for()

    @property
    def heading(self) -> Locator:
        """Its title."""
        return self.page.get_by_role("heading", level=1)

    def field(self, label: str) -> Locator:
        """An input by its label (`exact` but for the mark of what is needed)."""
        return self.page.get_by_label(label, exact=True).or_(self.page.get_by_label(f"{label} *", exact=True))

    def fill(self, **given: str) -> None:
        """Enter texts and numbers, choose from lists; by label, `_` for a space. Each field is left again, as by
        somebody who goes on to the next."""
        for name, value in given.items():
            found = self.field(name.replace("_", " "))
            self.settled()
            if found.evaluate("(one) => one.tagName") == "SELECT":
                # What is chosen from may say more than the name.
                shown = found.locator("option", has_text=value).first.inner_text()
                found.select_option(label=shown)
            else:
                found.fill(value)
            found.blur()
        self.settled()

    def settled(self) -> None:
        """Wait until it shows what is to be shown, and nothing that is chosen from is being asked for."""
        expect(self.page.locator('.waiting, form[aria-busy="true"]')).to_have_count(0)

    def button(self, verb: str) -> Locator:
        """A button of the dialog by what it does (`ui.next`, `ui.back`, `ui.cancel`, `ui.close` …)."""
        return self.page.locator(f'.dialog-foot [data-verb="{verb}"]')

    @property
    def primary(self) -> Locator:
        """The button that goes on."""
        return self.page.locator(".dialog-foot .btn-primary")

    def plan(self) -> None:
        """Go on to what would be done."""
        self.button("ui.next").click()
        self.planned()

    def planned(self) -> None:
        """Wait until it says what would be done."""
        expect(self.page.locator(".stage-now")).to_have_count(1)
        expect(self.button("ui.next")).to_have_count(0)
        expect(self.page.get_by_role("heading", level=2)).to_be_visible()

    def do(self) -> None:
        """Go from the plan to the end of the operation, which must end well."""
        self.primary.click()
        self.ended("done")

    def do_at_once(self) -> None:
        """Go from the plan to the end of what is no operation, which must end well."""
        self.primary.click()
        expect(self.page.locator(".dialog-body > .notice-ok")).to_be_visible()

    def ended(self, state: str = "done") -> None:
        """Wait until the operation has ended so: `done`, `failed`, `cancelled`."""
        expect(self.outcome.locator(".notice")).to_be_visible(timeout=_OPERATION_MILLISECONDS)
        said = self.outcome.inner_text()
        assert self.outcome.locator(f".notice-{_LEVELS[state]}").count() == 1, said

    @property
    def outcome(self) -> Locator:
        """What the operation came to."""
        return self.page.locator(".operation-outcome")

    @property
    def alert(self) -> Locator:
        """What stands in the way."""
        return self.page.get_by_role("alert")

    def close(self) -> None:
        """Close it by its own button."""
        self.page.locator(".dialog-foot button").first.click()
        expect(self.desk.dialogs).to_have_count(0)
