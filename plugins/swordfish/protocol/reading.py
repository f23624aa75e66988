"""GET and HEAD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..accounts import privileges
from ..uris import link
from .collecting import listed, page_of, uri_of
from .expanding import expanded
from .options import PLAIN, Options, read_options
from .refusal import missing, refuse
from .representation import represented
from .request import Request
from .resource import Collection, Resource
from .response import Response, json_text, tagged
from .selecting import selected


def read(found: Resource | Collection, request: Request, allowed: Sequence[str]) -> Response:
    """The resource or collection as the query options want it."""
    _acceptable(request)
    options = read_options(request.query, collection=isinstance(found, Collection)) if request.query else PLAIN
    if isinstance(found, Resource):
        noun = found.load(request)
        body, schema = represented(found, noun, request), found.schema
        if found.stays is not None and found.stays(noun, request):
            allowed = [method for method in allowed if method != "DELETE"]
    elif options.only:
        return _only(found, request, allowed)
    else:
        body, schema = collected(found, request, options), found.schema
    text, tag = tagged(body)
    headers = {
        "Allow": ", ".join(allowed),
        "ETag": tag,
        "Link": f"<{schema}>; rel=describedby",
    }
    if not_modified(request.header("If-None-Match"), tag):
        return Response(304, b"", headers)
    if options.shapes:
        # The tag is that of the whole resource, however little of it is shown.
        shaped = {**body, "@odata.etag": tag}
        if options.expand is not None:
            shaped = expanded(shaped, options.expand, lambda uri: body_at(uri, request))
        if options.select:
            shaped = selected(shaped, options.select)
        text = json_text(shaped)
    return Response(200, text, headers)


def body_at(uri: str, request: Request) -> dict[str, Any]:
    """The resource at a URI of this service as the caller may see it, with its entity tag."""
    found = request.service.router.find(uri)
    served, params = found if found is not None else (None, {})
    if not isinstance(served, Resource | Collection):
        raise missing(uri)
    other = request.at(uri, params)
    if not served.open:
        privileges.check(other.context, served.privileges, "GET")
    if isinstance(served, Resource):
        body = represented(served, served.load(other), other)
    else:
        body = collected(served, other, PLAIN)
    body["@odata.etag"] = tagged(body)[1]
    return body


def description_of(uri: str, body: Mapping[str, Any], request: Request) -> dict[str, str]:
    """The headers that say what a body is that was read at a URI: its entity tag and its schema."""
    headers = {"ETag": body["@odata.etag"]}
    found = request.service.router.find(uri)
    if found is not None and isinstance(found[0], Resource | Collection):
        headers["Link"] = f"<{found[0].schema}>; rel=describedby"
    return headers


def collected(collection: Collection, request: Request, options: Options) -> dict[str, Any]:
    """A page of a collection (DSP0266, Resource collections)."""
    path = request.path.rstrip("/").removesuffix("/Members")
    page = page_of(collection, request, options, lambda uri: body_at(uri, request))
    body: dict[str, Any] = {
        "@odata.id": path,
        "@odata.type": collection.odata_type,
        "Name": collection.name,
        "Members": [link(uri_of(collection, member, request)) for member in page.members],
        "Members@odata.count": page.total,
    }
    if collection.annotations is not None:
        body |= collection.annotations(request)
    following = page.next_link(path, request.query)
    if following is not None:
        body["Members@odata.nextLink"] = following
    return body


def _only(collection: Collection, request: Request, allowed: Sequence[str]) -> Response:
    """The one member of a collection that has one, else the collection (DSP0266, The only query parameter)."""
    window = listed(collection, request, None, 2)
    if len(window.members) != 1:
        return read(collection, request.at(request.path, request.params), allowed)
    uri = uri_of(collection, window.members[0], request)
    body = body_at(uri, request)
    return Response(200, json_text(body), {"Allow": ", ".join(allowed), **description_of(uri, body, request)})


def not_modified(condition: str | None, tag: str) -> bool:
    """Whether `If-None-Match` names the tag."""
    return condition is not None and (condition.strip() == "*" or tag in _tags(condition))


def matches(condition: str, tag: str) -> bool:
    """Whether `If-Match` names the tag (RFC 9110: strong comparison, `*` for any)."""
    return condition.strip() == "*" or tag in _tags(condition)


def _tags(condition: str) -> list[str]:
    return [part.strip() for part in condition.split(",")]


def _acceptable(request: Request) -> None:
    accepted = request.header("Accept")
    if accepted is None:
        return
    kinds = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    if not kinds & {"application/json", "application/*", "*/*", ""}:
        raise refuse(406, "HeaderInvalid", "Accept", resolution="This service answers application/json.")
