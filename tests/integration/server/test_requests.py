"""What holds for every request, whichever plugin answers it."""

from __future__ import annotations

import http.client
import socket
import ssl
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.integration.server.running import Server, until

REQUEST_ID = "req-11111111-2222-3333-4444-555555555555"


def test_the_first_page_says_what_is_mounted(shared: Server) -> None:
    assert shared.json("/")["product"] == "Isthmus"
    assert shared.json("/probe/mounts")["/probe"] == "probe"


def test_a_path_that_nobody_has_is_a_problem_document(shared: Server) -> None:
    answer = shared.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["X-Openstack-Request-Id"]


@pytest.mark.parametrize("header", ["X-Openstack-Request-Id", "X-Request-Id"])
def test_a_request_keeps_the_id_it_came_with(shared: Server, header: str) -> None:
    answer = shared.get("/probe/echo", headers={header: REQUEST_ID})
    assert answer.json()["request_id"] == REQUEST_ID
    assert answer.headers["X-Openstack-Request-Id"] == answer.headers["X-Request-Id"] == REQUEST_ID


@pytest.mark.parametrize(
    "given", ["req-1", "x" * 200, "req-11111111-2222-3333-4444-55555555555\u00e9", "a b c d e f g h"]
)
def test_an_id_that_is_none_is_replaced(shared: Server, given: str) -> None:
    answer = shared.get("/probe/echo", headers={"X-Openstack-Request-Id": given.encode()})
    assert answer.headers["X-Openstack-Request-Id"].startswith("req-")
    assert answer.headers["X-Openstack-Request-Id"] != given


def test_what_a_plugin_lets_escape_tells_nothing_and_is_in_the_log(shared: Server) -> None:
    answer = shared.get("/probe/fail")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    log = shared.log.read_text()
    assert answer.json()["request_id"] in log
    assert "RuntimeError" in log
    assert "hunter2" not in log


def test_every_answer_has_security_headers(shared: Server) -> None:
    for path in ("/", "/probe/echo", "/nothing", "/probe/fail"):
        headers = shared.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_body_up_to_the_limit_passes(shared: Server) -> None:
    assert shared.request("POST", "/probe/echo", data=b"x" * 4096).json()["bytes"] == 4096
    assert shared.request("POST", "/probe/echo", data=_chunks(4096)).json()["bytes"] == 4096


def test_a_body_beyond_the_limit_is_refused_declared_or_not(shared: Server) -> None:
    for body in (b"x" * 4097, _chunks(4097)):
        answer = shared.request("POST", "/probe/echo", data=body)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999999999", "abc"])
def test_an_absurd_length_is_refused(shared: Server, length: str) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", shared.port, context=_context(shared), timeout=10)
    with closing(connection):
        connection.putrequest("POST", "/probe/echo")
        connection.putheader("Content-Length", length)
        connection.endheaders(b"x")
        assert 400 <= connection.getresponse().status < 500
    assert shared.answers()


def test_streams_beyond_the_budget_are_refused_and_leave_room_for_requests(shared: Server) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            stream = stack.enter_context(closing(shared.get("/probe/stream", stream=True)))
            assert stream.status_code == 200
        refused = shared.get("/probe/stream")
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert refused.json()["code"] == "overloaded"
        assert shared.json("/probe/echo")["bytes"] == 0
    # A place is free again as soon as a client has gone.
    until(lambda: _opens(shared))


def test_a_plugin_has_records_actions_and_settings(shared: Server) -> None:
    first = shared.json("/probe/count")
    assert shared.json("/probe/count") == first + 1
    assert shared.json("/probe/greeting") == {"said": "hello"}


def test_plugins_that_cannot_be_used_are_reported_and_harm_nobody(shared: Server) -> None:
    states = shared.json("/probe/extensions")
    assert states["plugins/probe"] == "loaded"
    assert states["plugins/outdated"] == "incompatible"
    assert states["plugins/absent"] == "broken"
    assert states["plugins/zgreedy"] == "broken"
    assert states["plugins/crashing"] == "broken"


def test_a_server_says_that_it_is_ready(shared: Server) -> None:
    assert not [line for line in shared.json("/probe/ready") if line.startswith("error")]


def test_http_2_is_spoken(shared: Server) -> None:
    context = _context(shared)
    context.set_alpn_protocols(["h2"])
    with closing(_connect(shared, context)) as connection:
        assert connection.selected_alpn_protocol() == "h2"


def test_the_client_file_leads_to_the_server(shared: Server) -> None:
    client = tomllib.loads((shared.state / "client.toml").read_text())
    assert client["address"] == f"https://127.0.0.1:{shared.port}"
    assert client["ca"] == (shared.state / "tls" / "ca.pem").read_text()
    assert client["token"] == (shared.state / "admin.token").read_text().strip()


def _opens(server: Server) -> bool:
    with closing(server.get("/probe/stream", stream=True)) as stream:
        return stream.status_code == 200


def _chunks(total: int) -> Iterator[bytes]:
    yield b"x" * (total - 1)
    yield b"x"


def _context(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.state / "tls" / "ca.pem"))


def _connect(server: Server, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 10), server_hostname="127.0.0.1")


def test_everything_that_comes_with_isthmus_can_be_used(shared: Server) -> None:
    """Plugins, drivers, targets, filters and weighers fit the contracts of this very release."""
    own = shared.json("/probe/own")
    assert own
    assert {name: state for name, state in own.items() if state not in ("loaded", "available")} == {}
