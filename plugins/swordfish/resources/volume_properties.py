"""What a volume shows of itself (schema Volume); nothing that is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.model.operation import Operation
from ....core.model.volume import VolumeState
from .. import uris
from ..fabric_ends import initiator_id, is_published, target_id
from ..protocol.acceptance import failure_of
from ..protocol.links import counted
from ..protocol.request import Request
from ..uris import link
from .volume_facts import Facts

STATUS: Mapping[str, tuple[str, str]] = {
    VolumeState.CREATING.value: ("Starting", "OK"),
    VolumeState.AVAILABLE.value: ("Enabled", "OK"),
    VolumeState.EXTENDING.value: ("Updating", "OK"),
    VolumeState.REVERTING.value: ("Updating", "OK"),
    VolumeState.RETYPING.value: ("Updating", "OK"),
    VolumeState.MIGRATING.value: ("Updating", "OK"),
    VolumeState.DELETING.value: ("UnavailableOffline", "OK"),
    # Hosts may go on using it, but it takes no change other than its end.
    VolumeState.ERROR.value: ("Quiesced", "Critical"),
}
"""State and health by the core's state. A snapshot's states are among a volume's."""

OPERATIONS: Mapping[str, str] = {
    "volume.extend": "Resize",
    "volume.delete": "Delete",
    "snapshot.create": "Replicate",
    "snapshot.delete": "Delete",
}
"""What the schema calls the operations that it has a word for; making a volume is none unless it is a copy."""

_NAA_DIGITS = 32


def status(facts: Facts, request: Request) -> dict[str, Any]:
    state, health = STATUS[facts.noun.state.value]
    shown: dict[str, Any] = {"State": state, "Health": health}
    if facts.operation is not None and facts.operation.error is not None and not facts.operation.state.live:
        shown["Conditions"] = [_condition(facts, facts.operation)]
    return shown


def _condition(facts: Facts, operation: Operation) -> dict[str, Any]:
    """Why it is in error: what its operation met, and what to do about it (schema Resource, Condition)."""
    first = failure_of(operation, uris.volume(facts.tenant, facts.id)).messages[0]
    return {
        **{name: first[name] for name in ("MessageId", "Message", "MessageArgs", "Resolution") if name in first},
        "Severity": "Critical",
        "Timestamp": operation.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "OriginOfCondition": link(uris.task(operation.id)),
    }


def capacity(facts: Facts, request: Request) -> dict[str, Any]:
    """What is promised. What it occupies has to be measured, and stands in its metrics."""
    size, thin = facts.noun.size, facts.thin
    data = {"ProvisionedBytes": size}
    if thin is None or facts.volume is None:
        return {"Data": data}
    return {"Data": data if thin else {"AllocatedBytes": size, **data}, "IsThinProvisioned": thin}


def provisioning_policy(facts: Facts, request: Request) -> str | None:
    thin = facts.thin
    return None if thin is None or facts.volume is None else "Thin" if thin else "Fixed"


def access_capabilities(facts: Facts, request: Request) -> list[str] | None:
    """A snapshot is not given to hosts at all."""
    return None if facts.volume is None else ["Read", "Write"]


def identifiers(facts: Facts, request: Request) -> list[dict[str, str]]:
    found = [{"DurableNameFormat": "UUID", "DurableName": facts.id}]
    wire = None if facts.volume is None else facts.volume.identifier
    if wire is not None and wire.startswith("naa.") and len(wire) == len("naa.") + _NAA_DIGITS:
        found.insert(0, {"DurableNameFormat": "NAA", "DurableName": wire.removeprefix("naa.").upper()})
    return found


def operations(facts: Facts, request: Request) -> list[dict[str, Any]] | None:
    """The one that changes it now, while it goes on."""
    operation = facts.operation
    if operation is None or not operation.state.live:
        return None
    copy = operation.kind == "volume.create" and facts.source is not None
    name = "Replicate" if copy else OPERATIONS.get(operation.kind)
    if name is None:
        return None
    return [{"Operation": name, "PercentageComplete": round(operation.progress * 100)}]


def connections(facts: Facts, request: Request) -> list[dict[str, str]] | None:
    if facts.volume is None:
        return None
    return [link(uris.connection(one.protocol, one.id)) for one in facts.related.attachments]


def connection_count(facts: Facts, request: Request) -> int | None:
    return None if facts.volume is None else len(facts.related.attachments)


def metrics(facts: Facts, request: Request) -> dict[str, str] | None:
    """There is nothing to measure of a snapshot, nor of what is not made yet."""
    if facts.volume is None or facts.volume.state is VolumeState.CREATING:
        return None
    return link(uris.volume_metrics(facts.tenant, facts.id))


def links(facts: Facts, request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {"OwningStorageService": link(uris.storage_service(facts.tenant))}
    if facts.volume is not None:
        found["ClassOfService"] = link(uris.class_of_service(facts.tenant, facts.volume.profile))
    if facts.pool is not None:
        found["OwningStorageResource"] = link(uris.storage(facts.pool.backend))
        found["ProvidingStoragePool"] = link(uris.storage_pool(facts.pool.backend, facts.pool.id))
    if facts.related.attachments:
        found |= counted("ClientEndpoints", _clients(facts)) | counted("ServerEndpoints", _servers(facts))
    return found


def _clients(facts: Facts) -> list[str]:
    """The names of its hosts, by the protocols by which it is attached to them."""
    used = {(one.host, one.protocol) for one in facts.related.attachments}
    return [
        uris.endpoint(name.protocol, initiator_id(name.name))
        for host in facts.hosts
        for name in host.initiators
        if (host.id, name.protocol) in used
    ]


def _servers(facts: Facts) -> list[str]:
    """The targets where it is reached; several hosts may share one."""
    published = (one for one in facts.related.attachments if is_published(one))
    return list(dict.fromkeys(uris.endpoint(one.protocol, target_id(one)) for one in published))
