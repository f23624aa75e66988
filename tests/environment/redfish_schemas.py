"""The official Redfish and Swordfish schemas: is a body that a service sends what its @odata.type promises?

    schemas = official()                      # made once in a process; tests skip when missing() says why there is none
    assert schemas.errors(body) == []         # every body, about a millisecond each
    assert schemas.warnings(body) == []       # what the service validator would warn of, and more
    schemas.writable("Volume", "/CapacityBytes")

The data lie in `$ISTHMUS_REDFISH_SCHEMAS`, or in `shared/redfish-schemas` beside the checkout: `json/` with one version
of each type, `csdl/` for the service validator, `registries/`. Versions are pinned: a body of another version is wrong.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .redfish_library import ERROR, TYPE, Library, Place
from .redfish_rules import broken, objects

CHECKOUT = Path(__file__).resolve().parents[2]


def folder() -> Path | None:
    """Where the data are; None when they are not at hand."""
    named = os.environ.get("ISTHMUS_REDFISH_SCHEMAS")
    found = Path(named) if named else CHECKOUT.parent / "shared" / "redfish-schemas"
    return found if (found / "json").is_dir() else None


def missing() -> str:
    """Why bodies cannot be validated here; empty when they can."""
    if folder() is not None:
        return ""
    return "the official Redfish schemas are not at hand (ISTHMUS_REDFISH_SCHEMAS or ../shared/redfish-schemas)"


@functools.cache
def official() -> Schemas:
    """The schemas of this process. Fails where `missing` has a reason."""
    found = folder()
    assert found is not None, missing()
    return Schemas.read(found)


class Schemas(Library):
    """The library, and its judgement of bodies."""

    def errors(self, body: Any, *, partial: bool = False, page: bool = False) -> list[str]:
        """All that is wrong, each line beginning with the JSON pointer of the place; empty for a good body.

        `partial`: the answer to $select or an excerpt, where required properties may be absent. `page`: a page of a
        collection, whose count is that of the whole. Resources within (expanded members) are validated by their own
        type. Objects under Oem are the service's own and are passed over unless a schema knows their @odata.type.
        """
        if not isinstance(body, dict):
            return [f"/: a body is an object, not {type(body).__name__}"]
        if "@odata.type" not in body:
            return self._untyped(body)
        found: list[str] = []
        for pointer, resource in _resources(body):
            found += [f"{pointer}{line}" for line in self._resource(resource, partial, page)]
        return list(dict.fromkeys(found + self._told(body)))

    def _untyped(self, body: dict[str, Any]) -> list[str]:
        if "error" in body:
            found = self.invalid(body, ERROR, False) + self._told(body)
            code = body["error"].get("code") if isinstance(body["error"], dict) else None
            if isinstance(code, str) and not found:
                found = [
                    f"/error/code: {line}" for line in self.messages.errors({"MessageId": code}) if "Id" in line[:10]
                ]
            return found
        if set(body) == {"v1"}:
            return [] if body["v1"] == "/redfish/v1/" else ["/v1: is not /redfish/v1/"]
        if body.get("@odata.context") == "/redfish/v1/$metadata" and isinstance(body.get("value"), list):
            return _service_document(body)
        return ["/: has no @odata.type and is no error"]

    def _unknown(self, code: str) -> list[str]:
        try:
            self.messages.find(code)
        except KeyError as error:
            return [f"/error/code: {error.args[0]}"]
        return []

    def _resource(self, body: dict[str, Any], partial: bool, page: bool) -> list[str]:
        said = str(body["@odata.type"])
        match = TYPE.match(said)
        if match is None:
            return [f"/@odata.type: {said!r} is not #Type.vX_Y_Z.Type"]
        name, version, inner = match.groups()
        if name not in self.homes:
            return [f"/@odata.type: there is no schema of {name}"]
        if version != self.newest.get(name):
            return [f"/@odata.type: {said!r} is not {self.odata_type(name)!r}"]
        partial = partial or any("OnCreate" in key or "AfterCreate" in key for key in body)
        file = f"{name}.{version}" if version else name
        found = self.invalid(body, f"{self.homes[name]}/{file}.json#/definitions/{inner}", partial)
        return found + broken(self, name, body, page)

    def _told(self, body: Mapping[str, Any]) -> list[str]:
        return [
            f"{pointer}/{line}"
            for pointer, found in objects(body)
            if isinstance(found.get("MessageId"), str)
            for line in self.messages.errors(found)
        ]

    def warnings(self, body: Any) -> list[str]:
        """What the service validator warns of in a good body: deprecated properties and values, empty strings in
        read-only properties."""
        if not isinstance(body, dict) or "@odata.type" not in body:
            return []
        return [
            f"{pointer}{line}"
            for pointer, resource in _resources(body)
            if TYPE.match(str(resource.get("@odata.type")))
            for line in self._warned(resource, self.top(resource["@odata.type"]), "")
        ]

    def _warned(self, value: Any, place: Place, pointer: str) -> Iterator[str]:
        schema = place[0]
        if isinstance(value, dict):
            for key, inner in value.items():
                if "@" not in key and key != "Oem":
                    try:
                        below = self.property(place, key)
                    except KeyError:
                        continue
                    if "deprecated" in below[0]:
                        yield f"{pointer}/{key}: deprecated. {below[0]['deprecated']}"
                    yield from self._warned(inner, below, f"{pointer}/{key}")
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self._warned(inner, self.property(place, str(index)), f"{pointer}/{index}")
        elif value == "" and schema.get("readonly"):
            yield f"{pointer}: an empty string; leave out what is not known"
        elif isinstance(value, str):
            for alternative, _ in self.alternatives(place):
                if value in alternative.get("enumDeprecated", {}):
                    yield f"{pointer}: {value!r} is deprecated. {alternative['enumDeprecated'][value]}"


def _resources(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The body with a bare link in the place of each resource within, and then those resources."""
    within: list[tuple[str, dict[str, Any]]] = []

    def bare(value: Any, pointer: str) -> Any:
        if isinstance(value, list):
            return [bare(inner, f"{pointer}/{index}") for index, inner in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if pointer and "@odata.type" in value and "#" not in str(value.get("@odata.id", "#")):
            within.append((pointer, value))
            return {"@odata.id": value["@odata.id"]}
        return {key: inner if key == "Oem" else bare(inner, f"{pointer}/{key}") for key, inner in value.items()}

    yield "", bare(body, "")
    for pointer, resource in within:
        for inner, found in _resources(resource):
            yield pointer + inner, found


def _service_document(body: Mapping[str, Any]) -> list[str]:
    return [
        f"/value/{index}: {entry!r} has no name, kind and url"
        for index, entry in enumerate(body["value"])
        if not isinstance(entry, dict) or not {"name", "kind", "url"} <= set(entry)
    ]
