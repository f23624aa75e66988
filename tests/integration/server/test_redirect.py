"""A server's port for plain HTTP: it is there with the server, says where to go, and ends with it."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import requests

from tests.environment.ports import free_port
from tests.integration.server.running import Server, running, until


def plain(port: int, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{port}{path}", timeout=10, allow_redirects=False)


def _redirected(port: int) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return plain(port, "/").status_code == 308
    return False


def test_plain_http_leads_to_the_same_over_tls_and_ends_with_the_server(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, listen={"redirect_port": port, "workers": 2}) as server:
        told = plain(port, "/probe/echo?a=1")
        assert told.status_code == 308 and told.content == b""
        assert told.headers["Location"] == f"https://127.0.0.1:{server.port}/probe/echo?a=1"
        followed = requests.get(
            f"http://127.0.0.1:{port}/probe/echo", timeout=10, verify=str(server.state / "tls" / "ca.pem")
        )
        assert followed.status_code == 200 and followed.url.startswith("https:")
        os.kill(server.worker(), 9)
        until(lambda: _redirected(port))
        assert server.stop() == 0
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            free.listen()


def test_a_port_that_another_program_has_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = Server(tmp_path, listen={"redirect_port": taken.getsockname()[1]})
        try:
            assert server.launch().wait(30) != 0
            assert f"port {taken.getsockname()[1]} cannot be listened on" in server.log.read_text()
        finally:
            server.kill()
