"""The one WSGI application: plugins under their prefixes, and what holds for all of them.

Request ids in and out, the limit of bodies and of event streams, security headers, an end to requests when the server
stops, and no trace of an error that a plugin lets escape.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from ...core.context import new_request_id
from ..contract import Application, StopSignal
from .body import Input, LimitedBody, discard
from .logs import REQUEST_ID
from .problem import Answer, document, problem
from .reply import Reply, Stream, begun, close

_log = logging.getLogger(__name__)
_access = logging.getLogger("isthmus.access")

RETRY_AFTER = 5
UNROUTED = "other"
"""How requests are counted that no plugin gave a pattern."""

_OPENSTACK_ID = re.compile(r"req-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OTHER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,63}")
_LARGEST_JOINED = 1 << 20
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_PATIENCE = 64
"""How many times the limit of a body is read, so that whoever sent too much can still be told."""
_SECURITY = {
    "x-content-type-options": ("X-Content-Type-Options", "nosniff"),
    "referrer-policy": ("Referrer-Policy", "no-referrer"),
    "cache-control": ("Cache-Control", "no-store"),
}
_FRAMING = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Frame-Options", "DENY"),
)

Environment = dict[str, Any]
StartResponse = Callable[..., Any]


class Mounts:
    """Which prefix belongs to whom. `/` is that very path; any other prefix holds all that lies below it too."""

    def __init__(self) -> None:
        self._applications: dict[str, tuple[str, Application]] = {}
        self._deepest = 1

    def add(self, prefix: str, owner: str, application: Application) -> None:
        """Give `prefix` to `owner`; raises ValueError for one that is malformed or taken by another."""
        if prefix != "/" and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
            raise ValueError(f"{prefix!r} is no prefix: it begins with a slash and does not end with one")
        taken = self._applications.get(prefix)
        if taken is not None and taken[0] != owner:
            raise ValueError(f"the prefix {prefix} belongs to the plugin {taken[0]}")
        self._applications[prefix] = (owner, application)
        self._deepest = max(self._deepest, prefix.count("/"))

    def remove(self, owner: str) -> None:
        """Take back all that `owner` has."""
        self._applications = {prefix: entry for prefix, entry in self._applications.items() if entry[0] != owner}

    def find(self, path: str) -> Application | None:
        """The application that answers `path`."""
        found = self._applications.get(path)
        if found is not None:
            return found[1]
        parts = path.split("/", self._deepest + 1)
        for count in range(min(len(parts) - 1, self._deepest), 0, -1):
            prefix = "/".join(parts[: count + 1])
            found = self._applications.get(prefix) if prefix != "/" else None
            if found is not None:
                return found[1]
        return None

    def table(self) -> Mapping[str, str]:
        """Prefixes with their owners."""
        return {prefix: owner for prefix, (owner, _) in sorted(self._applications.items())}


class Requested(Protocol):
    """Is told of every request that was answered."""

    def __call__(self, route: str, method: str, status: str, seconds: float) -> None: ...


class Front:
    """Answers every request. `index` is what `GET /` shows where no plugin answers it, `requested` counts them."""

    def __init__(
        self,
        mounts: Mounts,
        *,
        body_limit: int,
        streams: int,
        stopping: StopSignal,
        index: Callable[[], Mapping[str, Any]],
        requested: Requested | None = None,
    ) -> None:
        self._mounts = mounts
        self._body_limit = body_limit
        self._most_streams = streams
        self._stopping = stopping
        self._index = index
        self._requested = requested
        self._changed = threading.Condition()
        self._streams = 0
        self._requests = 0

    @property
    def streams(self) -> int:
        """How many event streams are open."""
        return self._streams

    def drain(self, timeout: float) -> bool:
        """Wait until no request is being answered, at most `timeout` seconds; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._requests == 0, timeout)

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = _request_id(environ)
        environ["isthmus.request_id"] = request_id
        token = REQUEST_ID.set(request_id)
        began = time.perf_counter()
        with self._changed:
            self._requests += 1
        reply = Reply()
        try:
            body = self._answer(environ, reply, request_id)
        except BaseException:
            self._leave()
            raise
        finally:
            REQUEST_ID.reset(token)
        self._pass_over_body(environ, reply)
        _finish(reply, request_id)
        if isinstance(body, Stream):
            body.afterwards = self._leave
        else:
            self._leave()
        seconds = time.perf_counter() - began
        if self._requested is not None:
            self._requested(
                environ.get("isthmus.route", UNROUTED), environ.get("REQUEST_METHOD", ""), reply.status[:3], seconds
            )
        if _access.isEnabledFor(logging.DEBUG):
            _access.debug(
                "%s %s %s %.1f ms",
                environ.get("REQUEST_METHOD"),
                environ.get("PATH_INFO"),
                reply.status[:3],
                seconds * 1000,
                extra={"request_id": request_id},
            )
        start_response(reply.status, reply.headers)
        return body

    def _answer(self, environ: Environment, reply: Reply, request_id: str) -> list[bytes] | Stream:
        refused = self._refusal(environ, request_id)
        if refused is not None:
            return reply.give(refused)
        application = self._mounts.find(environ.get("PATH_INFO") or "/")
        if application is None:
            return reply.give(self._unmounted(environ, request_id))
        limited = None
        if "CONTENT_LENGTH" not in environ:
            limited = environ["wsgi.input"] = LimitedBody(environ["wsgi.input"], self._body_limit)
        try:
            produced = begun(application(environ, reply), reply)
            if limited is not None and limited.exceeded:
                close(produced)
                return reply.give(self._too_large(limited.source, request_id))
            return self._body(produced, reply, request_id)
        except Exception:
            if limited is not None and limited.exceeded:
                return reply.give(self._too_large(limited.source, request_id))
            _log.exception("%s %s failed", environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"))
            return reply.give(_internal(request_id))

    def _body(self, produced: Iterable[bytes], reply: Reply, request_id: str) -> list[bytes] | Stream:
        if reply.header("content-type").startswith("text/event-stream"):
            with self._changed:
                full = self._streams >= self._most_streams
                if not full:
                    self._streams += 1
            if full:
                close(produced)
                return reply.give(_streams_full(self._most_streams, request_id))
            return Stream(produced, request_id, self._end_stream)
        length = reply.header("content-length")
        if isinstance(produced, list | tuple) or (length.isdigit() and int(length) <= _LARGEST_JOINED):
            # Joined here, so that an error in the middle still becomes a proper answer.
            try:
                return [b"".join(produced)]
            finally:
                close(produced)
        return Stream(produced, request_id)

    def _refusal(self, environ: Environment, request_id: str) -> Answer | None:
        if self._stopping.is_set():
            return problem(
                503,
                "unavailable",
                "The server is stopping.",
                request_id,
                next_step="Try again in a few seconds.",
                headers=[("Retry-After", str(RETRY_AFTER)), ("Connection", "close")],
            )
        declared = environ.get("CONTENT_LENGTH")
        if declared is not None:
            if declared == "":
                del environ["CONTENT_LENGTH"]
            elif not (declared.isascii() and declared.isdigit()):
                return problem(400, "invalid", "The Content-Length is not a number.", request_id)
            elif int(declared[:20]) > self._body_limit:
                return self._too_large(environ["wsgi.input"], request_id)
        return None

    def _pass_over_body(self, environ: Environment, reply: Reply) -> None:
        """Read what a refused request still sends.

        The connection would be closed otherwise, and a client that goes on with it, as most do, finds it broken.
        """
        if reply.status >= "400" and environ.get("REQUEST_METHOD") not in _BODILESS:
            with contextlib.suppress(Exception):
                discard(environ["wsgi.input"], self._body_limit)

    def _too_large(self, rest: Input, request_id: str) -> Answer:
        with contextlib.suppress(Exception):
            discard(rest, self._body_limit * _PATIENCE)
        return _too_large(self._body_limit, request_id)

    def _unmounted(self, environ: Environment, request_id: str) -> Answer:
        if environ.get("PATH_INFO") in ("/", "") and environ.get("REQUEST_METHOD") in ("GET", "HEAD"):
            return document(self._index())
        return problem(
            404, "not_found", "Nothing is mounted here.", request_id, next_step="GET / says what is mounted."
        )

    def _end_stream(self) -> None:
        with self._changed:
            self._streams -= 1

    def _leave(self) -> None:
        with self._changed:
            self._requests -= 1
            if self._requests == 0:
                self._changed.notify_all()


def _request_id(environ: Environment) -> str:
    given = environ.get("HTTP_X_OPENSTACK_REQUEST_ID", "")
    if _OPENSTACK_ID.fullmatch(given):
        return str(given)
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return str(given) if _OTHER_ID.fullmatch(given) else new_request_id()


def _finish(reply: Reply, request_id: str) -> None:
    """Add what every answer has, unless the application gave it."""
    given = {name.lower() for name, _ in reply.headers}
    reply.headers += [header for name, header in _SECURITY.items() if name not in given]
    if "content-security-policy" not in given:
        reply.headers += _FRAMING
    for name in ("X-Openstack-Request-Id", "X-Request-Id"):
        if name.lower() not in given:
            reply.headers.append((name, request_id))


def _too_large(limit: int, request_id: str) -> Answer:
    return problem(
        413,
        "too_large",
        f"The request body is larger than {limit} bytes.",
        request_id,
        next_step="Send a smaller one.",
        headers=[("Connection", "close")],
    )


def _internal(request_id: str) -> Answer:
    return problem(
        500,
        "internal",
        "Something went wrong inside the server.",
        request_id,
        next_step=f"Ask an administrator to look for {request_id} in the server's log.",
    )


def _streams_full(most: int, request_id: str) -> Answer:
    return problem(
        503,
        "overloaded",
        f"{most} event streams are open, and no more are allowed.",
        request_id,
        next_step="Try again later, or read events page by page.",
        headers=[("Retry-After", str(RETRY_AFTER))],
    )
