"""Rules for bodies that the JSON schemas do not hold: identifiers, URIs, action targets, counts, annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .redfish_library import Library

_ANNOTATION = re.compile(r"@(odata|Redfish|Message)\.")
_OWN = {"@odata.id", "@odata.type", "@odata.etag", "@odata.context"}


def broken(library: Library, name: str, body: dict[str, Any], page: bool) -> list[str]:
    """What a resource of type `name` breaks, besides its schema; resources within it are bare links by now."""
    uri = body.get("@odata.id")
    found = [*_links(library, name, body), *_annotations(library, name, body), *_counts(body, page)]
    if isinstance(uri, str) and "#" not in uri:
        found += [*_place(library, name, uri, body), *_targets(uri, body)]
    return found


def objects(value: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All objects of a body with their JSON pointers, without those under Oem."""
    if isinstance(value, dict):
        yield pointer, value
        for key, inner in value.items():
            if key != "Oem":
                yield from objects(inner, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, f"{pointer}/{index}")


def _place(library: Library, name: str, uri: str, body: dict[str, Any]) -> Iterator[str]:
    """@odata.id is of a pattern of the type; where that ends in an identifier, Id is its last segment."""
    if uri != uri.rstrip("/") and uri != "/redfish/v1/":
        yield f"/@odata.id: {uri!r} has a slash at its end"
    if library.templates(name) and name not in library.types_at(uri):
        yield f"/@odata.id: {uri!r} is no URI of a {name}"
    last = uri.rstrip("/").rpartition("/")[2]
    if "Id" in body and body["Id"] != last and _identified(library, name, uri):
        yield f"/Id: {body['Id']!r} is not {last!r}, the last segment of its URI"


def _identified(library: Library, name: str, uri: str) -> bool:
    segments = uri.strip("/").split("/")
    for template in library.templates(name):
        pattern = template.strip("/").split("/")
        if len(pattern) == len(segments) and all(
            a == b or a.startswith("{") for a, b in zip(pattern, segments, strict=True)
        ):
            return pattern[-1].startswith("{")
    return False


def _targets(uri: str, body: dict[str, Any]) -> Iterator[str]:
    """An action is posted to the own URI and /Actions/Type.Action (DSP0266, POST (action))."""
    actions = body.get("Actions")
    if not isinstance(actions, dict):
        return
    own = actions.get("Oem")
    places = [("/Actions", actions), ("/Actions/Oem", own if isinstance(own, dict) else {})]
    for pointer, held in places:
        for key, action in held.items():
            if key.startswith("#") and isinstance(action, dict):
                target = f"{uri.rstrip('/')}{pointer}/{key[1:]}"
                if action.get("target") != target:
                    yield f"{pointer}/{key}/target: {action.get('target')!r} is not {target!r}"


def _links(library: Library, name: str, body: dict[str, Any]) -> Iterator[str]:
    """A link leads to a URI that a schema knows, of the type that the property is for."""
    for pointer, found in objects(body):
        uri = found.get("@odata.id")
        if not pointer or not isinstance(uri, str) or "#" in uri or "@" in pointer:
            continue
        types = library.types_at(uri)
        wanted = library.property_type(name, pointer)
        if wanted is None and not types:
            yield f"{pointer}/@odata.id: {uri!r} is no URI of anything"
        elif wanted is not None and library.templates(wanted) and wanted not in types:
            yield f"{pointer}/@odata.id: {uri!r} is no URI of a {wanted}"


def _annotations(library: Library, name: str, body: dict[str, Any]) -> Iterator[str]:
    for pointer, found in objects(body):
        for key, value in found.items():
            if key == "@Redfish.Copyright":
                # Publishers sign their files with it; a service has nothing to sign (service validator).
                if name != "MessageRegistry":
                    yield f"{pointer}/{key}: is for files, not for a service"
            elif key not in _OWN and _ANNOTATION.search(key):
                for line in library.annotation_errors(key, value):
                    yield f"{pointer}/{key}{line}"


def _counts(body: dict[str, Any], page: bool) -> Iterator[str]:
    """`Name@odata.count` is the number of members; for a collection that is paged, of all pages together."""
    for pointer, found in objects(body):
        for key, count in found.items():
            members = found.get(key.removesuffix("@odata.count"))
            if not key.endswith("@odata.count") or not isinstance(members, list) or not isinstance(count, int):
                continue
            more = f"{key.removesuffix('@odata.count')}@odata.nextLink" in found
            if (
                count < len(members)
                or (more and count == len(members))
                or (count > len(members) and not (more or page))
            ):
                yield f"{pointer}/{key}: {count}, with {len(members)} members{' and a next page' if more else ''}"
