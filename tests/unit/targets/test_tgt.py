"""The bytes spoken to tgtd, and what becomes of its answers; a stand-in plays tgtd."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from isthmus.core.errors import Busy, Refused, Transient
from isthmus.core.targets.iscsi.tgt import Code, Mode, Tgt, TgtGone, TgtRefusal, Verb, pack, unpack


def test_a_request_is_120_bytes_and_its_text_ends_with_a_zero() -> None:
    assert len(pack(Mode.SYSTEM, Verb.SHOW)) == 120
    request = pack(Mode.DEVICE, Verb.NEW, tid=7, sid=3, lun=1, cid=2, force=True, text="path=/x")
    assert request[120:] == b"path=/x\0"
    fields = struct.unpack("=II64sIiQQIIIIII", request[:120])
    assert fields[:2] == (2, 0) and fields[2].rstrip(b"\0") == b"iscsi"
    assert fields[3:] == (128, 7, 3, 1, 2, 0, 0, 0, 0, 1)


def test_all_targets_are_asked_for_by_the_number_minus_one() -> None:
    assert struct.unpack_from("=i", pack(Mode.TARGET, Verb.SHOW, tid=-1), 76) == (-1,)


def test_an_answer_is_an_error_number_and_a_text() -> None:
    assert unpack(struct.pack("=II", 0, 13) + b"text\0") == (0, "text")
    assert unpack(struct.pack("=II", 4, 8)) == (4, "")


@pytest.mark.parametrize("answer", [b"", b"\0\0\0", struct.pack("=II", 0, 100) + b"half"])
def test_an_answer_cut_short_is_a_tgtd_that_went_away(answer: bytes) -> None:
    with pytest.raises(TgtGone):
        unpack(answer)


@contextmanager
def tgtd(path: Path, answer: Callable[[bytes], bytes | None]) -> Iterator[list[bytes]]:
    """Answers every request by `answer(request)`; None closes without an answer."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    channel, _ = listener.accept()
                except OSError:
                    return
                with channel:
                    asked.append(channel.recv(65536))
                    given = answer(asked[-1])
                    if given is not None:
                        channel.sendall(given)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def says(code: int, text: str = "") -> Callable[[bytes], bytes]:
    body = text.encode()
    return lambda request: struct.pack("=II", code, 8 + len(body)) + body


def test_what_is_there_already_is_no_error(tmp_path: Path) -> None:
    with tgtd(tmp_path / "s", says(Code.TARGET_EXISTS)):
        assert Tgt(tmp_path / "s", None, 5).new_target(1, "iqn.x:a") is False
    (tmp_path / "s").unlink()
    with tgtd(tmp_path / "s", says(0)) as asked:
        assert Tgt(tmp_path / "s", None, 5).new_target(1, "iqn.x:a") is True
    assert asked[0].endswith(b"targetname=iqn.x:a\0")


def test_other_errors_name_what_was_tried_and_no_secret(tmp_path: Path) -> None:
    with tgtd(tmp_path / "s", says(16)), pytest.raises(TgtRefusal, match="too many accounts") as caught:
        Tgt(tmp_path / "s", None, 5).new_account("user", "swordfish-sword")
    assert "swordfish" not in repr(caught.value.to_json())


def test_a_busy_device_can_be_tried_again(tmp_path: Path) -> None:
    with tgtd(tmp_path / "s", says(Code.LUN_ACTIVE)), pytest.raises(Busy):
        Tgt(tmp_path / "s", None, 5).delete_target(1)


def test_a_value_that_tgtd_would_take_for_two_is_refused_unasked(tmp_path: Path) -> None:
    for value in ("a,b", "a=b", "a b", "a\n", ""):
        with pytest.raises(Refused):
            Tgt(tmp_path / "no-such-socket", None, 5).new_account("user", value)


def test_a_tgtd_that_is_not_there_goes_away_or_hangs_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(Transient, match="does not answer"):
        Tgt(tmp_path / "no-such-socket", None, 5).portals()
    with tgtd(tmp_path / "s", lambda request: None), pytest.raises(TgtGone):
        Tgt(tmp_path / "s", None, 5).portals()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        with pytest.raises(TgtGone, match=r"0\.1 s"):
            Tgt(tmp_path / "silent", None, 0.1).portals()
