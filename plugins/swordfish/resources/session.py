"""Sessions: log in, look, log out (DSP0266, Session login; Session termination)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import NotFound, Unauthenticated
from ....core.model.codec import time_text
from ....core.model.request import Credential
from .. import uris
from ..accounts.credentials import require_tls
from ..accounts.sessions import Session
from ..protocol.messages import said
from ..protocol.refusal import Refusal
from ..protocol.request import Request
from ..protocol.resource import NULL, Body, Collection, Creation, Outcome, Property, Resource, Window
from ..protocol.windows import window_of

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^\\u0000]*$"}
_PASSWORD = {"type": "string", "maxLength": 1024, "writeOnly": True}
_CONTEXT = {"type": "string", "maxLength": 255}


def _visible(session: Session, request: Request) -> bool:
    """Everybody sees the own sessions, an administrator all."""
    return request.context.is_admin or session.user == request.context.user


def _load(request: Request) -> Session:
    session = request.service.sessions.get(request.params["session"])
    if not _visible(session, request):
        raise NotFound(f"There is no session {session.id}.")
    return session


def _list(request: Request, after: str | None, limit: int) -> Window:
    seen = [uris.session(one.id) for one in request.service.sessions.all() if _visible(one, request)]
    return window_of(seen, after, limit)


def _login(request: Request, values: Mapping[str, Any]) -> Outcome:
    require_tls(request)
    name = str(values["UserName"])
    credential = Credential(user=name, password=str(values["Password"]))
    try:
        context = request.adapter.authenticate(credential, request_id=request.request_id or None)
    except Unauthenticated as error:
        advice = f"{error.message} {error.next_step}"
        headers = {"WWW-Authenticate": 'Basic realm="Isthmus", charset="UTF-8"'}
        raise Refusal(401, [said("AccessUnauthorized", resolution=advice)], headers) from None
    client = request.environ.get("REMOTE_ADDR") or None
    session, token = request.service.sessions.create(context, name, client=client, note=values.get("Context"))
    request.signed_in(context)
    request.answering["X-Auth-Token"] = token
    return uris.session(session.id)


def _delete(request: Request, session: Session) -> Outcome:
    if not request.service.sessions.end(session):
        raise NotFound(f"There is no session {session.id}.")
    return None


def _messages(session: Session, request: Request) -> list[dict[str, Any]] | None:
    """What the owner has to do first (DSP0266, Password change required handling)."""
    if not request.context.must_change_password:
        return None
    account = uris.account(session.user)
    return [said("PasswordChangeRequired", account)]


SESSION = Resource(
    type="Session",
    version="v1_8_0",
    path=uris.session("{session}"),
    load=_load,
    id_of=lambda session: str(session.id),
    name=lambda session, request: f"Session of {session.user_name}",
    delete=_delete,
    properties=(
        Property("UserName", lambda session, request: session.user_name),
        Property("Password", lambda session, request: NULL),
        Property("SessionType", lambda session, request: "Redfish"),
        Property("ClientOriginIPAddress", lambda session, request: session.client),
        Property("Context", lambda session, request: session.context),
        Property("CreatedTime", lambda session, request: time_text(session.created_at)),
        Property("ExpirationTime", lambda session, request: time_text(session.ends_at)),
        Property("@Message.ExtendedInfo", _messages),
    ),
)

SESSIONS = Collection(
    type="SessionCollection",
    path=uris.SESSIONS,
    name="Sessions",
    member=SESSION,
    list=_list,
    uri_of=lambda session, request: uris.session(session.id),
    creation=Creation(
        Body({"UserName": _NAME, "Password": _PASSWORD, "Context": _CONTEXT}, required=("UserName", "Password")),
        _login,
        open=True,
    ),
)

SERVED = (SESSIONS, SESSION)
