"""The vCenter as a loader of remote plug-ins: it fetches the manifest of a registered extension and says what it makes
of it. What no documentation tells (how a real one reads manifests in every detail) is left out rather than invented."""

from __future__ import annotations

import io
import json
import re
import ssl
import zipfile
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .certificate import pinned, thumbprint
from .objects.extension_manager import MANIFEST_SERVER, REMOTE_CLIENT

if TYPE_CHECKING:
    from .vcenter import VCenter

DEPLOYED, FAILED, INCOMPATIBLE = "DEPLOYED", "FAILED", "INCOMPATIBLE"
_VERSION = re.compile(r"\d+(\.\d+){0,3}")
_SECONDS = 10.0
_LARGEST = 8 << 20
# The newest manifest a release reads.
_NEWEST = {"7.0": "1.0.1", "8.0": "1.1.0", "9.0": "1.2.0"}
_VERSIONS = ("1.0.0", "1.0.1", "1.1.0", "1.2.0")
_TOP = {"manifestVersion", "requirements", "configuration", "global", "objects", "definitions", "manifests"}
_OBJECTS = {
    "ClusterComputeResource", "Datacenter", "Datastore", "DistributedVirtualPortgroup", "DistributedVirtualSwitch",
    "Folder", "HostSystem", "Network", "ResourcePool", "StoragePod", "VirtualApp", "VirtualMachine",
}  # fmt: skip
_PLACES = {"summary", "monitor", "configure", "menu"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """What became of a plug-in; `reason` says why it did not load, `manifest` is what was read."""

    state: str
    reason: str = ""
    manifest: Any = None


class _Refused(Exception):
    def __init__(self, reason: str, state: str = FAILED) -> None:
        super().__init__(reason)
        self.state = state


def load(vc: VCenter, key: str) -> Deployment:
    """Fetch and check the plug-in that is registered with this vCenter under a key."""
    extension = vc.extensions.registered(key)
    if extension is None:
        return Deployment(FAILED, f"No extension {key} is registered")
    try:
        manifest = _manifest(vc, extension)
        _check(manifest, vc.release.version)
    except _Refused as refused:
        return Deployment(refused.state, str(refused))
    return Deployment(DEPLOYED, manifest=manifest)


def _manifest(vc: VCenter, extension: Any) -> Any:
    if not _VERSION.fullmatch(extension.version or ""):
        raise _Refused(f"The version {extension.version} is not 1 to 4 numbers with dots")
    clients = [each for each in extension.client if each.type == REMOTE_CLIENT]
    if len(clients) != 1:
        raise _Refused(f"There is no client of type {REMOTE_CLIENT}")
    servers = [each for each in extension.server if each.type == MANIFEST_SERVER]
    if not servers or extension.server[0].type != MANIFEST_SERVER:
        raise _Refused(f"The first server is not of type {MANIFEST_SERVER}")
    server = servers[0]
    kind, body = _fetch(server.url, server.serverThumbprint, getattr(server, "serverCertificate", None))
    if server.url.endswith(".zip") or "zip" in kind:
        body = _unpacked(body)
    try:
        manifest = json.loads(body)
    except ValueError as error:
        raise _Refused(f"{server.url} is no JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise _Refused(f"{server.url} is no object")
    return manifest


def _fetch(url: str, pin: str | None, pem: str | None) -> tuple[str, bytes]:
    """The media type and the body, from a server that shows the registered certificate."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise _Refused(f"{url} is not https")
    if not pin and not pem:
        raise _Refused("Neither a thumbprint nor a certificate is registered")
    context = pinned(pem) if pem else _any_certificate()
    connection = HTTPSConnection(parts.hostname, parts.port or 443, timeout=_SECONDS, context=context)
    try:
        connection.connect()
        shown = ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True) or b"")
        if pin:
            algorithm = "sha1" if pin.count(":") == 19 else "sha256"
            found = thumbprint(shown, algorithm)
            if found != pin.upper():
                raise _Refused(f"{parts.netloc} shows the certificate {found}, registered is {pin}")
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": "application/json, application/zip"})
        reply = connection.getresponse()
        body = reply.read(_LARGEST + 1)
    except ssl.SSLError as error:
        raise _Refused(f"{parts.netloc} does not show the registered certificate: {error.reason or error}") from None
    except (OSError, HTTPException) as error:
        raise _Refused(f"{url} cannot be fetched: {error}") from None
    finally:
        connection.close()
    if reply.status != 200:
        raise _Refused(f"{url} answers {reply.status}")
    if len(body) > _LARGEST:
        raise _Refused(f"{url} is too large")
    return reply.headers.get_content_type(), body


def _any_certificate() -> ssl.SSLContext:
    """For a server that is known by its thumbprint, which is compared before anything is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _unpacked(body: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.read("plugin.json")
    except (zipfile.BadZipFile, KeyError) as error:
        raise _Refused(f"The archive has no plugin.json: {error}") from None


def _check(manifest: dict[str, Any], release: str) -> None:
    generation = ".".join(release.split(".")[:2])
    newest = _NEWEST[generation]
    version = manifest.get("manifestVersion")
    if version not in _VERSIONS:
        raise _Refused(f"manifestVersion {version!r} is none of {', '.join(_VERSIONS)}")
    if version > newest:
        raise _Refused(f"vCenter {release} reads manifests up to {newest}, this is {version}", INCOMPATIBLE)
    further = set(manifest) - _TOP
    if further:
        raise _Refused(f"The manifest has properties that are not known: {', '.join(sorted(further))}")
    api = manifest.get("requirements", {}).get("plugin.api.version")
    if api not in _VERSIONS:
        raise _Refused(f"requirements.plugin.api.version {api!r} is none of {', '.join(_VERSIONS)}")
    if api > newest:
        raise _Refused(f"vCenter {release} offers the plug-in API up to {newest}, {api} is needed", INCOMPATIBLE)
    configuration = manifest.get("configuration", {})
    missing = {"nameKey", "icon"} - set(configuration)
    if missing:
        raise _Refused(f"configuration lacks {', '.join(sorted(missing))}")
    _check_objects(manifest.get("objects", {}))
    _check_texts(manifest)


def _check_objects(objects: dict[str, Any]) -> None:
    unknown = set(objects) - _OBJECTS
    if unknown:
        raise _Refused(f"objects has types that are not known: {', '.join(sorted(unknown))}")
    for kind, places in objects.items():
        unknown = set(places) - _PLACES
        if unknown:
            raise _Refused(f"objects.{kind} has places that are not known: {', '.join(sorted(unknown))}")
        for action in places.get("menu", {}).get("actions", []):
            if action.get("type") != "separator" and not {"id", "labelKey", "trigger"} <= set(action):
                raise _Refused(f"An action of {kind} lacks id, labelKey or trigger")


def _check_texts(manifest: dict[str, Any]) -> None:
    """Every key that is used has a text in every language that is offered."""
    i18n = manifest.get("definitions", {}).get("i18n", {})
    locales, texts = i18n.get("locales", []), i18n.get("definitions", {})
    for key in sorted(_keys(manifest)):
        lacking = [locale for locale in locales if locale not in texts.get(key, {})]
        if key not in texts or lacking:
            raise _Refused(f"The text {key} is missing{' in ' + ', '.join(lacking) if key in texts else ''}")


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set[str]().union(*map(_keys, value))
    if not isinstance(value, dict):
        return set()
    found = {text for name, text in value.items() if name.endswith("Key") and isinstance(text, str)}
    return found.union(*(_keys(each) for name, each in value.items() if name != "i18n"))
