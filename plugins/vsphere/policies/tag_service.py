"""Tags of a vCenter, over its REST interface, as the service account."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote, urlencode

from ....core.errors import Conflict, Failed, IsthmusError, NotFound, Unavailable
from ..connection.endpoint import Endpoint
from ..connection.errors import LoginRefused, PrivilegeMissing, SessionEnded, Unreachable
from ..connection.faults import translated
from ..connection.https import Reply, Talk

_PIECE = 200
_HEADER = "vmware-api-session-id"
_STORE = "Datastore"


@dataclass(frozen=True, slots=True)
class Category:
    """A category of tags."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a category."""

    id: str
    name: str
    description: str


class TagService:
    """One session, as a context manager. From 7.0.2 on REST is below `/api`; before, below `/rest` with an envelope.

    Raises `Unreachable`, `Unavailable`, `LoginRefused`, `SessionEnded`, `PrivilegeMissing`, `NotFound`, `Conflict` (a
    name is taken), `Failed`.
    """

    def __init__(self, endpoint: Endpoint, user: str, password: str, *, seconds: float = 15.0) -> None:
        self._endpoint, self._user, self._password = endpoint, user, password
        self._talk = Talk(endpoint, seconds=seconds)
        self._token = ""
        self._old = False

    def __enter__(self) -> Self:
        try:
            self._login()
        except IsthmusError:
            self._talk.close()
            raise
        return self

    def _login(self) -> None:
        pair = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        reply = self._send("POST", "/api/session", headers)
        if reply.status == 404:
            self._old = True
            reply = self._send("POST", "/rest/com/vmware/cis/session", headers)
        if reply.status == 401:
            raise LoginRefused(
                f"vCenter {self._endpoint.address} refused the login to its REST interface.",
                next_step="Check user name (user@domain) and password.",
                vcenter=self._endpoint.address,
            )
        if reply.status >= 300:
            self._fail(reply)
        found = _content(reply)
        self._token = str(found.get("value", "") if isinstance(found, dict) else found)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whoever does not answer is not waited for once more; the session ends by itself then.
        if not isinstance(error, Unreachable):
            with suppress(IsthmusError):
                self._call("DELETE", "/rest/com/vmware/cis/session" if self._old else "/api/session")
        self._talk.close()

    def category(self, description: str) -> Category | None:
        """The first whose description ends so."""
        for identity in self._call("GET", self._path("category")) or ():
            found = self._call("GET", self._path("category", identity))
            if str(found["description"]).endswith(description):
                return Category(identity, str(found["name"]), str(found["description"]))
        return None

    def make_category(self, name: str, description: str) -> Category:
        """One for datastores, each of which has one tag of it at most."""
        spec = {"name": name, "description": description, "cardinality": "SINGLE", "associable_types": [_STORE]}
        made = self._call("POST", self._path("category"), self._wrapped("create_spec", spec))
        return Category(str(made), name, description)

    def tags(self, category: str) -> list[Tag]:
        """Those of a category (id)."""
        if self._old:
            path = f"/rest/com/vmware/cis/tagging/tag/id:{quote(category, safe=':')}?~action=list-tags-for-category"
            identities = self._call("POST", path)
        else:
            query = urlencode({"action": "list-tags-for-category"})
            identities = self._call("POST", f"/api/cis/tagging/tag/{quote(category, safe=':')}?{query}")
        found = [self._call("GET", self._path("tag", identity)) for identity in identities or ()]
        return [Tag(str(each["id"]), str(each["name"]), str(each["description"])) for each in found]

    def make_tag(self, category: str, name: str, description: str) -> str:
        """The new tag's id."""
        spec = {"category_id": category, "name": name, "description": description}
        return str(self._call("POST", self._path("tag"), self._wrapped("create_spec", spec)))

    def change_tag(self, tag: str, name: str, description: str) -> None:
        """Another name and description."""
        spec = {"name": name, "description": description}
        self._call("PATCH", self._path("tag", tag), self._wrapped("update_spec", spec))

    def delete_tag(self, tag: str) -> None:
        """From all that have it; nothing when it is gone."""
        try:
            self._call("DELETE", self._path("tag", tag))
        except NotFound:
            return

    def attached(self, stores: Sequence[str]) -> dict[str, set[str]]:
        """The ids of the tags, of any category, that datastores (ids) have."""
        found: dict[str, set[str]] = {}
        for at in range(0, len(stores), _PIECE):
            piece = [_subject(each) for each in stores[at : at + _PIECE]]
            path = self._association("", "list-attached-tags-on-objects")
            for each in self._call("POST", path, {"object_ids": piece}) or ():
                found[str(each["object_id"]["id"])] = set(map(str, each["tag_ids"]))
        return found

    def attach(self, tag: str, store: str) -> None:
        """The datastore (id) has the tag."""
        self._call("POST", self._association(tag, "attach"), {"object_id": _subject(store)})

    def detach(self, tag: str, store: str) -> None:
        """The datastore (id) has the tag no more."""
        self._call("POST", self._association(tag, "detach"), {"object_id": _subject(store)})

    def _path(self, kind: str, identity: str = "") -> str:
        base = "/rest/com/vmware/cis/tagging" if self._old else "/api/cis/tagging"
        if not identity:
            return f"{base}/{kind}"
        return f"{base}/{kind}/{'id:' if self._old else ''}{quote(identity, safe=':')}"

    def _association(self, tag: str, action: str) -> str:
        return f"{self._path('tag-association', tag)}?{'~' if self._old else ''}action={action}"

    def _wrapped(self, name: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: spec} if self._old else spec

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        reply = self._send(method, path, {_HEADER: self._token}, body)
        if reply.status >= 300:
            self._fail(reply)
        found = _content(reply)
        return found["value"] if self._old and isinstance(found, dict) and "value" in found else found

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None) -> Reply:
        sent = {**headers, "Content-Type": "application/json", "Accept": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        with translated(self._endpoint):
            return self._talk.ask(method, path, body=content, headers=sent)

    def _fail(self, reply: Reply) -> NoReturn:
        where, said, kind = self._endpoint.address, _said(reply), _kind(reply)
        if reply.status == 401:
            raise SessionEnded(f"The session at vCenter {where} has ended.", next_step="Try again.", vcenter=where)
        if reply.status == 403:
            raise PrivilegeMissing(
                f"vCenter {where} does not let the service account keep tags: {said}",
                next_step="Give it the privileges that `isthmus vsphere doctor` names.",
                vcenter=where,
                privilege="InventoryService.Tagging",
            )
        if reply.status == 404:
            raise NotFound(f"vCenter {where} does not have it: {said}", next_step="Try again.")
        if kind.lower().endswith("already_exists"):
            raise Conflict(f"vCenter {where}: {said}", next_step="Choose another name.")
        if reply.status >= 500:
            # The rest of the vCenter may well answer, so this is not the line's business.
            raise Unavailable(
                f"vCenter {where} does not answer about tags now (HTTP {reply.status}): {said}",
                next_step="Try again in a moment.",
                vcenter=where,
            )
        raise Failed(f"vCenter {where}: {said}")


def _subject(store: str) -> dict[str, str]:
    return {"type": _STORE, "id": store}


def _content(reply: Reply) -> Any:
    try:
        return json.loads(reply.content) if reply.content else None
    except ValueError:
        raise Failed("The vCenter's answer about tags is no JSON.") from None


def _kind(reply: Reply) -> str:
    document = _document(reply)
    return str(document.get("error_type") or document.get("type") or "")


def _said(reply: Reply) -> str:
    """What the vCenter said, in a sentence."""
    document = _document(reply)
    inner = document.get("value")
    messages = document.get("messages") or (inner.get("messages") if isinstance(inner, dict) else None) or ()
    said = " ".join(str(each.get("default_message", "")) for each in messages if isinstance(each, dict)).strip()
    said = (said or f"HTTP {reply.status}")[:500]
    return said if said.endswith((".", "!")) else f"{said}."


def _document(reply: Reply) -> Mapping[str, Any]:
    try:
        found = json.loads(reply.content) if reply.content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
