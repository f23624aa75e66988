"""The client's reverse proxy: a plug-in's server below a prefix of the client's own origin."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection

from tests.simulators.vcenter import pinned, thumbprint

from .plugin import Upstream

_SECONDS = 60.0
# What belongs to one connection only, what is said anew, and what is nobody's business but the client's.
_OF_REQUESTS = {"host", "connection", "keep-alive", "transfer-encoding", "upgrade", "te", "content-length", "cookie"}
_OF_REPLIES = {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "date", "server"}


class BadGateway(Exception):
    """The plug-in's server cannot be reached, or is another than the registered one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the plug-in's server answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes


def forward(upstream: Upstream, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Reply:
    """Ask the plug-in's server for `target` (path and query). Raises `BadGateway`."""
    context = pinned(upstream.certificate) if upstream.certificate else _any_certificate()
    connection = HTTPSConnection(upstream.host, upstream.port, timeout=_SECONDS, context=context)
    sent = {name: value for name, value in headers if name.lower() not in _OF_REQUESTS}
    try:
        connection.connect()
        _demand_registered(connection, upstream)
        connection.request(method, target, body=body or None, headers=sent)
        reply = connection.getresponse()
        content = reply.read()
    except (OSError, HTTPException) as error:
        raise BadGateway(str(error)) from None
    finally:
        connection.close()
    kept = tuple((name, value) for name, value in reply.getheaders() if name.lower() not in _OF_REPLIES)
    return Reply(reply.status, kept, content)


def _demand_registered(connection: HTTPSConnection, upstream: Upstream) -> None:
    if upstream.certificate:
        return
    shown = ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True) or b"")
    algorithm = "sha1" if upstream.thumbprint.count(":") == 19 else "sha256"
    if thumbprint(shown, algorithm) != upstream.thumbprint.upper():
        raise BadGateway("the plug-in's server shows another certificate than the registered one")


def _any_certificate() -> ssl.SSLContext:
    """For a server that is known by its thumbprint, which is compared before anything is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
