"""Whatever an action tells somebody is there in every language, with a cause and a cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import isthmus.plugins.vsphere
from isthmus.core.errors import Conflict, Refused
from isthmus.plugins.vsphere.actions.declared import DECLARED
from isthmus.plugins.vsphere.hosts.blockers import Blocker, phrases
from isthmus.plugins.vsphere.reasons import because, said, texts
from isthmus.ui_bridge.locale import LOCALES

_USED = re.compile(r"""because\(\s*\w+,\s*"([a-z-]+)\"""")
_FOLDER = Path(isthmus.plugins.vsphere.__file__).parent
REASONS = sorted({key for path in _FOLDER.rglob("*.py") for key in _USED.findall(path.read_text())})


def test_every_text_is_there_in_every_language() -> None:
    assert texts().missing() == []


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_has_a_cause_and_a_cure_that_take_the_same_values_everywhere(reason: str) -> None:
    for part in ("", ".cure"):
        found = [texts().by_language[name].get(f"reason.{reason}{part}", "") for name in LOCALES]
        assert all(found), f"reason.{reason}{part} is missing"
        assert len({frozenset(re.findall(r"{([\w:]+)}", text)) for text in found}) == 1


@pytest.mark.parametrize("action", [each.id for each in DECLARED])
def test_an_action_has_a_title_and_a_summary(action: str) -> None:
    assert texts().has(f"action.{action}.title") and texts().has(f"action.{action}.summary")


def test_reasons_are_found_in_the_source() -> None:
    assert {"host-offline", "blocked", "never-shrinks"} <= set(REASONS)


def test_an_error_is_told_in_the_language_of_who_looks() -> None:
    error = because(Refused, "host-offline", host="esx-01").to_json()
    assert "no connection to host esx-01" in error["message"]
    assert said(error, "de_DE").startswith("Das vCenter hat keine Verbindung zum Host esx-01.")
    assert "esx-01" in said(error, "zh_CN") and said(error, "zh_CN") != said(error, "en")


@pytest.mark.parametrize(("locale", "size"), [("en", "5.5 GiB"), ("de-DE", "5,5 GiB"), ("zh_CN", "5.5 GiB")])
def test_a_size_in_an_error_is_told_as_the_language_writes_it(locale: str, size: str) -> None:
    error = because(Conflict, "never-shrinks", name="gold", size=11 << 29).to_json()
    assert size in said(error, locale) and str(11 << 29) not in said(error, locale)


@pytest.mark.parametrize("kind", ["vm", "template", "heartbeat", "pod", "sioc"])
def test_what_is_in_the_way_is_told_in_the_language_of_who_looks(kind: str) -> None:
    found = phrases([Blocker(kind, "gold-1"), Blocker("vm", "payroll")])
    error = because(Conflict, "blocked", name="gold", blockers=found).to_json()
    assert texts().get(f"blocker.{kind}", name="gold-1") in error["message"]
    assert "virtual machine payroll" in said(error, "en") and "virtuelle Maschine payroll" in said(error, "de")
    assert texts().get(f"blocker.{kind}", "zh", name="gold-1") + "、" in said(error, "zh_CN")


def test_an_error_of_others_is_told_as_it_is() -> None:
    assert said({"message": "The pool is full.", "next_step": "Add disks."}, "de") == "The pool is full. Add disks."
