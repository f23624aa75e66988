"""Headless Chromium, and windows of it in which somebody is logged in to a client."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.simulators.vcenter import User

from .desk import Desk
from .faults import Faults
from .shell import Shell
from .shell.server import COOKIE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_SECONDS = 30.0
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Nothing but loopback is reached, whatever a page or the browser itself may want.
_OPTIONS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def missing() -> str:
    """Why there is no browser here; empty when there is one."""
    try:
        import playwright.sync_api
    except ImportError:
        return "playwright is not installed (pip install playwright)"
    del playwright
    return "" if _chromium() else "Chromium is not installed (package chromium)"


def _chromium() -> str:
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), "")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Chromium, headless, of the system."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=_chromium(), args=_OPTIONS)
        yield made
        made.close()


@contextmanager
def window(
    browser: Browser, shell: Shell, user: User, *, locale: str, theme: str, client_locale: str
) -> Iterator[Desk]:
    """A window of somebody's own; see `Enter`. Afterwards he is logged out."""
    from playwright.sync_api import expect as playwrights

    kept = {"theme": theme, **({"locale": client_locale} if client_locale else {})}
    script = "".join(f"localStorage.{name} ||= '{value}';" for name, value in kept.items())
    context = browser.new_context(
        ignore_https_errors=True, locale=locale, timezone_id="Europe/Berlin",
        viewport={"width": 1280, "height": 860},
    )  # fmt: skip
    cookie = shell.enter(user.name, user.password)
    try:
        context.set_default_timeout(_SECONDS * 1000)
        playwrights.set_options(timeout=_SECONDS * 1000)
        context.add_cookies([{"name": COOKIE, "value": cookie, "url": shell.address}])
        context.add_init_script(script)
        page = context.new_page()
        desk = Desk(shell, page, Faults(page))
        page.goto(shell.address)
        page.get_by_role("treeitem").first.wait_for()
        yield desk
    finally:
        context.close()
        shell.leave(cookie)
