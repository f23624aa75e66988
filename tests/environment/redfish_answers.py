"""What every answer of a Redfish service must be, whatever was asked: its headers, its status, its body.

Clauses are those of DSP0266: Response headers, Status codes, Error responses, ETags.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from .redfish_schemas import Schemas

_JSON = ("application/json", "application/json;charset=utf-8")
_BODILESS = (204, 304)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to judge. `method` and `target` (path and query) are those of the request."""

    method: str
    target: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @classmethod
    def of(cls, response: requests.Response) -> Answer:
        """The answer in a response that was read to its end."""
        request = response.request
        return cls(str(request.method), request.path_url, response.status_code, response.headers, response.content)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def options(self) -> dict[str, str]:
        """Its query parameters."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers.items() if known.lower() == name.lower()), None)


def faults(answer: Answer, schemas: Schemas | None) -> list[str]:
    """What is wrong with an answer, a line each; without `schemas`, bodies are only looked at for what headers say."""
    found = [*_headers(answer)]
    if answer.method == "HEAD" or answer.status in _BODILESS:
        if answer.content:
            found.append(f"a body of {len(answer.content)} bytes")
    elif (answer.header("Content-Type") or "").startswith("application/json"):
        try:
            body = json.loads(answer.content)
        except ValueError as error:
            found.append(f"the body is not JSON: {error}")
        else:
            found += [*_tags(answer, body), *_identity(answer, body), *_cut(answer, body)]
            if schemas is not None:
                found += _judged(answer, body, schemas)
    elif answer.status >= 400:
        found.append(f"the error is {answer.header('Content-Type')}, not JSON")
    where = f"{answer.method} {answer.target} {answer.status}: "
    return [where + line for line in found]


def _headers(answer: Answer) -> Iterator[str]:
    if answer.header("OData-Version") != "4.0":
        yield f"OData-Version is {answer.header('OData-Version')}"
    if not answer.header("Cache-Control"):
        yield "no Cache-Control"
    if answer.header("Set-Cookie") is not None:
        yield "sets a cookie"
    kind = (answer.header("Content-Type") or "").lower().replace("; ", ";")
    if kind.startswith("application/json") and kind not in _JSON:
        yield f"Content-Type is {kind}"
    if answer.status == 405 or (answer.method in ("GET", "HEAD") and answer.status in (200, 304)):
        allowed = {method.strip() for method in (answer.header("Allow") or "").split(",")}
        if not allowed - {""}:
            yield "no Allow"
        elif answer.status == 405 and answer.method in allowed:
            yield f"Allow names {answer.method}, which is not allowed"
        elif answer.status != 405 and answer.method not in allowed:
            yield f"Allow does not name {answer.method}"
    if answer.status == 401 and not answer.header("WWW-Authenticate"):
        yield "no WWW-Authenticate"
    if answer.status in (201, 202) and not answer.header("Location"):
        yield "no Location"
    if answer.status == 500:
        yield "the server failed"


def _tags(answer: Answer, body: Any) -> Iterator[str]:
    """A resource's ETag is in its header and in its body, and they are one; its schema is linked to."""
    if not isinstance(body, dict) or answer.status not in (200, 201) or "@odata.type" not in body:
        return
    said, written = answer.header("ETag"), body.get("@odata.etag")
    whole = answer.method == "GET" and answer.status == 200 and not answer.options and "@odata.id" in body
    if whole and (said is None or written is None):
        yield f"ETag is {said} and @odata.etag {written}"
    if said is not None and written is not None and said != written:
        yield f"ETag is {said}, but @odata.etag {written}"
    if answer.method == "GET":
        yield from _description(answer, str(body["@odata.type"]))


def _description(answer: Answer, odata_type: str) -> Iterator[str]:
    links = requests.utils.parse_header_links(answer.header("Link") or "")
    described = [link["url"] for link in links if link.get("rel") == "describedby"]
    file = odata_type.removeprefix("#").rpartition(".")[0] + ".json"
    if not described:
        yield "no Link with rel=describedby"
    elif described[0].rpartition("/")[2] != file:
        yield f"Link describedby is {described[0]}, but the body is {odata_type}"


def _identity(answer: Answer, body: Any) -> Iterator[str]:
    """What is read at a URI is the resource of that URI, and what was created is the one at Location."""
    if not isinstance(body, dict) or not isinstance(body.get("@odata.id"), str):
        return
    own = answer.method == "GET" and answer.status == 200 and "only" not in answer.options
    # A monitor gives what the operation would have given, were it done at once.
    if own and "Monitor" not in answer.path and body["@odata.id"].rstrip("/") != answer.path.rstrip("/"):
        yield f"@odata.id is {body['@odata.id']}"
    if answer.status == 201 and body["@odata.id"] != urlsplit(answer.header("Location") or "").path:
        yield f"Location is {answer.header('Location')}, but @odata.id {body['@odata.id']}"


def _cut(answer: Answer, body: Any) -> Iterator[str]:
    """What a service's own limit cuts off is on a next page; only the client's `$skip` and `$top` leave members out."""
    options, members = answer.options, body.get("Members") if isinstance(body, dict) else None
    if not isinstance(members, list) or "Members@odata.nextLink" in body or "$skiptoken" in options:
        return
    left = max(0, int(body.get("Members@odata.count", 0)) - int(options.get("$skip", 0)))
    wanted = min(left, int(options.get("$top", left)))
    if len(members) != wanted:
        yield f"{len(members)} members and no next page, but {wanted} were asked for"


def _judged(answer: Answer, body: Any, schemas: Schemas) -> list[str]:
    if answer.status >= 400 and not (isinstance(body, dict) and "error" in body):
        return ["the body of an error has no error"]
    partial = bool(answer.options.keys() & {"$select", "excerpt"})
    page = bool(answer.options.keys() & {"$skip", "$top", "$skiptoken"})
    return [*schemas.errors(body, partial=partial, page=page), *schemas.warnings(body)]
