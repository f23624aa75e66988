"""Registries: which messages may come, and where their publisher has the registry (DSP0266, Message registry)."""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import NotFound
from .. import uris
from ..protocol.messages import TABLE
from ..protocol.request import Request
from ..protocol.resource import Collection, Property, Resource
from ..protocol.windows import window_of


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """A registry: `id` is prefix and version (`Base.1.22.1`), `name` what it is called in message ids."""

    id: str
    name: str
    address: str


def _published(prefix: str, version: str) -> RegistryFile:
    stem, _, _ = version.rpartition(".")
    name = f"{prefix}.{version}"
    return RegistryFile(name, f"{prefix}.{stem}", f"https://redfish.dmtf.org/registries/{name}.json")


_FILES = {file.id: file for file in (_published(prefix, each["version"]) for prefix, each in TABLE.items())}


def _load(request: Request) -> RegistryFile:
    found = _FILES.get(request.params["registry"])
    if found is None:
        raise NotFound(f"There is no registry {request.params['registry']} here.")
    return found


REGISTRY = Resource(
    type="MessageRegistryFile",
    version="v1_1_5",
    path=uris.registry("{registry}"),
    load=_load,
    id_of=lambda file: str(file.id),
    name=lambda file, request: f"{file.name} message registry",
    properties=(
        Property("Registry", lambda file, request: file.name),
        Property("Languages", lambda file, request: ["en"]),
        Property("Location", lambda file, request: [{"Language": "en", "PublicationUri": file.address}]),
    ),
)

REGISTRIES = Collection(
    type="MessageRegistryFileCollection",
    path=uris.REGISTRIES,
    name="Registries",
    member=REGISTRY,
    list=lambda request, after, limit: window_of([uris.registry(name) for name in sorted(_FILES)], after, limit),
    uri_of=lambda file, request: uris.registry(file.id),
)

SERVED = (REGISTRIES, REGISTRY)
