"""Copies: how a volume says what it was made from, and how one is made (schemas StorageReplicaInfo and Volume)."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.errors import NotOffered
from .bodies import Body, at, link, links, mappings, text, texts
from .client import Client

ACTION = "#Volume.CreateReplicaTarget"
SNAPSHOT, CLONE = "Snapshot", "Clone"
_MODES = ("Synchronous", "Adaptive", "Asynchronous", "Active")
"""Which mode of update to ask for where there is a choice: a copy of one moment gets no updates."""


def is_snapshot(body: Body) -> bool:
    """Whether a Volume is a snapshot of another. What is replicated elsewhere itself is none."""
    return text(body, "ReplicaInfo", "ReplicaType") == SNAPSHOT and text(body, "ReplicaInfo", "ReplicaRole") != "Source"


def source_of(body: Body) -> str | None:
    """The path of what it is a copy of."""
    return link(body, "ReplicaInfo", "SourceReplica") or link(body, "ReplicaInfo", "Replica")


def copies(body: Body) -> Sequence[str] | None:
    """The kinds of copies that can be made of it; None where it does not say, nothing where it has no such action."""
    action = at(body, "Actions", ACTION)
    if action is None:
        return ()
    said = texts(action, "ReplicaType@Redfish.AllowableValues")
    return said or None


def offers_copies(body: Body, wanted: str) -> bool:
    kinds = copies(body)
    return kinds is None or wanted in kinds


def providing_pools(body: Body) -> list[str]:
    """The paths of the pools that a volume's capacity comes from."""
    one = link(body, "Links", "ProvidingStoragePool")
    found = [] if one is None else [one]
    for source in mappings(body, "CapacitySources"):
        # A list of links, or a collection that stands here with its members.
        found += links(source, "ProvidingPools") or links(source, "ProvidingPools", "Members")
    return list(dict.fromkeys(found))


def copied(client: Client, body: Body, wanted: str, name: str) -> tuple[str, Body]:
    """Where to ask for a copy of a volume, and with which parameters; raises `NotOffered` where it cannot be made."""
    target = link(body, "Actions", ACTION, "target")
    if target is None or not offers_copies(body, wanted):
        raise NotOffered(f"The system {client.system} makes no {wanted.lower()} of this volume.")
    action = at(body, "Actions", ACTION)
    modes = texts(action, "ReplicaUpdateMode@Redfish.AllowableValues")
    pools = texts(action, "TargetStoragePool@Redfish.AllowableValues") or providing_pools(body)
    parameters = {
        "ReplicaType": wanted,
        "ReplicaUpdateMode": next((mode for mode in _MODES if not modes or mode in modes), _MODES[0]),
        "VolumeName": name,
    }
    # The standard wants a pool; where the service names none, it knows where the copy goes.
    return target, {**parameters, "TargetStoragePool": pools[0]} if pools else parameters
