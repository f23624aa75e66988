"""What an action answers is readable however deep it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from isthmus.core.model.operation import Operation, OperationState
from isthmus.plugins.cli.document import details, tell
from isthmus.plugins.cli.following import follow, show_plan
from isthmus.plugins.cli.session import Session

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)
Printed = pytest.CaptureFixture[str]


def lines(capsys: Printed) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_short_objects_of_one_kind_are_a_table(capsys: Printed) -> None:
    tell({"hosts": [{"id": "host-10", "up": True}, {"id": "host-11", "up": None, "note": "old"}], "silent": []})
    assert lines(capsys) == [
        "hosts",
        "  ID       UP   NOTE",
        "  host-10  yes  -",
        "  host-11  -    old",
        "silent  none",
    ]


def test_wide_and_deep_objects_are_a_block_each(capsys: Printed) -> None:
    tell({"barns": [{"name": "b1", "door": {"state": {"open": True}}}, {"name": "b2", "why_not": "x" * 120}]})
    assert lines(capsys) == [
        "barns",
        "  - name  b1",
        "    door",
        "      state  open=yes",
        "  - name     b2",
        f"    why not  {'x' * 120}",
    ]


def test_findings_and_errors_are_said_as_the_doctor_says_them(capsys: Printed) -> None:
    findings = [
        {"check": "login", "level": "ok", "text": "It works.", "cure": "Nothing."},
        {"check": "pin", "level": "error", "text": "It is another.", "cure": "Compare it."},
    ]
    error = {"code": "unavailable", "message": "It is dead.", "next_step": "Revive it.", "details": {"way": "dead"}}
    tell({"found": [{"name": "a", "findings": findings}, {"name": "b", "error": error}]})
    assert lines(capsys) == [
        "found",
        "  - name  a",
        "    findings",
        "      ok      login: It works.",
        "      error   pin: It is another.",
        "              Compare it.",
        "  - name   b",
        "    error  It is dead.",
        "           Revive it.",
    ]


def test_of_a_thing_what_is_empty_is_left_out_and_bytes_are_exact(capsys: Printed) -> None:
    details({"name": "v", "size": 2 << 30, "notes": {}, "of": None, "near": (), "free": 0})
    assert lines(capsys) == ["name  v", "size  2 GiB (2147483648 bytes)", "free  0"]


def test_a_plan_has_steps_in_order_and_everything_in_it_in_words(capsys: Printed) -> None:
    volume = {"pool": "p1", "room_after": 1 << 30, "steps": ["reserve", "create"]}
    plan = {"volume": volume, "steps": ["look", "do"], "pivot": "do", "hosts": [{"name": "esx"}], "nothing": []}
    show_plan("farm grow", plan)
    shown = lines(capsys)
    assert shown[:3] == [
        "Would do: farm grow (nothing was changed)",
        "steps        look -> do",
        "no way back  from do on",
    ]
    assert "volume       pool=p1, room_after=1 GiB, steps=(reserve, create)" in shown
    assert not any("{" in line or "nothing" in line for line in shown[1:])


def _done(result: Mapping[str, Any]) -> Operation:
    return Operation(
        "op-1", "farm.scan", "barn", "b1", "acme", "ann", "req-1", OperationState.DONE, MOMENT, MOMENT, result=result
    )


def test_an_operation_that_is_done_says_what_it_found(capsys: Printed) -> None:
    session = Session(client=None, address=None, ca=None, tenant=None, as_json=False)
    barns = [{"name": "b1", "state": "scanned"}, {"name": "b2", "state": "failed"}]
    follow(session, _done({"volume": "v1", "size": 1 << 30, "barns": barns, "warning": "Look again."}), wait=False)
    assert lines(capsys) == [
        "Done: farm.scan (volume v1, size 1 GiB)",
        "barns",
        "  NAME  STATE",
        "  b1    scanned",
        "  b2    failed",
        "Note: Look again.",
    ]
