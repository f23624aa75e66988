"""The page that shows the API needs nothing from elsewhere and keeps to its own policy."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from isthmus.plugins.rest.openapi import document
from tests.unit.rest.site import Site

FILES = {
    "/v1/docs": "text/html",
    "/v1/docs.css": "text/css",
    "/v1/docs.js": "text/javascript",
    "/v1/openapi.json": "application/json",
}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self.labelled: set[str] = set()
        self.fields: set[str] = set()
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.links += [value for name in ("src", "href") if (value := given.get(name))]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag in ("script", "style") and "src" not in given:
            self.inline.append(tag)
        if tag == "label":
            self.labelled.add(str(given.get("for")))
        if tag == "input":
            self.fields.add(str(given.get("id")))


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


@pytest.mark.parametrize(("path", "kind"), FILES.items())
def test_the_documents_are_open_cached_and_under_a_policy(site: Site, path: str, kind: str) -> None:
    answer = site.ask("GET", path, headers={})
    assert answer.status_code == 200
    assert answer.mimetype == kind
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    again = site.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_page_asks_only_for_its_own_files(site: Site) -> None:
    page = Page(site.ask("GET", "/v1/docs", headers={}).text)
    outside = [link for link in page.links if not link.startswith("#") and link != "data:,"]
    assert {f"/v1/{link}" for link in outside} < set(FILES)
    assert page.inline == []
    assert page.fields == page.labelled


@pytest.mark.parametrize("path", ["/v1/docs.js", "/v1/docs.css"])
def test_script_and_style_reach_for_nothing_elsewhere(site: Site, path: str) -> None:
    text = site.ask("GET", path, headers={}).text
    assert not re.search(
        r"https?://|//[a-z]+\.|@import|url\(|innerHTML|insertAdjacentHTML|eval\(|document\.write", text
    )


def test_the_document_that_is_served_is_the_one_that_is_made(site: Site) -> None:
    served = site.ask("GET", "/v1/openapi.json", headers={}).json
    assert served == json.loads(json.dumps(document(site.routes)))
