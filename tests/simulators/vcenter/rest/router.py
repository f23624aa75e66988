"""Which REST request is answered by what, and for whom."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ..interference import Dropped
from ..registry import vim, vmodl

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

log = logging.getLogger(__name__)
SESSION_HEADER = "vmware-api-session-id"


@dataclass(frozen=True, slots=True)
class Question:
    """One request."""

    method: str
    path: str
    query: str
    # By lower-case name.
    headers: Mapping[str, str]
    body: bytes
    address: str = ""

    def parameters(self) -> dict[str, list[str]]:
        """The query, decoded."""
        return parse_qs(self.query, keep_blank_values=True)

    def json(self) -> Any:
        """The body. InvalidArgument for what is no JSON."""
        try:
            return json.loads(self.body) if self.body else {}
        except ValueError:
            raise problem(400, "INVALID_ARGUMENT", "The body is no JSON") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply; no body with 204."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body as sent."""
        return b"" if self.status == 204 else json.dumps(self.body).encode()


class Problem(Exception):
    """A request that is refused."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def problem(status: int, kind: str, message: str) -> Problem:
    """A refusal in the form vAPI gives errors."""
    told = {"error_type": kind, "messages": [{"id": kind.lower(), "default_message": message, "args": []}]}
    return Problem(Answer(status, told))


Handler = Callable[..., Any]


class Router:
    """The routes of one vCenter. A handler takes the question, the session if it needs one, and the path's parts."""

    def __init__(self, vc: VCenter) -> None:
        self._vc = vc
        self._routes: list[tuple[str, re.Pattern[str], str | None, bool, Handler]] = []

    def add(self, method: str, path: str, handler: Handler, *, action: str | None = None, session: bool = True) -> None:
        """A route: `{part}` stands for one segment; `action` is the value of `?action=` or `?~action=`."""
        pattern = re.compile(re.sub(r"\{\w+\}", "([^/]+)", path.replace(":", r"\:")) + "/?")
        self._routes.append((method, pattern, action, session, handler))

    def answer(self, question: Question) -> Answer:
        """What the vCenter says. `Dropped` when it shall say nothing."""
        try:
            return self._answer(question)
        except Problem as refused:
            return refused.answer
        except vmodl.MethodFault as fault:
            return _translated(fault)
        except Dropped:
            raise
        except Exception as error:
            log.exception("a route of the simulator failed")
            return problem(500, "INTERNAL_SERVER_ERROR", repr(error)).answer

    def _answer(self, question: Question) -> Answer:
        name = f"{question.method} {question.path}"
        self._vc.interference.called(name)
        self._vc.interference.meet(name, None, {}, after=False)
        handler, arguments, needs_session = self._find(question)
        if needs_session:
            arguments = (self.session(question), *arguments)
        found = handler(question, *arguments)
        self._vc.interference.meet(name, None, {}, after=True)
        return found if isinstance(found, Answer) else Answer(204 if found is None else 200, found)

    def _find(self, question: Question) -> tuple[Handler, tuple[Any, ...], bool]:
        parameters = question.parameters()
        wanted = next((parameters[each][0] for each in ("action", "~action") if each in parameters), None)
        for method, pattern, action, session, handler in self._routes:
            match = pattern.fullmatch(question.path)
            if match and method == question.method and action == wanted:
                return handler, match.groups(), session
        raise problem(404, "NOT_FOUND", f"There is nothing at {question.method} {question.path}")

    def session(self, question: Question) -> Session:
        """The session a request shows. 401 without."""
        found = self._vc.rest_sessions.find(question.headers.get(SESSION_HEADER, ""))
        if found is None:
            raise problem(401, "UNAUTHENTICATED", "Authentication required.")
        return found


def _translated(fault: Any) -> Answer:
    kinds = (
        (vim.fault.NoPermission, 403, "UNAUTHORIZED"),
        (vim.fault.NotAuthenticated, 401, "UNAUTHENTICATED"),
        (vim.fault.NotFound, 404, "NOT_FOUND"),
        (vmodl.fault.ManagedObjectNotFound, 404, "NOT_FOUND"),
    )
    for kind, status, name in kinds:
        if isinstance(fault, kind):
            return problem(status, name, fault.msg or name).answer
    return problem(400, "INVALID_ARGUMENT", fault.msg or type(fault).__name__).answer
