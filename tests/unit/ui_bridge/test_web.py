"""The files of the web pages: kept for long by their hash, nothing else of the disk, and with the style or without."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from isthmus.ui_bridge.application import POLICY, Bridge
from isthmus.ui_bridge.asset import Assets
from isthmus.ui_bridge.dynamic import DynamicItems
from isthmus.ui_bridge.locale import LOCALES, Texts
from tests.unit.ui_bridge.surface import Farm, surface

WEB = Path(__file__).resolve().parents[3] / "ui_bridge" / "web"
_MODULES = [path for path in WEB.rglob("*.js") if "vendor" not in path.parts]


@pytest.fixture
def web(tmp_path: Path) -> Path:
    root = tmp_path / "web"
    (root / "blocks").mkdir(parents=True)
    (root / "main.js").write_text("import './blocks/table.js'")
    (root / "blocks" / "table.js").write_text("export {}\n" * 1000)
    (tmp_path / "secret.js").write_text("no")
    return root


def ask(web: Path, address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/farm/ui/web/{address}",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    begun: list[Any] = []
    farm = Farm()
    bridge = Bridge("/farm/ui", farm, DynamicItems(farm, farm, surface()), surface(), assets=Assets(web))
    content = b"".join(bridge(environ, lambda *given: begun.append(given)))
    return int(begun[0][0].split()[0]), dict(begun[0][1]), content


def test_a_file_is_kept_by_the_browser_until_its_address_changes(web: Path) -> None:
    address = Assets(web).address("main.js")
    status, headers, content = ask(web, address)
    assert (status, content) == (200, b"import './blocks/table.js'")
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Security-Policy"] == POLICY
    again, headers_again, nothing = ask(web, address, if_none_match=headers["ETag"])
    assert (again, nothing, headers_again["ETag"]) == (304, b"", headers["ETag"])


def test_an_address_of_another_release_is_not_answered_with_this_ones_file(web: Path) -> None:
    former = Assets(web).address("main.js")
    (web / "blocks" / "table.js").write_text("export { changed }")
    assert Assets(web).address("main.js") != former  # what it imports lies beside it, under the same hash
    assert ask(web, former)[0] == 404


def test_the_fetched_style_keeps_its_address_when_a_module_changes(web: Path) -> None:
    (web / "vendor").mkdir()
    (web / "vendor" / "clr-ui.min.css").write_text("p {}")
    former = Assets(web).address("vendor/clr-ui.min.css")
    (web / "main.js").write_text("changed")
    assert Assets(web).address("vendor/clr-ui.min.css") == former


def test_a_large_file_is_sent_packed_to_a_browser_that_takes_it(web: Path) -> None:
    address = Assets(web).address("blocks/table.js")
    _, headers, content = ask(web, address, accept_encoding="gzip, br")
    assert headers["Content-Encoding"] == "gzip" and int(headers["Content-Length"]) == len(content) < 1000
    assert gzip.decompress(content) == ask(web, address)[2]
    assert headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "name", ["../secret.js", "blocks/../main.js", "nothing.js", "", "blocks", "/etc/passwd", "main.js/"]
)
def test_nothing_else_is_served(web: Path, name: str) -> None:
    folder = Assets(web).address("main.js").partition("/")[0]
    assert ask(web, f"{folder}/{name}")[0] == 404
    assert ask(web, name)[0] == 404


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: path.relative_to(WEB).as_posix())
def test_modules_write_no_markup_and_name_only_each_other(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    for name in re.findall(r'(?:from|import) "([^"]+)"', text):
        assert name.startswith("."), f"{name}: a bare name is found by no browser"
        assert (path.parent / name).is_file(), f"{name} is not there"
        assert os.path.commonpath([WEB, (path.parent / name).resolve()]) == str(WEB)


def test_the_pages_have_every_text_that_they_use_in_every_language() -> None:
    texts = Texts.load("isthmus.ui_bridge")
    assert texts.missing() == []
    own = {key for key in texts.by_language["en"] if key.startswith("ui.")}
    used: set[str] = set()
    for path in _MODULES:
        used |= set(re.findall(r'"(ui\.[a-z_.-]+[a-z_-])"', path.read_text(encoding="utf-8")))
        # A key that ends in a dot is put together from a state or a unit: all with that beginning are used.
        for beginning in re.findall(r"`(ui\.[a-z_.-]+\.)\$\{", path.read_text(encoding="utf-8")):
            used |= {key for key in own if key.startswith(beginning)}
    assert used - own == set()
    assert own - used == set()


def test_a_text_takes_the_same_values_in_every_language() -> None:
    texts = Texts.load("isthmus.ui_bridge").by_language
    for key, english in texts["en"].items():
        values = set(re.findall(r"{([\w:]+)}", english))
        # The browser fills texts too, and knows no kinds of values.
        assert not key.startswith("ui.") or ":" not in "".join(values)
        for name in LOCALES:
            assert set(re.findall(r"{([\w:]+)}", texts[name][key])) == values, json.dumps([name, key])
