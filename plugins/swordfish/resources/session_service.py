"""The session service: how long sessions last (DSP0266, Session management)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import uris
from ..accounts.session_settings import LONGEST_TIMEOUT, SHORTEST_TIMEOUT, SessionRule
from ..accounts.sessions import LONGEST
from ..protocol.request import Request
from ..protocol.resource import Outcome, Property, Resource
from ..uris import link

_TIMEOUT = {"type": "integer", "minimum": SHORTEST_TIMEOUT, "maximum": LONGEST_TIMEOUT}


def _update(request: Request, rule: SessionRule, changes: Mapping[str, Any]) -> Outcome:
    request.service.sessions.settings.write(changes["SessionTimeout"], if_version=request.expected(rule))
    return None


SESSION_SERVICE = Resource(
    type="SessionService",
    version="v1_2_0",
    path=uris.SESSION_SERVICE,
    load=lambda request: request.service.sessions.settings.read(),
    name=lambda rule, request: "Session service",
    update=_update,
    properties=(
        Property("ServiceEnabled", lambda rule, request: True),
        Property("Status", lambda rule, request: {"State": "Enabled", "Health": "OK"}),
        Property("SessionTimeout", lambda rule, request: rule.timeout, write=_TIMEOUT),
        Property("AbsoluteSessionTimeoutEnabled", lambda rule, request: True),
        Property("AbsoluteSessionTimeout", lambda rule, request: LONGEST),
        Property("Sessions", lambda rule, request: link(uris.SESSIONS)),
    ),
)

SERVED = (SESSION_SERVICE,)
