"""`/api/session`, and the session of the user interface that plug-ins have cloned."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from .router import SESSION_HEADER, Answer, Question, Router, problem

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter


def install(vc: VCenter, router: Router) -> None:
    """Log in, look, log out; a ticket for a linked vCenter."""

    def create(question: Question) -> Answer:
        user = vc.user_with(*_credentials(question))
        if user is None or "System.View" not in vc.rights.of_user(user, vc.root):
            raise problem(401, "UNAUTHENTICATED", "Unable to authenticate user")
        agent = question.headers.get("user-agent", "")
        session = vc.rest_sessions.open(user, address=question.address, agent=agent)
        return Answer(201, session.cookie, {SESSION_HEADER: session.cookie})

    def show(question: Question, session: Session) -> dict[str, Any]:
        return {
            "user": session.user,
            "created_time": session.login.isoformat(),
            "last_accessed_time": session.last_active.isoformat(),
        }

    def delete(question: Question, session: Session) -> None:
        vc.rest_sessions.close(session)

    def old_create(question: Question) -> Answer:
        made = create(question)
        return Answer(200, {"value": made.body}, made.headers)

    def ticket(question: Question) -> dict[str, str]:
        session, extension = vc.interface_sessions.demand(question.headers.get(SESSION_HEADER, ""))
        asked = question.json()
        guid = asked.get("vc_guid", asked.get("vc-guid"))
        if not guid:
            raise problem(400, "INVALID_ARGUMENT", "vc_guid is missing")
        target = vc.linked.get(guid)
        if target is None:
            raise problem(404, "NOT_FOUND", f"There is no vCenter {guid} here")
        return {"session_clone_ticket": vc.interface_sessions.ticket(session, extension, target)}

    if vc.release.has_api:
        router.add("POST", "/api/session", create, session=False)
        router.add("GET", "/api/session", show)
        router.add("DELETE", "/api/session", delete)
    router.add("POST", "/rest/com/vmware/cis/session", old_create, session=False)
    router.add("DELETE", "/rest/com/vmware/cis/session", delete)
    router.add("POST", "/api/ui/vcenter/session/clone-ticket", ticket, session=False)


def _credentials(question: Question) -> tuple[str, str]:
    kind, _, encoded = question.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
