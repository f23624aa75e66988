"""One message to a destination: taken or not, within a bounded time."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.core.security.authority import issue_server_certificate, make_authority
from isthmus.plugins.swordfish.events.posting import post
from tests.environment.redfish_events import Destination, Hanging

WAIT = 20.0
LARGE = b"x" * (32 << 20)


def posted(url: str, body: bytes = b"{}", seconds: float = 0.5) -> str | None:
    """What `post` gives; fails where it hangs."""
    given: list[str | None] = []
    thread = threading.Thread(
        target=lambda: given.append(post(url, body, {}, verify=False, seconds=seconds)), daemon=True
    )
    thread.start()
    thread.join(WAIT)
    assert given, "it still waits"
    return given[0]


@pytest.fixture
def destination() -> Iterator[Destination]:
    with contextlib.closing(Destination()) as found:
        yield found


def test_a_message_arrives_with_its_headers(destination: Destination) -> None:
    sent = {"X-Own": "yes", "Content-Length": "1", "content-type": "text/plain", "Transfer-Encoding": "chunked"}
    assert post(f"{destination.url}?a=1", b'{"Events": []}', sent, verify=True, seconds=WAIT) is None
    headers, body = destination.next()
    assert body == {"Events": []}
    assert headers["X-Own"] == "yes" and headers["Content-Type"].startswith("application/json")
    assert "Transfer-Encoding" not in headers


def test_a_certificate_that_nobody_vouches_for_is_taken_only_where_that_was_asked_for(tmp_path: Path) -> None:
    issued = issue_server_certificate(make_authority(), ["127.0.0.1"])
    (tmp_path / "own.pem").write_bytes(issued.certificate + issued.key)
    with contextlib.closing(Destination(tmp_path / "own.pem")) as destination:
        wrong = post(destination.url, b"{}", {"X-Secret": "s"}, verify=True, seconds=WAIT)
        assert wrong == "cannot be reached: SSLCertVerificationError"
        assert not destination.attempts
        assert post(destination.url, b'{"Id": "7"}', {}, verify=False, seconds=WAIT) is None
        assert destination.next()[1] == {"Id": "7"}


def test_a_refusal_is_told(destination: Destination) -> None:
    destination.refusing.set()
    assert posted(destination.url, seconds=WAIT) == "answered 500"


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert posted(f"http://127.0.0.1:{port}/?secret=1", seconds=WAIT) == "cannot be reached: ConnectionRefusedError"


@pytest.mark.parametrize("dripping", [False, True], ids=["silent", "dripping"])
@pytest.mark.parametrize("body", [b"{}", LARGE], ids=["small", "more than it reads"])
def test_whoever_never_answers_is_left_when_the_time_is_up(dripping: bool, body: bytes) -> None:
    with contextlib.closing(Hanging(dripping=dripping)) as hanging:
        assert posted(hanging.url, body) == "cannot be reached: TimeoutError"


def test_a_handshake_that_never_ends_is_left_too() -> None:
    with contextlib.closing(Hanging()) as hanging:
        assert posted(hanging.url.replace("http:", "https:")) == "cannot be reached: TimeoutError"
