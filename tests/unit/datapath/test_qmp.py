"""A session with a daemon's control socket: whose answer is whose, and what is said when none comes."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.datapath.qmp import DaemonGone, Qmp
from isthmus.core.errors import Busy, Failed, Misconfigured, Refused, StorageError, Transient

GREETING: dict[str, Any] = {"QMP": {"version": {}, "capabilities": []}}
Answer = Callable[[dict[str, Any]], list[dict[str, Any]]]


class Server:
    """A daemon that serves one client at a time and answers what `answer` says."""

    def __init__(self, path: Path, answer: Answer, before: list[dict[str, Any]] | None = None) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(1)
        self._answer, self._before = answer, before or []
        self.most, self._clients = 0, 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client = self._socket.accept()[0]
            except OSError:
                return
            with client, client.makefile("rwb") as lines:
                try:
                    self._talk(lines)
                except OSError:
                    continue

    def _talk(self, lines: Any) -> None:
        for message in (*self._before, GREETING):
            lines.write(json.dumps(message).encode() + b"\r\n")
        lines.flush()
        for line in lines:
            request = json.loads(line)
            if request["execute"] == "qmp_capabilities":
                answers = [{"return": {}, "id": request["id"]}]
            else:
                answers = self._answer(request)
            for answer in answers:
                lines.write(json.dumps(answer).encode() + b"\r\n")
            lines.flush()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def control() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="qmp-") as folder:
        yield Path(folder, "qmp")


@pytest.fixture
def serve(control: Path) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(answer: Answer, before: list[dict[str, Any]] | None = None) -> Server:
        made.append(Server(control, answer, before))
        return made[-1]

    yield start
    for server in made:
        server.close()


def returning(value: Any) -> Answer:
    return lambda request: [{"return": value, "id": request["id"]}]


def test_a_command_gets_its_answer_and_names_its_arguments_as_qemu_does(
    control: Path, serve: Callable[..., Server]
) -> None:
    seen = []

    def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
        seen.append(request)
        return [{"event": "X", "data": {}}, {"return": [1, 2], "id": request["id"]}]

    serve(answer)
    with Qmp(control, 5.0) as qmp:
        assert qmp.run("block-export-add", node_name="disk") == [1, 2]
    assert seen[0]["execute"] == "block-export-add"
    assert seen[0]["arguments"] == {"node-name": "disk"}


def test_what_was_meant_for_a_client_that_died_is_passed_over(control: Path, serve: Callable[..., Server]) -> None:
    stale = [{"return": "stale", "id": "another"}, {"return": {}}]
    serve(lambda request: [*stale, {"return": "fresh", "id": request["id"]}], before=stale)
    with Qmp(control, 5.0) as qmp:
        assert qmp.run("query-jobs") == "fresh"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Could not open 'x': Failed to get \"write\" lock", Busy),
        ("Could not write: No space left on device", Refused),
        ("Node 'disk' not found", Failed),
    ],
)
def test_errors_are_the_journals(
    control: Path, serve: Callable[..., Server], words: str, kind: type[StorageError]
) -> None:
    serve(lambda request: [{"error": {"class": "GenericError", "desc": words}, "id": request["id"]}])
    with Qmp(control, 5.0) as qmp, pytest.raises(kind) as error:
        qmp.run("blockdev-add")
    assert words in error.value.message


def test_a_daemon_that_is_not_there_is_gone(control: Path) -> None:
    with pytest.raises(DaemonGone), Qmp(control, 5.0):
        raise AssertionError("nobody is there")
    with pytest.raises(DaemonGone), Qmp(control.parent / "absent" / "qmp", 5.0):
        raise AssertionError("nobody is there")


def test_a_daemon_that_ends_in_the_middle_is_gone(control: Path, serve: Callable[..., Server]) -> None:
    def end(request: dict[str, Any]) -> list[dict[str, Any]]:
        raise OSError("killed")

    serve(end)
    with Qmp(control, 5.0) as qmp, pytest.raises(DaemonGone):
        qmp.run("query-jobs")


def test_a_daemon_that_says_nothing_is_waited_for_no_longer_than_agreed(
    control: Path, serve: Callable[..., Server]
) -> None:
    serve(lambda request: [])
    with Qmp(control, 0.2) as qmp, pytest.raises(Transient, match="did not answer"):
        qmp.run("query-jobs")


def test_sessions_take_turns(control: Path, serve: Callable[..., Server]) -> None:
    serve(returning({}))
    with Qmp(control, 5.0), pytest.raises(Transient, match="spoken to by another"), Qmp(control, 0.1):
        raise AssertionError("two speak at once")
    with Qmp(control, 5.0) as qmp:
        assert qmp.run("query-jobs") == {}


def test_many_threads_each_get_their_own_answers(control: Path, serve: Callable[..., Server]) -> None:
    serve(lambda request: [{"return": request["arguments"]["value"], "id": request["id"]}])
    wrong: list[int] = []

    def speak(number: int) -> None:
        for _ in range(5):
            with Qmp(control, 20.0) as qmp:
                if qmp.run("echo", value=number) != number:
                    wrong.append(number)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    with pytest.raises(Misconfigured, match="too long"), Qmp(folder / "qmp", 1.0):
        raise AssertionError("no such socket can be")


def test_a_lock_that_is_a_link_is_not_followed(control: Path, serve: Callable[..., Server]) -> None:
    serve(returning({}))
    control.with_suffix(".turn").symlink_to(control.parent / "elsewhere")
    with pytest.raises(Failed, match="cannot be locked"), Qmp(control, 1.0):
        raise AssertionError("the link was followed")
    assert not (control.parent / "elsewhere").exists()
