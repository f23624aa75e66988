"""A site and a browser for all tests of a worker; a new window for each test, in which nothing may go wrong unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.vcenter import User, VCenter

from . import site as sites
from . import window as windows
from .desk import Desk, Enter, screenshot
from .people import ANNA, specification
from .sample import KEY, Sample
from .shell import Shell
from .site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if reason := windows.missing():
        pytest.skip(reason)
    with windows.running_browser() as made:
        yield made


@pytest.fixture(scope="session")
def site(browser: Browser) -> Iterator[Site]:
    """The server, the vCenter, the client. After the browser: without one nothing need be started."""
    if reason := sites.missing():
        pytest.skip(reason)
    with sites.site() as made:
        yield made


@pytest.fixture
def enter(site: Site, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Enter]:
    """See `Enter`. A test in which something went wrong unseen fails when it ends."""
    with _windows(site.shell, browser, request.node) as opening:
        yield opening


@pytest.fixture
def desk(enter: Enter) -> Desk:
    """Anna, who may do everything, in English and light."""
    return enter()


@pytest.fixture(scope="session")
def sample() -> Iterator[Shell]:
    """A client with another plug-in than ours, which does nothing by itself."""
    with VCenter(specification()) as vc, Sample() as plugin:
        plugin.register(vc)
        with Shell([vc], KEY) as shell:
            yield shell


@pytest.fixture
def visitor(sample: Shell, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Anna at the client of that other plug-in."""
    with _windows(sample, browser, request.node) as opening:
        yield opening()


@contextmanager
def _windows(shell: Shell, browser: Browser, test: pytest.Item) -> Iterator[Enter]:
    with ExitStack() as opened:
        desks: list[Desk] = []

        def opening(user: User = ANNA, *, locale: str = "en-US", theme: str = "light", client_locale: str = "") -> Desk:
            made = windows.window(browser, shell, user, locale=locale, theme=theme, client_locale=client_locale)
            desks.append(opened.enter_context(made))
            return desks[-1]

        yield opening
        if test.stash.get(_FAILED, False):
            for number, desk in enumerate(desks):
                screenshot(desk.page, f"failed-{re.sub(r'[^a-zA-Z0-9_-]+', '-', test.name)[:80]}-{number}")
        wrong = [each for desk in desks for each in desk.faults.left()]
    assert not wrong, "\n".join(wrong)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report
