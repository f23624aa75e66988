"""What goes wrong in a page without anybody seeing it: errors of scripts, the console, policy violations, requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

# A request that a page gave up because its frame went is nothing wrong.
_GIVEN_UP = "net::ERR_ABORTED"
# Chromium's opinion of how the client makes its frames, which is no page's fault.
_OF_FRAMES = "An iframe which has both allow-scripts and allow-same-origin"


class Faults:
    """Watches a page and its frames from the beginning. What a test provokes, it says with `expected`."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        page.on("console", self._console)
        page.on("pageerror", self._thrown)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    @contextmanager
    def expected(self, pattern: str, *, also: str = "") -> Iterator[None]:
        """What matches is no fault, from now on; fails when nothing did. `also` is what may follow from it."""
        before = len(self.found)
        yield
        assert any(re.search(pattern, each) for each in self.found[before:]), f"nothing like {pattern!r} happened"
        self._expected += [re.compile(each) for each in (pattern, also) if each]

    def left(self) -> list[str]:
        """What nobody expected."""
        return [each for each in self.found if not any(pattern.search(each) for pattern in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_OF_FRAMES):
            self.found.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _thrown(self, error: Error) -> None:
        self.found.append(f"script: {error.message}")

    def _failed(self, request: Request) -> None:
        if request.failure != _GIVEN_UP:
            self.found.append(f"request: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"answer: {response.request.method} {response.url}: {response.status}")
