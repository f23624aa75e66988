"""One server on a state folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isthmus.core.errors import Conflict, Misconfigured
from isthmus.plugin_manager.server.lock import StateLock


def test_the_second_is_refused_by_the_name_of_the_first(tmp_path: Path) -> None:
    first, second = StateLock(tmp_path / "state"), StateLock(tmp_path / "state")
    assert second.holder() is None
    first.acquire()
    assert second.holder() == os.getpid()
    with pytest.raises(Conflict, match=f"process {os.getpid()}") as raised:
        second.acquire()
    assert f"kill {os.getpid()}" in (raised.value.next_step or "")
    first.release()
    second.acquire()
    second.release()
    assert first.holder() is None


def test_a_folder_that_cannot_be_made_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot be used"):
        StateLock(tmp_path / "file" / "state").acquire()
