"""Lines of the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from isthmus.plugin_manager.server import logs

REQUEST = "req-11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def own_root(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The root logger as it was, afterwards."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    level = root.level
    yield
    root.setLevel(level)
    logging.captureWarnings(False)


def test_a_json_line_holds_message_request_and_what_was_added(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    token = logs.REQUEST_ID.set(REQUEST)
    logging.getLogger("isthmus.test").warning("took %d ms", 7, extra={"volume": "v1"})
    logs.REQUEST_ID.reset(token)
    document = json.loads(capsys.readouterr().err)
    assert document["message"] == "took 7 ms"
    assert (document["level"], document["logger"], document["volume"]) == ("warning", "isthmus.test", "v1")
    assert document["request_id"] == REQUEST


def test_a_text_line_stays_one_line_whatever_a_caller_sent(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    logging.getLogger("isthmus.test").info("name is %s", "x\n2026-01-01T00:00:00.000Z INFO isthmus: forged")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_reaches_the_log(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", form)
    log = logging.getLogger("isthmus.test")
    try:
        raise ValueError("password=hunter2")
    except ValueError:
        log.exception("login with token %s failed", "ist_" + "A" * 43, extra={"chap_secret": "hunter2"})
    written = capsys.readouterr().err
    assert "hunter2" not in written
    assert "AAAA" not in written
    assert "ValueError" in written


def test_a_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "text")
    logging.getLogger("isthmus.test").info("not this")
    assert capsys.readouterr().err == ""


def test_outside_of_requests_others_may_name_the_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_sources", [logs.REQUEST_ID.get])
    logs.also_ask(lambda: REQUEST)
    logs.configure("info", "json")
    logging.getLogger("isthmus.test").info("a step")
    assert json.loads(capsys.readouterr().err)["request_id"] == REQUEST
