"""Profiles: classes of service, with what their lines of service say (schema ClassOfService)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....adapters.contract.base import page_of
from ....core.errors import NotFound, NotOffered
from ....core.model.page import Page, Query
from ....core.model.profile import Profile
from ....core.model.request import Changes, ProfileRequest
from ..classes.class_mapping import KINDS, Line, Properties, line_meant
from .bodies import BEGINNING, Body, at, mappings, text, texts
from .bound import Bound, absent
from .fabrics import fabrics_of
from .names import checked_name
from .paths import id_of, path_of
from .spoken import core_name
from .versions import version_of

_CONNECTIVITY = "IOConnectivityLinesOfService"
_NAMES = {"/Name": "name", "/Description": "description"}


class SwordfishProfiles(Bound):
    """The classes of service that the context's tenant may use."""

    def list(self, query: Query | None = None) -> Page[Profile]:
        found = [self._profile(path, body) for path, body in self.every(self.share.classes)]
        return page_of(Profile, found, query, ("created_at", "name"))

    def get(self, profile: str) -> Profile:
        path = self.path(profile)
        answer = self.ask(path)
        return self._profile(path, answer.body)

    def path(self, profile: str) -> str:
        """Where the class with this id or name is; raises `NotFound`."""
        collections = self.share.classes
        if not collections:
            raise NotOffered("This system has no classes of service.", next_step="Name no profile.")
        for path, body in self.every(collections):
            if profile in (id_of(path), text(body, "Name")):
                return path
        raise absent("profile", profile)

    def create(self, wanted: ProfileRequest) -> Profile:
        collections = self.share.classes
        if not collections:
            raise NotOffered("This system has no classes of service.")
        if wanted.is_default or wanted.metadata or wanted.tenants or wanted.storage_type != "block":
            raise NotOffered("A class of service of this system has a name, a description and properties only.")
        body: dict[str, Any] = {"Name": checked_name(wanted.name), **_lines(wanted.properties)}
        if wanted.description:
            body["Description"] = wanted.description
        answer = self.client.change("POST", collections[0], body, names=_NAMES, request_id=self.context.request_id)
        self.client.forget()
        path = answer.location or path_of(answer.body.get("@odata.id"))
        return self.get(wanted.name if path is None else id_of(path))

    def update(self, profile: str, changes: Changes, *, if_version: int | None = None) -> Profile:
        if changes.name is not None or changes.description is not None or changes.metadata is not None:
            raise NotOffered("Of a class of service of this system the properties can be changed.")
        if changes.is_default is not None or changes.tenants is not None:
            raise NotOffered("Of a class of service of this system the properties can be changed.")
        path = self.path(profile)
        answer = self.ask(path)
        if changes.properties is not None:
            lines = _lines(changes.properties)
            gone: dict[str, Any] = {kind: [] for kind in KINDS if kind not in lines and kind in answer.body}
            self.patch(path, answer, {**lines, **gone}, if_version, _NAMES)
            self.client.forget()
        return self.get(id_of(path))

    def delete(self, profile: str, *, if_version: int | None = None) -> None:
        path = self.path(profile)
        self.conditional("DELETE", path, self.ask(path), None, if_version)
        self.client.forget()

    def protocol(self, path: str | None) -> str:
        """What volumes of a class are reached by: as the class says, or else by what the only fabric speaks; empty
        where nothing says so."""
        for said in () if path is None else self._protocols(path):
            return said
        spoken = {fabric.protocol for fabric in fabrics_of(self.site)}
        return spoken.pop() if len(spoken) == 1 else ""

    def _protocols(self, path: str) -> Sequence[str]:
        try:
            answer = self.client.known(path)
        except NotFound:
            return []
        found = []
        for line in self._lines_of(answer.body, _CONNECTIVITY):
            names = texts(line, "AccessProtocols") or [text(line, "AccessProtocol")]
            found += [core_name(name) for name in names if name]
        return found

    def _lines_of(self, body: Body, kind: str) -> Sequence[Body]:
        """The lines of one kind: they stand in the class or behind its links."""
        found = []
        for element in mappings(body, kind):
            path = path_of(element.get("@odata.id"))
            if path is None or "#" in str(element.get("@odata.id")) or len(element) > 1:
                found.append(element)
                continue
            try:
                found.append(self.client.known(path).body)
            except NotFound:
                continue
        return found

    def _profile(self, path: str, body: Body) -> Profile:
        properties: Properties = {}
        for kind in KINDS:
            for element in self._lines_of(body, kind):
                properties = _taken(line_meant(kind, element), element, properties)
        return Profile(
            id=id_of(path),
            name=text(body, "Name") or text(body, "Id"),
            storage_type="block",
            created_at=BEGINNING,
            updated_at=BEGINNING,
            version=version_of(body),
            description=text(body, "Description"),
            is_default=path == self.share.default_class,
            properties=dict(properties),
        )


def _taken(line: Line, element: Body, properties: Properties) -> Properties:
    """The sections with what a line says, as far as a profile has a word for it."""
    for field in line.fields:
        value = at(element, field.name)
        if value is None:
            continue
        try:
            properties = field.changed(properties, value)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            continue
    return properties


def _lines(properties: Properties) -> dict[str, list[dict[str, Any]]]:
    """The lines of service that say these properties; raises `NotOffered` where some have no word there."""
    said: dict[str, Any] = {
        kind: [{"Id": line.id, **line.said(properties)} for line in lines if line.said(properties)]
        for kind, lines in KINDS.items()
    }
    back: Properties = {}
    for kind, elements in said.items():
        for element in elements:
            back = _taken(line_meant(kind, element), element, back)
    if back != properties:
        raise NotOffered("Swordfish has no words for some of these properties.")
    return {kind: elements for kind, elements in said.items() if elements}
