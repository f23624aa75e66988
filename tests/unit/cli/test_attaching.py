"""`isthmus attachment create`: a chosen secret comes from a file or from standard input, not from the command line."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from isthmus.core.errors import Conflict
from isthmus.core.model.request import AttachmentRequest, ChapCredential
from isthmus.plugins.cli.main import isthmus
from isthmus.plugins.cli.session import Session

SECRET = "sixteen-letters1"


class Attachments:
    """Takes down what is asked for."""

    def __init__(self) -> None:
        self.wanted: list[AttachmentRequest] = []

    def create(self, wanted: AttachmentRequest, **given: Any) -> Any:
        self.wanted.append(wanted)
        raise Conflict("enough")


@pytest.fixture
def attachments(monkeypatch: pytest.MonkeyPatch) -> Attachments:
    made = Attachments()
    monkeypatch.setattr(Session, "storage", SimpleNamespace(attachments=made))
    return made


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(isthmus, ["attachment", "create", "volume", "host", *words], input=typed)


def test_the_secret_is_read_from_a_file(attachments: Attachments, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    shown = run("--chap-user", "web1", "--chap-secret", str(file))
    assert [wanted.credential for wanted in attachments.wanted] == [ChapCredential(SECRET, "web1")]
    assert SECRET not in shown.output


def test_the_secret_is_read_from_standard_input(attachments: Attachments) -> None:
    shown = run("--chap-secret", "-", typed=f"{SECRET}\n")
    assert [wanted.credential for wanted in attachments.wanted] == [ChapCredential(SECRET)]
    assert SECRET not in shown.output


def test_without_a_secret_it_is_made(attachments: Attachments) -> None:
    run()
    assert [wanted.credential for wanted in attachments.wanted] == [None]


def test_a_user_name_alone_is_not_enough(attachments: Attachments) -> None:
    shown = run("--chap-user", "web1")
    assert shown.exit_code == 2 and "--chap-secret" in shown.output
    assert not attachments.wanted
