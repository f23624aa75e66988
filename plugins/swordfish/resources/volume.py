"""A volume or a snapshot of a storage service: to Swordfish both are volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import Invalid
from .. import uris
from ..maintenance.asking import asked
from ..maintenance.change import change_snapshot, change_volume, delete_snapshot, delete_volume
from ..protocol.refusal import refuse
from ..protocol.request import Request
from ..protocol.resource import SNIA, JsonSchema, Outcome, Property, Resource
from . import volume_properties as shown
from .replica_actions import ACTIONS
from .replica_info import replica_info, replica_target_count, replica_targets
from .volume_facts import Facts, load

BYTES: JsonSchema = {"type": "integer", "minimum": 1, "maximum": 2**60}
NAME: JsonSchema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^/\\\x00-\x1f\x7f]*$"}
CAPACITY: JsonSchema = {
    "type": "object",
    "properties": {
        "Data": {
            "type": "object",
            "properties": {"AllocatedBytes": BYTES, "ProvisionedBytes": BYTES},
            "additionalProperties": False,
            "minProperties": 1,
        }
    },
    "required": ["Data"],
    "additionalProperties": False,
}


def wanted_size(values: Mapping[str, Any]) -> tuple[int, str] | None:
    """The size that a body asks for and the JSON pointer of the property that says so; None where it says none.

    Refuses a body that asks for several.
    """
    data = values.get("Capacity", {}).get("Data", {})
    said = {f"/Capacity/Data/{name}": data[name] for name in ("AllocatedBytes", "ProvisionedBytes") if name in data}
    if "CapacityBytes" in values:
        said["/CapacityBytes"] = values["CapacityBytes"]
    if len(set(said.values())) > 1:
        first, second = list(said)[:2]
        raise refuse(400, "PropertyValueConflict", first[1:], second[1:], related=(first, second))
    return None if not said else (next(iter(said.values())), next(reversed(said)))


def _update(request: Request, facts: Facts, changes: Mapping[str, Any]) -> Outcome:
    """A new name, a new size by an operation. The size goes first: it may be refused, a checked name is not."""
    expected = request.expected(facts)
    name, wanted = changes.get("DisplayName"), wanted_size(changes)
    if name is not None and not (name.isprintable() and name == name.strip() and name not in (".", "..")):
        raise refuse(400, "PropertyValueFormatError", name, "DisplayName", related=("/DisplayName",))
    if facts.snapshot is not None:
        if wanted is not None:
            pointer = wanted[1]
            raise refuse(400, "PropertyNotWritable", pointer[1:], related=(pointer,))
        return asked(request, change_snapshot(facts.id, name=name, if_version=expected))
    size = None if wanted is None or wanted[0] == facts.noun.size else wanted[0]
    if size is None and name is None:
        return None
    try:
        return asked(request, change_volume(facts.id, size=size, name=name, if_version=expected))
    except Invalid as error:
        raise error if wanted is None else _named(error, wanted[1]) from error


def _named(error: Invalid, pointer: str) -> Invalid:
    """The error, about the property that said the size."""
    if error.details.get("field") != "size" or pointer == "/CapacityBytes":
        return error
    return Invalid(error.message, next_step=error.next_step, field="capacity")


def _delete(request: Request, facts: Facts) -> Outcome:
    expected = request.expected(facts)
    if facts.snapshot is not None:
        return asked(request, delete_snapshot(facts.id, expected))
    return asked(request, delete_volume(facts.id, expected))


VOLUME = Resource(
    type="Volume",
    version="v1_10_2",
    publisher=SNIA,
    path=uris.volume("{tenant}", "{volume}"),
    load=load,
    id_of=lambda facts: str(facts.id),
    name=lambda facts, request: facts.noun.name,
    update=_update,
    delete=_delete,
    actions=ACTIONS,
    later=True,
    properties=(
        Property("Description", lambda facts, request: facts.noun.description or None),
        Property("DisplayName", lambda facts, request: facts.noun.name, write=NAME, core="name"),
        Property("Status", shown.status),
        Property("Identifiers", shown.identifiers),
        Property("CapacityBytes", lambda facts, request: facts.noun.size, write=BYTES, core="size"),
        Property("Capacity", shown.capacity, write=CAPACITY, core="capacity"),
        Property("ProvisioningPolicy", shown.provisioning_policy),
        Property("AccessCapabilities", shown.access_capabilities),
        Property("Operations", shown.operations),
        Property("ReplicaInfo", replica_info),
        Property("ReplicaTargets", replica_targets),
        Property("ReplicaTargets@odata.count", replica_target_count),
        Property("Connections", shown.connections),
        Property("Connections@odata.count", shown.connection_count),
        Property("Metrics", shown.metrics),
        Property("Links", shown.links),
        Property("@Redfish.OperationApplyTimeSupport", lambda facts, request: request.apply_times),
    ),
)

SERVED = (VOLUME,)
