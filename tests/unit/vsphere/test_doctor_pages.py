"""The doctor says when the pages have no style, and what to run."""

from __future__ import annotations

import pytest

from isthmus.plugins.vsphere.registration.doctor import pages_finding
from isthmus.ui_bridge import style


def test_a_style_that_is_missing_is_found_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "present", lambda: False)
    found = pages_finding()
    assert found.level == "warning" and "@clr/ui" in found.text
    assert "python -m isthmus.ui_bridge.style" in found.cure


def test_a_style_that_is_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "present", lambda: True)
    assert pages_finding().level == "ok"
