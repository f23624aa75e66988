"""Properties of many objects of one type in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..connection.soap import Connection
from ..connection.vmodl import vim


def read_all(connection: Connection, objects: Sequence[Any], *paths: str) -> dict[str, dict[str, Any]]:
    """By id; what is gone or may not be read is left out, as is what is unset."""
    return connection.read_all(objects, *paths)


def above(connection: Connection, entity: Any, kind: Any) -> Any | None:
    """The nearest ancestor of a type; None without one."""
    while entity is not None and not isinstance(entity, kind):
        entity = connection.read(entity, "parent").get("parent")
    return entity


def datastore_folder(connection: Connection, entity: Any) -> Any | None:
    """Where the new datastores of the entity's datacenter come to be; None outside of any."""
    datacenter = above(connection, entity, vim.Datacenter)
    return None if datacenter is None else connection.read(datacenter, "datastoreFolder")["datastoreFolder"]


def datastores_beside(connection: Connection, entity: Any) -> dict[str, Any]:
    """The datastores of the entity's datacenter, by name."""
    datacenter = above(connection, entity, vim.Datacenter)
    stores = [] if datacenter is None else connection.read(datacenter, "datastore").get("datastore") or []
    by_id = {each._moId: each for each in stores}
    return {values["name"]: by_id[moid] for moid, values in read_all(connection, stores, "name").items()}


def hosts_beside(connection: Connection, entity: Any) -> list[Any]:
    """All hosts of the entity's datacenter."""
    datacenter = above(connection, entity, vim.Datacenter)
    folders = [] if datacenter is None else [connection.read(datacenter, "hostFolder")["hostFolder"]]
    hosts: list[Any] = []
    while folders:
        inside = [
            each for found in read_all(connection, folders, "childEntity").values() for each in found["childEntity"]
        ]
        folders = [each for each in inside if isinstance(each, vim.Folder)]
        for kind in (vim.ComputeResource, vim.ClusterComputeResource):
            same = [each for each in inside if type(each) is kind]
            for found in read_all(connection, same, "host").values():
                hosts.extend(found["host"])
    return hosts
