"""The schema files of a Redfish service, crawled once: which types there are, where they live, their properties.

The files hold one version of each type and, without version, its URIs (`uris`) and what links to it may look like.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT7

from .redfish_messages import Messages

if TYPE_CHECKING:
    from referencing._core import Resolver

_DMTF = "http://redfish.dmtf.org/schemas/v1/"
ERROR = f"{_DMTF}redfish-error.v1_0_2.json#/definitions/RedfishError"
_ANNOTATIONS = f"{_DMTF}redfish-payload-annotations.v1_3_0.json"
TYPE = re.compile(r"^#([A-Za-z0-9]+)(?:\.(v\d+_\d+_\d+))?\.([A-Za-z0-9]+)$")
_FILE = re.compile(r"/([A-Za-z0-9]+)(?:\.(v\d+_\d+_\d+))?\.json")
Place: TypeAlias = "tuple[Mapping[str, Any], Resolver[Any]]"

_formats = FormatChecker(formats=())
_formats.checks("date-time")(
    lambda text: (
        not isinstance(text, str)
        or re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", text) is not None
    )
)
_formats.checks("uri-reference")(
    lambda text: not isinstance(text, str) or re.match(r"^[A-Za-z0-9!$&'()*+,\-./:;=@_~?#%\[\]]+$", text) is not None
)


class Library:
    """All schema files. Safe for many threads after it is made."""

    def __init__(self, documents: Iterable[Mapping[str, Any]], messages: Messages) -> None:
        self.messages = messages
        resources = [(document["$id"], DRAFT7.create_resource(document)) for document in documents]
        self._registry: Registry[Any] = Registry().with_resources(resources).crawl()
        self._validators: dict[str, Draft7Validator] = {}
        self.newest: dict[str, str] = {}
        self.homes: dict[str, str] = {}
        self._templates: dict[str, tuple[str, ...]] = {}
        self._tree: dict[str, Any] = {}
        for address, resource in resources:
            self._learn(address, resource.contents)

    @classmethod
    def read(cls, data: Path) -> Self:
        """The schemas and registries of a folder with `json/` and `registries/`."""
        documents = [json.loads(path.read_text()) for path in sorted((data / "json").glob("*.json"))]
        return cls(documents, Messages.read(data / "registries"))

    def _learn(self, address: str, document: Mapping[str, Any]) -> None:
        match = _FILE.search(address)
        if match is None:
            return
        name, version = match.groups()
        self.homes[name] = address.rpartition("/")[0]
        if version is not None:
            known = self.newest.get(name)
            if known is None or _number(version) > _number(known):
                self.newest[name] = version
            return
        self._templates[name] = tuple(document.get("definitions", {}).get(name, {}).get("uris", ()))
        for template in self._templates[name]:
            node = self._tree
            for segment in template.strip("/").split("/"):
                node = node.setdefault("{}" if segment.startswith("{") else segment, {})
            node.setdefault("", set()).add(name)

    def odata_type(self, name: str) -> str:
        """The @odata.type that a body of this type carries: "Volume" gives "#Volume.v1_10_2.Volume"."""
        version = self.newest.get(name)
        if version is None and name not in self._templates:
            raise KeyError(f"no schema of {name}")
        return f"#{name}.{version}.{name}" if version else f"#{name}.{name}"

    def templates(self, name: str) -> tuple[str, ...]:
        """The URI patterns that a type may live at; empty when its schema names none."""
        return self._templates.get(name, ())

    def types_at(self, uri: str) -> set[str]:
        """The types that may live at a URI. Empty for a URI that is in no schema."""
        nodes = [self._tree]
        for segment in uri.strip("/").split("/"):
            nodes = [node[key] for node in nodes for key in (segment, "{}") if key and key in node]
        return {name for node in nodes for name in node.get("", ())}

    def writable(self, name: str, pointer: str) -> bool:
        """Whether a client may ever write the property at a JSON pointer ("/Links/ClassOfService"). Numbers stand for
        members of an array. Raises `KeyError` for a property that the schema does not know."""
        place = self.top(self.odata_type(name))
        writable = True
        for segment in filter(None, pointer.split("/")):
            if segment == "@odata.id" and place[0] is not self.top(self.odata_type(name))[0]:
                continue
            place = self.property(place, segment)
            writable = writable and not any(schema.get("readonly") for schema, _ in self.alternatives(place))
        return writable

    def invalid(self, body: Mapping[str, Any], reference: str, partial: bool) -> list[str]:
        """What a JSON schema has against a body. `partial`: required properties may be absent."""
        validator = self._validators.get(reference)
        if validator is None:
            validator = Draft7Validator({"$ref": reference}, registry=self._registry, format_checker=_formats)
            self._validators[reference] = validator
        return [line for error in validator.iter_errors(body) for line in _lines(error, partial)]

    def property_type(self, name: str, pointer: str) -> str | None:
        """The type of resource that a link at a JSON pointer leads to; None when the schema leaves it open."""
        place = self.top(self.odata_type(name))
        try:
            for segment in filter(None, pointer.split("/")):
                place = self.property(place, segment)
        except KeyError:
            return None
        match = _FILE.search(str(place[0].get("$ref", "")))
        return match[1] if match and match[1] != "Resource" else None

    def annotation_errors(self, key: str, value: Any) -> list[str]:
        """What is wrong with a payload annotation (`Name@Redfish.AllowableValues`, `@Redfish.Settings`)."""
        known = self._registry.contents(_ANNOTATIONS)
        for pattern in known["patternProperties"]:
            if re.match(pattern, key):
                escaped = pattern.replace("~", "~0").replace("/", "~1").replace("%", "%25").replace("^", "%5E")
                return self.invalid(value, f"{_ANNOTATIONS}#/patternProperties/{escaped}", False)
        if key in known["properties"]:
            return self.invalid(value, f"{_ANNOTATIONS}#/properties/{key}", False)
        return ["/: there is no such annotation"]

    def top(self, odata_type: str) -> Place:
        match = TYPE.match(odata_type)
        assert match is not None, odata_type
        name, version, inner = match.groups()
        home = f"{self.homes[name]}/{name}.{version}.json" if version else f"{self.homes[name]}/{name}.json"
        found = self._registry.resolver(home).lookup(f"#/definitions/{inner}")
        return found.contents, found.resolver

    def property(self, place: Place, segment: str) -> Place:
        for schema, resolver in self.alternatives(place):
            if segment in schema.get("properties", {}):
                return schema["properties"][segment], resolver
            if segment.isdigit() and "items" in schema:
                return schema["items"], resolver
            for pattern, inner in schema.get("patternProperties", {}).items():
                if re.search(pattern, segment):
                    return inner, resolver
        raise KeyError(f"no property {segment} in the schema")

    def alternatives(self, place: Place) -> Iterator[Place]:
        """The schema itself and all that it refers to, without the bare link: that knows only @odata.id."""
        schema, resolver = place
        yield place
        if "$ref" in schema and not schema["$ref"].endswith("/idRef"):
            found = resolver.lookup(schema["$ref"])
            yield from self.alternatives((found.contents, found.resolver))
        for alternative in schema.get("anyOf", ()):
            yield from self.alternatives((alternative, resolver))


def _lines(error: ValidationError, partial: bool) -> list[str]:
    """One schema error as lines. Of alternatives (a link or a resource, a value or null) the nearest speaks."""
    if partial and error.validator == "required":
        return []
    if not error.context:
        return [f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"]
    branches: dict[Any, list[str]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).extend(_lines(inner, partial))
    if not all(branches.values()):
        return []
    # The branch that got farthest, then the one with the least to say; "is not null" explains nothing.
    return min(branches.values(), key=lambda lines: ("of type 'null'" in lines[0], -_depth(lines), len(lines)))


def _depth(lines: list[str]) -> int:
    return max(line.partition(": ")[0].count("/") for line in lines)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version[1:].split("_"))
