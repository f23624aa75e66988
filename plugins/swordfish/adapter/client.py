"""HTTP to one Redfish service: TLS verified, a session made anew when it ends, errors raised as what they are."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from ....core.context import new_request_id
from ....core.errors import (
    Failed,
    Invalid,
    IsthmusError,
    Misconfigured,
    NotFound,
    NotOffered,
    Overloaded,
    Unavailable,
)
from ....core.model.request import Credential
from .bodies import Body, at, link, mappings, text
from .errors import Names, error_of
from .paths import ROOT, path_of

_CONNECTIONS = 16
_ATTEMPTS = 3
_KNOWN_SECONDS = 30.0
_MOST_KNOWN = 1024
_MOST_PAGES = 10_000
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered. `body` is empty where it was no JSON object."""

    status: int
    body: Body = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str | None:
        """The path in `Location`."""
        return path_of(self.headers.get("Location"))

    @property
    def allowed(self) -> frozenset[str] | None:
        """What may be done to it, by `Allow`; None where it does not say."""
        said = self.headers.get("Allow")
        return None if said is None else frozenset(one.strip().upper() for one in said.split(","))


class Client:
    """Speaks to one service with one user's password. Shared by threads; starts none.

    `ca` is PEM text of the CA to trust, None for those that requests trusts. Environment variables (proxies, CA
    bundles, .netrc) are not heeded. Links are followed at this address only, whatever host they name. `timeout` is in
    seconds, for each answer.
    """

    def __init__(self, system: str, address: str, credential: Credential, *, ca: str | None, timeout: float) -> None:
        self.system = system
        self.address = address.rstrip("/")
        self._credential = credential
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._ca = None if ca is None else _kept(ca)
        self._session.verify = True if self._ca is None else self._ca.name
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=_CONNECTIONS))
        self._login = threading.Lock()
        self._token: str | None = None
        self._own: str | None = None
        self._basic = False
        self._silence: tuple[float, Unavailable] | None = None
        self._known: dict[str, tuple[float, Answer]] = {}

    def get(self, path: str, *, request_id: str | None = None) -> Answer:
        """What is at a path; raises `NotFound` and the other errors of the core."""
        return self._asked("GET", path, request_id=request_id)

    def known(self, path: str) -> Answer:
        """What is, or was within half a minute, at a path: for what hardly ever changes."""
        found = self._known.get(path)
        if found is not None and time.monotonic() - found[0] < _KNOWN_SECONDS:
            return found[1]
        answer = self.get(path)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[path] = (time.monotonic(), answer)
        return answer

    def forget(self) -> None:
        """Ask anew for all that `known` knows."""
        self._known.clear()

    def change(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        tag: str | None = None,
        names: Names | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """Ask for a change: with `tag` of that state only, with `key` once however often it is asked."""
        headers = {}
        if key is not None:
            headers["Idempotency-Key"] = key
        if tag is not None:
            headers["If-Match"] = tag
        return self._asked(
            method, path, {} if body is None and method == "POST" else body, headers, names, request_id=request_id
        )

    def root(self) -> Body:
        """The service root."""
        return self.known(ROOT).body

    def members(self, collection: str) -> Iterator[tuple[str, Body]]:
        """The members of a collection with their paths, page by page; whatever its counts say.

        Members that are gone meanwhile are passed over.
        """
        expands = at(self.root(), "ProtocolFeaturesSupported", "ExpandQuery", "NoLinks") is True
        for body in self._expanded(collection) if expands else self._pages(collection):
            for member in mappings(body, "Members"):
                path = path_of(member.get("@odata.id"))
                if path is None:
                    continue
                if text(member, "Id"):
                    yield path, member
                    continue
                with contextlib.suppress(NotFound):
                    yield path, self.get(path).body

    def uris(self, collection: str) -> Iterator[str]:
        """The paths of the members of a collection."""
        for body in self._pages(collection):
            for member in mappings(body, "Members"):
                path = path_of(member.get("@odata.id"))
                if path is not None:
                    yield path

    def stream(self, path: str, after: int | None, request_id: str) -> requests.Response:
        """An open event stream, from after the event `after` where the service can; raises what `get` raises."""
        sent = {"Accept": "text/event-stream", "X-Openstack-Request-Id": request_id}
        if after is not None:
            sent["Last-Event-ID"] = str(after)
        used = self._authorisation(None)
        answer = self._open("GET", path, None, {**sent, **used}, self._timeout)
        if answer.status_code == 401 and not self._basic:
            answer.close()
            answer = self._open("GET", path, None, {**sent, **self._authorisation(used)}, self._timeout)
        if answer.status_code == 401:
            answer.close()
            raise self._refused()
        if answer.status_code >= 300:
            with answer:
                raise error_of(self.system, answer.status_code, _object(_limited(answer, self._timeout)))
        return answer

    def close(self) -> None:
        """Log out and close the connections. Idempotent."""
        token, own, self._token, self._own = self._token, self._own, None, None
        if token is not None and own is not None:
            with contextlib.suppress(IsthmusError):
                self._send("DELETE", own, headers={"X-Auth-Token": token}, timeout=5.0)
        self._session.close()
        if self._ca is not None:
            self._ca.close()

    def _expanded(self, collection: str) -> Iterator[Body]:
        """The pages of a collection with the members in them, where the service keeps its word."""
        pages = self._pages(f"{collection}?$expand=.($levels=1)")
        try:
            first = next(pages)
        except (NotOffered, Invalid, Failed):
            pages = self._pages(collection)
            first = next(pages)
        yield first
        yield from pages

    def _pages(self, page: str | None) -> Iterator[Body]:
        seen: set[str] = set()
        while page is not None and page not in seen and len(seen) < _MOST_PAGES:
            seen.add(page)
            body = self.get(page).body
            yield body
            page = link(body, "Members@odata.nextLink")

    def _asked(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        names: Names | None = None,
        request_id: str | None = None,
    ) -> Answer:
        attempt = 0
        while True:
            attempt += 1
            answer = self._authorised(method, path, body, headers or {}, request_id)
            if answer.status < 400:
                return answer
            error = error_of(
                self.system, answer.status, answer.body, names=names, retry_after=answer.headers.get("Retry-After")
            )
            if method != "GET" or attempt >= _ATTEMPTS or not isinstance(error, Unavailable | Overloaded):
                raise error
            time.sleep(min(float(error.details.get("retry_after", 0.2 * attempt)), 2.0))

    def _authorised(
        self, method: str, path: str, body: Any, headers: Mapping[str, str], request_id: str | None
    ) -> Answer:
        """Ask with the session; once more with another one where it has ended."""
        sent = {**headers, "X-Openstack-Request-Id": request_id or new_request_id()}
        used = self._authorisation(None)
        answer = self._send(method, path, body=body, headers={**sent, **used})
        if answer.status == 401 and not self._basic:
            answer = self._send(method, path, body=body, headers={**sent, **self._authorisation(used)})
        if answer.status == 401:
            raise self._refused()
        return answer

    def _authorisation(self, ended: Mapping[str, str] | None) -> Mapping[str, str]:
        """The header of a session other than the one that has ended."""
        came = time.monotonic()
        with self._login:
            if not self._basic and (self._token is None or (ended or {}).get("X-Auth-Token") == self._token):
                if self._silence is not None and self._silence[0] > came:
                    # Who waited while another login met no answer does not wait for a second one.
                    raise self._silence[1]
                try:
                    self._log_in()
                except Unavailable as error:
                    self._silence = (time.monotonic(), error)
                    raise
            return {} if self._token is None else {"X-Auth-Token": self._token}

    def _log_in(self) -> None:
        """Make a session where the root says that they are made, else go on with Basic (DSP0266, Session login)."""
        root = self._send("GET", ROOT, headers={})
        if root.status >= 400 and root.status not in (401, 403):
            raise error_of(self.system, root.status, root.body)
        sessions = link(root.body, "Links", "Sessions")
        if sessions is not None:
            user, password = self._credential.user, self._credential.password
            answer = self._send("POST", sessions, body={"UserName": user, "Password": password}, headers={})
            token = answer.headers.get("X-Auth-Token")
            if answer.status < 300 and token:
                self._token, self._own = token, answer.location or link(answer.body)
                return
            if answer.status in (400, 401, 403):
                raise self._refused()
            if answer.status not in (404, 405, 501):
                raise error_of(self.system, answer.status, {}, retry_after=answer.headers.get("Retry-After"))
        self._basic, self._token = True, None

    def _refused(self) -> Misconfigured:
        return Misconfigured(
            f"{self.address} does not accept the credential of this system.",
            next_step="Give the system another one: `isthmus system update NAME --secret password`.",
        )

    def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Any = None,
        timeout: float | None = None,
    ) -> Answer:
        """Ask once; raises `Unavailable` when there is no answer that can be read."""
        try:
            with self._open(method, path, body, headers, timeout or self._timeout) as answer:
                content = _limited(answer, timeout or self._timeout)
                status, given = answer.status_code, answer.headers
        except requests.exceptions.RequestException:
            raise self._silent() from None
        if 300 <= status < 400:
            # Some add a slash to the path of the root, or take it away.
            there = str(given.get("Location", "")).rpartition("://")[2].partition("/")
            if method == "GET" and path == ROOT and f"/{there[2]}" == ROOT.rstrip("/"):
                return self._send(method, ROOT.rstrip("/"), headers=headers)
            raise Unavailable(f"{self.address} sends elsewhere for {path[:100]}.")
        return Answer(status, _object(content), given)

    def _open(self, method: str, path: str, body: Any, headers: Mapping[str, str], timeout: float) -> requests.Response:
        auth = (self._credential.user or "", self._credential.password or "") if self._basic else None
        try:
            return self._session.request(
                method,
                self.address + path,
                json=body,
                headers={"OData-Version": "4.0", "Accept": "application/json", **headers},
                auth=auth,
                timeout=(5.0, timeout),
                allow_redirects=False,
                stream=True,
            )
        except requests.exceptions.SSLError:
            raise Unavailable(
                f"{self.address} did not prove who it is.",
                next_step="Check the setting `ca` and the name in the address.",
            ) from None
        except requests.exceptions.RequestException:
            raise self._silent() from None

    def _silent(self) -> Unavailable:
        return Unavailable(
            f"{self.address} does not answer.", next_step="Check the address, and that the service runs there."
        )


def _limited(answer: requests.Response, seconds: float) -> bytes:
    """The whole content, unless it is too much or takes too long to come."""
    content, deadline = bytearray(), time.monotonic() + seconds
    for piece in answer.iter_content(1 << 16):
        content += piece
        if len(content) > _LARGEST or time.monotonic() > deadline:
            raise requests.exceptions.ContentDecodingError("too much, or too slow")
    return bytes(content)


def _object(content: bytes) -> Body:
    try:
        found = json.loads(content) if content.strip() else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _kept(ca: str) -> Any:
    """PEM text as the file that requests needs, gone with the object."""
    file = tempfile.NamedTemporaryFile("w", prefix="isthmus-ca-", suffix=".pem")  # noqa: SIM115
    file.write(ca)
    file.flush()
    return file
