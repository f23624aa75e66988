"""Plain HTTP is told to come over TLS, and told nothing else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from isthmus.core.errors import Misconfigured
from isthmus.plugin_manager.configuration import load
from isthmus.plugin_manager.server import redirect
from isthmus.plugin_manager.server.redirect import MOST_CONNECTIONS, Redirect
from tests.environment.ports import free_port
from tests.environment.server import until

Make = Callable[..., Redirect]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Redirects that listen on loopback until the test ends; settings are variables without their beginning."""
    with contextlib.ExitStack() as ended:

        def made(**settings: object) -> Redirect:
            given = {"REDIRECT_PORT": free_port(), **settings}
            environment = {f"ISTHMUS_LISTEN_{name}": str(value) for name, value in given.items()}
            listener = Redirect(load(environment={"ISTHMUS_STATE": str(tmp_path), **environment}))
            listener.start()
            ended.callback(listener.stop)
            return listener

        yield made


def ask(listener: Redirect, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to what was sent; the connection must end with it."""
    with socket.create_connection(listener.place, timeout=10) as connection:
        connection.sendall(request)
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}, body


def asking(target: str, *headers: str, method: str = "GET") -> bytes:
    return "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", *headers, "")).encode("latin-1")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"])
def test_any_request_is_sent_to_the_same_place_over_tls(make: Make, method: str) -> None:
    status, headers, body = ask(make(), asking("/redfish/v1/?$top=1", "Host: store.example:8080", method=method))
    assert (status, headers["location"], body) == (308, "https://store.example:7460/redfish/v1/?$top=1", b"")
    assert headers["connection"] == "close" and headers["content-length"] == "0"


def test_the_usual_port_is_not_named(make: Make) -> None:
    status, headers, _ = ask(make(PORT=443), asking("/a", "Host: [::1]"))
    assert (status, headers["location"]) == (308, "https://[::1]/a")


@pytest.mark.parametrize("host", [["Host: elsewhere.example"], []])
def test_the_public_address_counts_where_there_is_one(make: Make, host: list[str]) -> None:
    listener = make(PUBLIC="https://storage.example:8443/")
    assert ask(listener, asking("/a", *host))[1]["location"] == "https://storage.example:8443/a"


def test_without_a_host_it_is_the_address_of_the_server(make: Make) -> None:
    assert ask(make(), b"GET /a HTTP/1.0\r\n\r\n")[1]["location"] == "https://127.0.0.1:7460/a"


def test_a_target_with_a_scheme_is_taken_for_its_path(make: Make) -> None:
    assert ask(make(), asking("http://x.example/a", "Host: y"))[1]["location"] == "https://y:7460/a"


@pytest.mark.parametrize(
    "request_",
    [
        b"hello\r\n\r\n",
        b"GET a HTTP/1.1\r\nHost: y\r\n\r\n",
        b"GET /a\tb HTTP/1.1\r\nHost: y\r\n\r\n",
        b"GET /a\nLocation: b HTTP/1.1\r\nHost: y\r\n\r\n",
        b"GET /\xe4 HTTP/1.1\r\nHost: y\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: y\r\nHost: z\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: y/z@w\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: y\nSet-Cookie: z\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(make: Make, request_: bytes) -> None:
    status, headers, body = ask(make(), request_)
    assert (status, body) == (400, b"") and "location" not in headers and "set-cookie" not in headers


def test_a_head_without_end_is_refused(make: Make) -> None:
    assert ask(make(), b"GET /" + b"a" * (redirect.LONGEST_HEAD + 2) + b"\r\n\r\n")[0] == 431


def test_a_body_is_not_looked_at_and_does_not_hide_the_answer(make: Make) -> None:
    body = b"x" * 300_000
    request = asking("/a", "Host: y", f"Content-Length: {len(body)}", method="POST") + body
    assert ask(make(), request)[0] == 308


def test_who_says_nothing_is_let_go(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redirect, "PATIENCE", 0.05)
    with socket.create_connection(make().place, timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_silent_clients_cannot_keep_others_out_for_longer_than_they_may_wait(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redirect, "PATIENCE", 0.3)
    listener = make()
    with contextlib.ExitStack() as opened:
        for _ in range(MOST_CONNECTIONS + 10):
            opened.enter_context(socket.create_connection(listener.place, timeout=10))

        def answered() -> bool:
            with contextlib.suppress(ConnectionError, IndexError):
                return ask(listener, asking("/a", "Host: y"))[0] == 308
            return False

        until(answered)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"LISTEN_REDIRECT_PORT": "7460"}, "both 7460"),
        ({"LISTEN_REDIRECT_PORT": "70000"}, "at most 65535"),
        ({"LISTEN_REDIRECT_PORT": "80", "TLS_MODE": "off"}, "nothing to redirect to"),
        ({"LISTEN_REDIRECT_PORT": "80", "LISTEN_PUBLIC": "http://store.example"}, "begin with https"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_not_configured(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        load(environment={f"ISTHMUS_{name}": value for name, value in settings.items()})
