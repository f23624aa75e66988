"""JSON schemas: which types are served, and where their publisher has the schema (DSP0266, Schema files)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....core.errors import NotFound
from .. import uris
from ..protocol.request import Request
from ..protocol.resource import Collection, Property, Resource, Served, Window
from ..protocol.windows import window_of


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """The schema of a type: `id` is its namespace (`Volume.v1_10_2`)."""

    id: str
    type: str
    address: str


def json_schemas(served: Sequence[Served]) -> tuple[Collection, Resource]:
    """The collection of schemas of what is served, and one of them."""
    files: dict[str, SchemaFile] = {}

    def load(request: Request) -> SchemaFile:
        found = files.get(request.params["schema"])
        if found is None:
            raise NotFound(f"There is no schema {request.params['schema']} here.")
        return found

    def listed(request: Request, after: str | None, limit: int) -> Window:
        return window_of([uris.json_schema(name) for name in sorted(files)], after, limit)

    one = Resource(
        type="JsonSchemaFile",
        version="v1_1_5",
        path=uris.json_schema("{schema}"),
        load=load,
        id_of=lambda file: str(file.id),
        name=lambda file, request: f"{file.id} schema file",
        properties=(
            Property("Schema", lambda file, request: file.type),
            Property("Languages", lambda file, request: ["en"]),
            Property("Location", lambda file, request: [{"Language": "en", "PublicationUri": file.address}]),
        ),
    )
    every = Collection(
        type="JsonSchemaFileCollection",
        path=uris.JSON_SCHEMAS,
        name="Schemas",
        list=listed,
        uri_of=lambda file, request: uris.json_schema(file.id),
        member=one,
    )
    for each in (*served, every, one):
        if isinstance(each, Resource | Collection):
            namespace = each.schema.rpartition("/")[2].removesuffix(".json")
            files[namespace] = SchemaFile(namespace, each.odata_type, each.schema)
    return every, one
