"""The actions of a volume: those of replication that the engine has, and all others by name.

Copies here are of one moment: a snapshot, or a clone. Nothing is kept in step afterwards, so there is nothing to
suspend, resume, split or reverse. A relationship ends with its target: neither a snapshot nor a clone forgets what it
was made from while it exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.model.request import SnapshotRequest, VolumeRequest
from .. import uris
from ..maintenance.asking import asked
from ..maintenance.change import create_snapshot, create_volume, delete_snapshot, delete_volume
from ..protocol.refusal import Refusal, refuse
from ..protocol.request import Request
from ..protocol.resource import Action, Body, Outcome
from .volume_facts import Facts, find

CREATE = "Volume.CreateReplicaTarget"
REMOVE = "Volume.RemoveReplicaRelationship"

NOT_OFFERED = (
    "Volume.AssignReplicaTarget",
    "Volume.SplitReplication",
    "Volume.SuspendReplication",
    "Volume.ResumeReplication",
    "Volume.ReverseReplicationRelationship",
    "Volume.Initialize",
    "Volume.CheckConsistency",
    "Volume.ForceEnable",
    "Volume.ChangeRAIDLayout",
)

_MODES = ("Synchronous", "Asynchronous", "Adaptive")
"""A copy of one moment gets no updates, so how they come makes no difference; but it cannot be `Active`, which
demands that updates go both ways."""
_LONGEST_NAME = 255


def _types(facts: Facts) -> Sequence[str]:
    """The kinds of copies that its back end can make of it."""
    able = () if facts.pool is None else facts.pool.abilities
    snapshot = facts.volume is not None and "snapshot" in able
    return [*(["Snapshot"] if snapshot else []), *(["Clone"] if "clone" in able else [])]


def _allowable(facts: Facts, request: Request) -> Mapping[str, Sequence[str]]:
    pools = [] if facts.pool is None else [uris.storage_pool(facts.pool.backend, facts.pool.id)]
    return {"ReplicaType": _types(facts), "ReplicaUpdateMode": _MODES, "TargetStoragePool": pools}


def _demand_no_tag(request: Request) -> None:
    """Refuse an entity tag that matches: what makes or removes another volume does not wait for the version of this
    one, so several that came at once would all pass."""
    if request.header("If-Match") not in (None, "*"):
        advice = "Copies are made whatever the volume's entity tag. To have it done once, send an Idempotency-Key."
        raise refuse(400, "HeaderInvalid", "If-Match", resolution=advice)


def _create(request: Request, facts: Facts, values: Mapping[str, Any]) -> Outcome:
    _demand_no_tag(request)
    kind, allowable = values["ReplicaType"], _allowable(facts, request)
    for name in ("ReplicaType", "TargetStoragePool"):
        if values[name].rstrip("/") not in allowable[name]:
            advice = f"It can be {' or '.join(allowable[name])}: a copy lies where its source lies."
            raise refuse(400, "ActionParameterValueNotInList", values[name][:100], name, CREATE, resolution=advice)
    name = values.get("VolumeName") or f"{kind} of {facts.noun.name}"[:_LONGEST_NAME].strip()
    if kind == "Snapshot":
        return asked(request, create_snapshot(SnapshotRequest(facts.id, name)))
    if facts.snapshot is not None:
        return asked(request, create_volume(VolumeRequest(name, source_snapshot=facts.id)))
    return asked(request, create_volume(VolumeRequest(name, source_volume=facts.id)))


def _remove(request: Request, facts: Facts, values: Mapping[str, Any]) -> Outcome:
    _demand_no_tag(request)
    given = values["TargetVolume"]
    stem, _, target = given.rstrip("/").rpartition("/")
    found = find(request.tenant_storage, target) if stem == uris.volumes(facts.tenant) else None
    if found is None or target not in facts.targets:
        raise _wrong("TargetVolume", "Name one of the volume's ReplicaTargets.")
    if values.get("DeleteTargetVolume") is not True:
        raise _wrong("DeleteTargetVolume", "The relationship ends with its target only: send true to delete that.")
    if target in facts.related.snapshots:
        return asked(request, delete_snapshot(target))
    return asked(request, delete_volume(target))


def _wrong(name: str, advice: str) -> Refusal:
    return refuse(400, "ActionParameterValueError", name, REMOVE, resolution=advice)


def _never(request: Request, facts: Facts, values: Mapping[str, Any]) -> Outcome:
    raise AssertionError("an action that is not offered is refused before it is run")


ACTIONS = (
    Action(
        CREATE,
        Body(
            {
                "ReplicaType": {"type": "string", "enum": ["Snapshot", "Clone"]},
                "ReplicaUpdateMode": {"type": "string", "enum": list(_MODES)},
                "TargetStoragePool": {"type": "string"},
                "VolumeName": {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
            },
            required=("ReplicaType", "ReplicaUpdateMode", "TargetStoragePool"),
            core={"name": "/VolumeName"},
            later=True,
        ),
        _create,
        offered=lambda facts, request: bool(_types(facts)),
        allowable=_allowable,
    ),
    Action(
        REMOVE,
        Body(
            {"TargetVolume": {"type": "string"}, "DeleteTargetVolume": {"type": "boolean"}},
            required=("TargetVolume",),
            later=True,
        ),
        _remove,
        offered=lambda facts, request: bool(facts.targets),
    ),
    *(Action(name, Body({}), _never, offered=lambda facts, request: False) for name in NOT_OFFERED),
)
