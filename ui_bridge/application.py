"""What a browser and the platform's client ask for: the manifest, icons, pages, and which entries are shown now."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from ..core.errors import Invalid, IsthmusError, NotFound
from ..plugin_manager.json_body import read_object
from . import icons
from .archive import archive
from .asset import Assets
from .dynamic import DynamicItems, Question, body
from .manifest import OLDEST, VERSIONS, Surface, manifest
from .objects import ObjectId
from .pages import STYLE, Pages
from .platform import Platform, Sender
from .view import PLACES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The client shows the pages in frames of its own origin, by its reverse proxy; nobody else may. The script that it
offers to them is of that origin too. The style carries its font and small pictures in itself."""

SESSION = "HTTP_VMWARE_API_SESSION_ID"
GATEWAY = "HTTP_VMWARE_API_GATEWAY_URL"
_LARGEST_BODY = 64 * 1024
_MOST_OBJECTS = 100
_WEB = "web/"
_FOREVER = "public, max-age=31536000, immutable"
# The address of such a file changes with its content.
_MANIFEST = re.compile(r"plugin(?:-(?P<version>[0-9.]+))?\.(?P<form>json|zip)")
_PAGE = re.compile(r"(?P<part>view|dialog)/(?P<name>[A-Za-z0-9-]+)\.html")
_ICON = re.compile(r"icons/(?P<name>[a-z]+)\.(?P<form>png|svg)")
_DYNAMIC = re.compile(rf"dynamic/(?P<kind>[A-Za-z]+)/(?P<place>menu|{'|'.join(PLACES)})")


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply."""

    content: bytes
    media: str
    status: int = 200
    cache: str = "no-cache"
    headers: tuple[tuple[str, str], ...] = ()


class Bridge:
    """A WSGI application for all below `prefix` (`/vsphere/ui`); what is below `api/` is left to `api`."""

    def __init__(
        self,
        prefix: str,
        platform: Platform,
        dynamic: DynamicItems,
        surface: Surface,
        api: Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]] | None = None,
        assets: Assets | None = None,
    ) -> None:
        self.prefix = prefix.rstrip("/")
        self._dynamic, self._surface, self._api = dynamic, surface, api
        self._assets = assets or Assets()
        self._pages = Pages(surface, self._assets, platform.version)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self._api is not None and environ.get("PATH_INFO", "").startswith(f"{self.prefix}/api/"):
            return self._api(environ, start_response)
        try:
            answer = self._answer(environ)
        except IsthmusError as error:
            answer = _refusal(error)
        headers = [
            ("Content-Type", answer.media),
            *((("Content-Length", str(len(answer.content))),) if answer.status != 304 else ()),
            ("Cache-Control", answer.cache),
            ("Content-Security-Policy", POLICY),
            ("Referrer-Policy", "no-referrer"),
            *answer.headers,
        ]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.content]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path = environ.get("PATH_INFO", "").removeprefix(f"{self.prefix}/")
        if match := _DYNAMIC.fullmatch(path):
            environ["isthmus.route"] = f"{self.prefix}/dynamic/{{kind}}/{{place}}"
            if environ["REQUEST_METHOD"] != "POST":
                return _not_allowed("POST")
            return self._items(environ, match["kind"], match["place"])
        found = self._document(environ, path)
        if found is None:
            raise NotFound("There is no such page.")
        return found if environ["REQUEST_METHOD"] in ("GET", "HEAD") else _not_allowed("GET, HEAD")

    def _document(self, environ: dict[str, Any], path: str) -> Answer | None:
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        if match := _MANIFEST.fullmatch(path):
            environ["isthmus.route"] = f"{self.prefix}/plugin.{match['form']}"
            version = match["version"] or query.get("version", OLDEST)
            if match["form"] == "zip":
                return Answer(archive(self._surface, version), "application/zip")
            return _json(manifest(self._surface, version))
        if match := _ICON.fullmatch(path):
            environ["isthmus.route"] = f"{self.prefix}/icons/{{name}}"
            return _icon(match["name"], match["form"])
        if match := _PAGE.fullmatch(path):
            environ["isthmus.route"] = f"{self.prefix}/{match['part']}/{{name}}"
            locale = query.get("locale") or environ.get("HTTP_ACCEPT_LANGUAGE", "").partition(",")[0]
            return self._page(match["part"], match["name"], locale)
        if path.startswith(_WEB):
            environ["isthmus.route"] = f"{self.prefix}/web/{{path}}"
            return self._asset(environ, path.removeprefix(_WEB))
        if path == "style.css":
            environ["isthmus.route"] = f"{self.prefix}/style.css"
            return Answer(STYLE.encode(), "text/css; charset=utf-8", cache="max-age=3600")
        return None

    def _asset(self, environ: dict[str, Any], address: str) -> Answer | None:
        asset = self._assets.find(address)
        if asset is None:
            return None
        headers: tuple[tuple[str, str], ...] = (("ETag", asset.etag), ("Vary", "Accept-Encoding"))
        if asset.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            return Answer(b"", asset.media, 304, _FOREVER, headers)
        if asset.packed and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            return Answer(asset.packed, asset.media, 200, _FOREVER, (*headers, ("Content-Encoding", "gzip")))
        return Answer(asset.content, asset.media, 200, _FOREVER, headers)

    def _page(self, part: str, name: str, locale: str) -> Answer | None:
        text = self._pages.view(name, locale) if part == "view" else self._pages.dialog(name, locale)
        if text is None:
            return None
        return Answer(text.encode(), "text/html; charset=utf-8", headers=(("Vary", "Accept-Language"),))

    def _items(self, environ: dict[str, Any], kind: str, place: str) -> Answer:
        asked = read_object(_body(environ))
        question = Question(
            sender=Sender(environ.get(SESSION, ""), environ.get(GATEWAY, ""), environ.get("REMOTE_ADDR", "")),
            targets=_targets(asked, kind),
            place=place,
            locale=str(asked.get("locale", ""))[:32],
            request_id=environ.get("isthmus.request_id", ""),
        )
        version = asked.get("apiVersion")
        items = self._dynamic.answer(question)
        found = _json(body(items, version if version in VERSIONS else OLDEST))
        return Answer(found.content, found.media, cache="no-store")


def _targets(asked: Mapping[str, Any], kind: str) -> tuple[ObjectId, ...]:
    given = asked.get("objectIds")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_OBJECTS or not all(isinstance(i, str) for i in given):
        raise Invalid(f"objectIds is a list of 1 to {_MOST_OBJECTS} objects.", field="objectIds")
    targets = tuple(dict.fromkeys(ObjectId.parse(each) for each in given))
    if any(each.kind != kind for each in targets):
        raise Invalid(f"This address is for objects of the type {kind}.", field="objectIds")
    return targets


def _body(environ: dict[str, Any]) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = -1
    if not 0 <= length <= _LARGEST_BODY:
        raise Invalid(f"The body has more than {_LARGEST_BODY} bytes, or does not say how many.")
    content: bytes = environ["wsgi.input"].read(length)
    return content


def _icon(name: str, form: str) -> Answer | None:
    if form == "png" and name in icons.THEMES:
        return Answer(icons.sheet(name), "image/png", cache="max-age=3600")
    if form == "svg" and name in icons.ICONS:
        return Answer(icons.svg(name).encode(), "image/svg+xml", cache="max-age=3600")
    return None


def _json(document: object, status: int = 200) -> Answer:
    return Answer(json.dumps(document, ensure_ascii=False).encode(), "application/json; charset=utf-8", status)


def _refusal(error: IsthmusError) -> Answer:
    return _json(error.to_json(), {"not_found": 404, "invalid": 400}.get(error.code, 503))


def _not_allowed(methods: str) -> Answer:
    found = _json({"code": "invalid", "message": f"This address answers {methods}."}, 405)
    return Answer(found.content, found.media, 405, headers=(("Allow", methods),))
