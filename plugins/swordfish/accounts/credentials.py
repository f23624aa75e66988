"""Who is asking: Basic, or the token of a session (DSP0266, Authentication). Over TLS only."""

from __future__ import annotations

import base64
import binascii

from ....core.context import Context
from ....core.errors import Unauthenticated
from ....core.model.request import Credential
from ..protocol.refusal import refuse
from ..protocol.request import Request


def authenticate(request: Request) -> Context:
    """The caller; raises `Unauthenticated`, or a refusal over plain HTTP."""
    require_tls(request)
    token = request.header("X-Auth-Token")
    if token is not None:
        return request.service.sessions.context(token, request.request_id)
    credential = basic(request.header("Authorization"))
    return request.adapter.authenticate(credential, request_id=request.request_id or None)


def require_tls(request: Request) -> None:
    """Refuse a request that brings, or would have to bring, credentials in the clear (DSP0266, Basic authentication;
    Session login). No challenge goes back: nobody is to answer it here."""
    if request.environ.get("wsgi.url_scheme") != "https":
        raise refuse(403, "GeneralError", resolution="Credentials are taken over TLS only. Use https.")


def basic(header: str | None) -> Credential:
    """The user and password in an `Authorization` header (RFC 7617); raises `Unauthenticated`."""
    scheme, _, rest = (header or "").partition(" ")
    user, colon, password = "", "", ""
    if scheme.lower() == "basic":
        try:
            user, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            colon = ""
    if colon and "\0" not in user:
        return Credential(user=user, password=password)
    raise Unauthenticated(
        "No usable credentials were sent.",
        next_step="Send X-Auth-Token of a session, or Authorization: Basic with a user's name and password.",
    )
