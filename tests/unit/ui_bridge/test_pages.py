"""The shells of the pages: complete without a script, and pointing at modules and style by their content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isthmus.ui_bridge.asset import Assets
from isthmus.ui_bridge.pages import Pages
from isthmus.ui_bridge.style import SHEET
from tests.unit.ui_bridge.surface import surface


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """The files of the pages, with the style that a build fetches."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / SHEET).write_text("p {}")
    (tmp_path / "main.js").write_text("export {}")
    (tmp_path / "pages.css").write_text("q {}")
    return tmp_path


def pages(web: Path) -> Pages:
    return Pages(surface(), Assets(web), "1.2")


def test_a_shell_names_modules_and_styles_that_are_there(web: Path) -> None:
    shell = pages(web).view("stalls", "de")
    assert shell is not None
    named = re.findall(r'(?:src|href)="\.\./web/([^"]+)"', shell)
    assert [each.partition("/")[2] for each in named] == [f"vendor/{SHEET}", "pages.css", "main.js"]
    assert all(Assets(web).find(each) for each in named)
    assert '<main id="page" data-page="view stalls monitor">' in shell
    assert 'type="module"' in shell and '<html lang="de-DE">' in shell


def test_a_shell_runs_nothing_that_stands_in_it(web: Path) -> None:
    for shell in (pages(web).view("overview", "en"), pages(web).dialog("barn-grow", "zh")):
        assert shell is not None
        assert re.findall(r"<script(?![^>]* src=)", shell) == []
        assert " style=" not in shell and " on" not in re.sub(r">[^<]*<", "><", shell)


def test_a_browser_without_scripts_reads_the_same_as_where_the_style_is_missing(web: Path) -> None:
    whole = pages(web).dialog("barn-grow", "en")
    (web / "vendor" / SHEET).unlink()
    plain = pages(web).dialog("barn-grow", "en")
    assert whole is not None and plain is not None
    (inside,) = re.findall(r"<noscript><main>\n(.*)\n</main></noscript>", whole, re.DOTALL)
    assert f"<main>\n{inside}\n</main>" in plain and "Grow a barn" in inside
    assert "<script" not in plain and "../style.css" in plain


def test_every_action_that_is_offered_has_a_dialog_and_every_view_a_page(web: Path) -> None:
    found = pages(web)
    offered = surface()
    assert all(found.dialog(action.id, "en") for action in offered.actions)
    assert all(found.view(view.id, "en") for view in offered.views)
    assert found.view("nothing", "en") is None and found.dialog("nothing", "en") is None
