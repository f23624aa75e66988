"""What a browser gets: the manifest, pages that run nothing of others, and refusals that a person understands."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from isthmus.ui_bridge.application import Bridge
from isthmus.ui_bridge.dynamic import DynamicItems
from isthmus.ui_bridge.manifest import VERSIONS, fault, manifest
from tests.unit.ui_bridge.surface import BARN, Farm, surface


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def ask(path: str, *, method: str = "GET", body: Any = None, farm: Farm | None = None, **headers: str) -> Answer:
    farm = farm or Farm()
    content = json.dumps(body).encode() if body is not None else b""
    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/farm/ui/{path}",
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        "isthmus.request_id": "req-1",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    begun: list[Any] = []
    bridge = Bridge("/farm/ui", farm, DynamicItems(farm, farm, surface()), surface())
    parts: Iterable[bytes] = bridge(environ, lambda *given: begun.append(given))
    (status, given), *_ = begun
    return Answer(int(status.split()[0]), dict(given), b"".join(parts))


def test_the_manifest_is_found_by_path_and_by_query() -> None:
    assert ask("plugin.json").json() == manifest(surface())
    for version in VERSIONS:
        by_path, by_query = ask(f"plugin-{version}.json"), ask(f"plugin.json?version={version}")
        assert by_path.json() == by_query.json() == manifest(surface(), version)
    assert ask("plugin-9.9.9.json").status == 400
    assert ask("plugin-1.2.0.zip").content.startswith(b"PK")


def test_everything_that_the_manifest_names_is_there() -> None:
    document = ask("plugin-1.2.0.json").json()
    assert fault(document) == ""
    named = {value for value in _addresses(document) if not value.startswith("dynamic/")}
    assert len(named) >= 7
    for each in named:
        assert ask(each).status == 200, each


def _addresses(part: Any) -> Iterable[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("uri", "dynamicUri"):
                yield value
            yield from _addresses(value)
    elif isinstance(part, list):
        for each in part:
            yield from _addresses(each)


@pytest.mark.parametrize("path", ["plugin.json", "view/barn.html", "icons/light.png", "nothing", "style.css"])
def test_no_answer_lets_the_browser_run_or_load_what_is_not_ours(path: str) -> None:
    policy = ask(path).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy and "*" not in policy and "frame-ancestors 'self'" in policy


def test_pages_are_in_the_readers_language_and_escape_what_they_show() -> None:
    page = ask("dialog/barn-grow.html?locale=de-DE").content.decode()
    assert '<html lang="de-DE">' in page and "de: Grow a barn" in page and "Angaben" in page
    assert "More &lt;stalls&gt;." in page and "style=" not in page
    assert 'lang="zh-CN"' in ask("view/overview.html", accept_language="zh-TW,zh;q=0.9").content.decode()


def test_entries_are_asked_for_with_the_persons_own_session() -> None:
    farm = Farm(missing=frozenset({"Farm.Grow"}))
    body = {"apiVersion": "1.1.0", "objectIds": [BARN], "locale": "en-US"}
    answer = ask("dynamic/Datastore/menu", method="POST", body=body, farm=farm, vmware_api_session_id="secret-1")
    assert farm.asked == [("secret-1", BARN)]
    assert answer.json()["version"] == "1.1.0"
    grow, delete = answer.json()["items"]
    assert grow == {
        "id": "barn-grow", "visible": False, "relevant": True, "reason": "You need the privilege Farm.Grow here.",
    }  # fmt: skip
    assert delete == {"id": "barn-delete", "visible": True, "relevant": True}
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"secret-1" not in answer.content


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"objectIds": []},
        {"objectIds": "urn"},
        {"objectIds": ["datastore-1"]},
        {"objectIds": [BARN.replace("Datastore", "HostSystem")]},
        {"objectIds": [BARN] * 101},
        {"objectIds": [1]},
    ],
)
def test_what_is_no_object_of_this_type_is_refused(body: Any) -> None:
    farm = Farm()
    answer = ask("dynamic/Datastore/menu", method="POST", body=body, farm=farm)
    assert (answer.status, answer.json()["code"], farm.asked) == (400, "invalid", [])


def test_other_paths_and_methods_are_refused() -> None:
    for path in ("", "nothing", "view/nothing.html", "view/../plugin.json", "dialog/nothing.html", "icons/none.png"):
        assert ask(path).status == 404, path
    assert ask("dynamic/Datastore/menu").headers["Allow"] == "POST"
    assert ask("plugin.json", method="DELETE").status == 405
    head = ask("plugin.json", method="HEAD")
    assert (head.status, head.content) == (200, b"") and int(head.headers["Content-Length"]) > 100
