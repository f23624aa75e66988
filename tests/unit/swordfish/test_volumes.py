"""What volumes and snapshots show: every state has its words, and nothing is said that is not known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from isthmus.core.errors import NeedsAttention, NotFound
from isthmus.core.model.identity import new_id, now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Page, Query
from isthmus.core.model.profile import Profile
from isthmus.core.model.snapshot import Snapshot, SnapshotState
from isthmus.core.model.volume import Volume, VolumeState
from isthmus.plugins.swordfish.protocol.refusal import Refusal
from isthmus.plugins.swordfish.protocol.request import Request
from isthmus.plugins.swordfish.resources import replica_info, volume_facts, volume_properties
from isthmus.plugins.swordfish.resources.volume import wanted_size
from isthmus.plugins.swordfish.resources.volume_collection import VOLUMES
from isthmus.plugins.swordfish.resources.volume_facts import Facts, Related
from tests.environment.nouns import make_pool, make_volume

NOBODY = cast(Request, None)
HEALTH = {"OK", "Warning", "Critical"}


def make_snapshot(**said: Any) -> Snapshot:
    values: dict[str, Any] = {
        "id": new_id(),
        "tenant": "acme",
        "volume": "v",
        "name": "s",
        "size": 1 << 30,
        "state": SnapshotState.AVAILABLE,
        "created_at": now(),
        "updated_at": now(),
    }
    return Snapshot(**values | said)


def make_operation(kind: str, state: OperationState = OperationState.RUNNING, **said: Any) -> Operation:
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "resource_type": kind.partition(".")[0],
        "resource": new_id(),
        "tenant": "acme",
        "user": "somebody",
        "request_id": "req-1",
        "state": state,
        "created_at": now(),
        "updated_at": now(),
    }
    return Operation(**values | said)


def _facts(noun: Volume | Snapshot, **said: Any) -> Facts:
    return Facts(noun, said.pop("related", Related()), **said)


def _profile(**said: Any) -> Profile:
    values: dict[str, Any] = {
        "id": "gold",
        "name": "gold",
        "storage_type": "block",
        "created_at": now() - timedelta(days=1),
        "updated_at": now() - timedelta(days=1),
    }
    return Profile(**values | said)


@pytest.mark.parametrize("state", list(VolumeState))
def test_every_state_of_a_volume_has_a_status(state: VolumeState) -> None:
    shown = volume_properties.status(_facts(make_volume(state=state)), NOBODY)
    assert shown["Health"] in HEALTH
    assert (shown["State"] == "Enabled") == (state is VolumeState.AVAILABLE)
    assert (shown["Health"] == "Critical") == (state is VolumeState.ERROR)


def test_a_volume_in_error_says_what_its_operation_met() -> None:
    met = NeedsAttention("It hangs.", next_step="Retry or abandon it.").to_json()
    operation = make_operation("volume.extend", OperationState.NEEDS_ATTENTION, error=met)
    facts = _facts(make_volume(state=VolumeState.ERROR), operation=operation)
    (condition,) = volume_properties.status(facts, NOBODY)["Conditions"]
    assert "It hangs." in condition["Resolution"]
    assert condition["Severity"] == "Critical"
    assert condition["OriginOfCondition"]["@odata.id"].endswith(operation.id)
    assert "Conditions" not in volume_properties.status(replace(facts, operation=None), NOBODY)


@pytest.mark.parametrize("state", list(SnapshotState))
def test_every_state_of_a_snapshot_has_a_status_and_a_state_as_replica(state: SnapshotState) -> None:
    facts = _facts(make_snapshot(state=state), source=make_volume(id="v"))
    assert (volume_properties.status(facts, NOBODY)["State"] == "Enabled") == (state is SnapshotState.AVAILABLE)
    info = replica_info.replica_info(facts, NOBODY)
    assert info is not None
    assert info["ReplicaType"] == "Snapshot"
    assert (info["ReplicaState"] == "Broken") == (state is SnapshotState.ERROR)


@pytest.mark.parametrize(
    ("state", "shown"),
    [(VolumeState.CREATING, "Unsynchronized"), (VolumeState.AVAILABLE, None), (VolumeState.EXTENDING, None)],
)
def test_a_clone_that_hosts_may_have_written_to_is_not_called_synchronized(
    state: VolumeState, shown: str | None
) -> None:
    info = replica_info.replica_info(_facts(make_volume(state=state), source=make_volume()), NOBODY)
    assert info is not None
    assert info.get("ReplicaState") == shown
    assert info["ReplicaType"] == "Clone"


def test_what_has_no_source_any_more_is_no_replica() -> None:
    assert replica_info.replica_info(_facts(make_volume(source_volume="gone")), NOBODY) is None


@pytest.mark.parametrize("policy", ["Thin", "Fixed"])
def test_a_profile_says_how_a_volume_is_provisioned_until_it_is_changed(policy: str) -> None:
    asked = {"provisioningProperties": {"dataStorage": {"provisioningPolicy": policy}}}
    facts = _facts(make_volume(), pool=make_pool(), profile=_profile(properties=asked))
    assert volume_properties.provisioning_policy(facts, NOBODY) == policy
    data = volume_properties.capacity(facts, NOBODY)["Data"]
    assert ("AllocatedBytes" in data) == (policy == "Fixed")
    changed = replace(facts, profile=_profile(properties=asked, updated_at=now() + timedelta(seconds=1)))
    assert volume_properties.provisioning_policy(changed, NOBODY) is None
    assert "IsThinProvisioned" not in volume_properties.capacity(changed, NOBODY)


@pytest.mark.parametrize(("thin", "thick", "policy"), [(True, False, "Thin"), (False, True, "Fixed")])
def test_a_pool_that_can_do_one_way_only_says_it_for_certain(thin: bool, thick: bool, policy: str) -> None:
    facts = _facts(make_volume(), pool=make_pool(thin=thin, thick=thick))
    assert volume_properties.provisioning_policy(facts, NOBODY) == policy


def test_a_snapshot_is_provisioned_in_no_way_and_given_to_nobody() -> None:
    facts = _facts(make_snapshot(), pool=make_pool(thin=True, thick=False))
    assert volume_properties.provisioning_policy(facts, NOBODY) is None
    assert volume_properties.access_capabilities(facts, NOBODY) is None
    assert volume_properties.connections(facts, NOBODY) is None
    assert "ClassOfService" not in volume_properties.links(facts, NOBODY)


@pytest.mark.parametrize(
    ("identifier", "formats"),
    [
        ("naa.6" + "a" * 31, ["NAA", "UUID"]),
        ("naa.6" + "a" * 15, ["UUID"]),
        ("eui.0123456789abcdef", ["UUID"]),
        (None, ["UUID"]),
    ],
)
def test_only_identifiers_of_a_known_format_are_shown(identifier: str | None, formats: list[str]) -> None:
    shown = volume_properties.identifiers(_facts(make_volume(identifier=identifier)), NOBODY)
    assert [one["DurableNameFormat"] for one in shown] == formats


@pytest.mark.parametrize(
    ("kind", "copy", "name"),
    [
        ("volume.extend", False, "Resize"),
        ("volume.delete", False, "Delete"),
        ("snapshot.create", False, "Replicate"),
        ("snapshot.delete", False, "Delete"),
        ("volume.create", True, "Replicate"),
        ("volume.create", False, None),
        ("volume.revert", False, None),
    ],
)
def test_an_operation_is_shown_by_the_word_that_the_schema_has(kind: str, copy: bool, name: str | None) -> None:
    source = make_volume() if copy else None
    live = _facts(make_volume(), operation=make_operation(kind, progress=0.374), source=source)
    shown = volume_properties.operations(live, NOBODY)
    assert shown == (None if name is None else [{"Operation": name, "PercentageComplete": 37}])
    for state in OperationState:
        if not state.live:
            over = replace(live, operation=make_operation(kind, state))
            assert volume_properties.operations(over, NOBODY) is None


@pytest.mark.parametrize(
    ("body", "size", "pointer"),
    [
        ({}, None, None),
        ({"Capacity": {}}, None, None),
        ({"Capacity": {"Data": {}}}, None, None),
        ({"CapacityBytes": 5}, 5, "/CapacityBytes"),
        ({"Capacity": {"Data": {"AllocatedBytes": 5}}}, 5, "/Capacity/Data/AllocatedBytes"),
        ({"Capacity": {"Data": {"ProvisionedBytes": 5}}}, 5, "/Capacity/Data/ProvisionedBytes"),
        ({"CapacityBytes": 5, "Capacity": {"Data": {"AllocatedBytes": 5}}}, 5, "/CapacityBytes"),
    ],
)
def test_a_size_can_be_said_in_several_places(body: dict[str, Any], size: int | None, pointer: str | None) -> None:
    assert wanted_size(body) == (None if size is None else (size, pointer))


def test_two_sizes_at_once_are_refused() -> None:
    with pytest.raises(Refusal) as refused:
        wanted_size({"CapacityBytes": 5, "Capacity": {"Data": {"AllocatedBytes": 6}}})
    assert refused.value.status == 400
    assert "/CapacityBytes" in refused.value.messages[0]["RelatedProperties"]


class Shelf:
    """A list of the core's, with cursors that only it gives. `asked` counts how often it was listed."""

    def __init__(self, things: list[Any]) -> None:
        self.things = things
        self.asked = 0

    def list(self, query: Query) -> Page[Any]:
        self.asked += 1
        assert 1 <= query.limit <= 1000
        things = [one for one in self.things if all(getattr(one, k, None) == v for k, v in query.filters.items())]
        start = int((query.cursor or "0").removeprefix("after-"))
        found, end = things[start : start + query.limit], start + query.limit
        return Page(found, f"after-{end}" if end < len(things) else None, len(things) if query.with_total else None)

    def get(self, wanted: str) -> Any:
        for one in self.things:
            if one.id == wanted:
                return one
        raise NotFound("not there")


@dataclass
class Storage:
    volumes: Shelf
    snapshots: Shelf
    attachments: Shelf = field(default_factory=lambda: Shelf([]))
    pools: Shelf = field(default_factory=lambda: Shelf([]))
    profiles: Shelf = field(default_factory=lambda: Shelf([]))
    operations: Shelf = field(default_factory=lambda: Shelf([]))


class Asking:
    """As much of a request as listing and loading need."""

    def __init__(self, storage: Storage, **params: str) -> None:
        self.tenant_storage = storage
        self.params = {"tenant": "acme", **params}
        self.context = self
        self.administration = self
        self.tenants = self
        self.id = "acme"

    def acting_for(self, tenant: str) -> None:
        assert tenant == self.id

    def get(self, tenant: str) -> Asking:
        return self


@given(volumes=some.integers(0, 12), snapshots=some.integers(0, 12), limit=some.integers(1, 15))
def test_volumes_and_snapshots_are_one_list_in_pieces_of_any_size(volumes: int, snapshots: int, limit: int) -> None:
    nouns = [make_volume() for _ in range(volumes)], [make_snapshot() for _ in range(snapshots)]
    request = cast(Request, Asking(Storage(Shelf(nouns[0]), Shelf(nouns[1]))))
    found: list[str] = []
    after: str | None = None
    while True:
        window = VOLUMES.list(request, after, limit)
        assert window.total == volumes + snapshots
        found += [str(uri).rpartition("/")[2] for uri in window.members]
        after = window.next
        if after is None:
            break
        assert len(window.members) == limit
    assert found == [noun.id for shelf in nouns for noun in shelf]


def test_what_depends_on_a_volume_is_listed_again_only_when_its_version_rose() -> None:
    volume = make_volume(version=1)
    storage = Storage(Shelf([volume]), Shelf([make_snapshot(volume=volume.id)]))
    request = cast(Request, Asking(storage, volume=volume.id))
    first = volume_facts.load(request)
    assert first.targets == (storage.snapshots.things[0].id,)
    asked = storage.snapshots.asked
    assert volume_facts.load(request).related == first.related
    assert storage.snapshots.asked == asked
    storage.volumes.things[0] = replace(volume, version=2)
    storage.snapshots.things.append(make_snapshot(volume=volume.id))
    assert len(volume_facts.load(request).targets) == 2


@pytest.mark.parametrize("copies", [1, 4, 5, 9])
def test_the_end_of_a_copy_is_seen_although_its_source_keeps_its_version(copies: int) -> None:
    volume = make_volume()
    made = [make_volume(source_volume=volume.id) for _ in range(copies)]
    storage = Storage(Shelf([volume, *made]), Shelf([]))
    request = cast(Request, Asking(storage, volume=volume.id))
    assert volume_facts.load(request).targets == tuple(copy.id for copy in made)
    storage.volumes.things.remove(made[0])
    assert volume_facts.load(request).targets == tuple(copy.id for copy in made[1:])


def test_a_source_in_another_tenant_is_not_named() -> None:
    source = make_volume(tenant="other")
    volume = make_volume(source_volume=source.id)
    storage = Storage(Shelf([volume, source]), Shelf([]))
    assert volume_facts.load(cast(Request, Asking(storage, volume=volume.id))).source is None
    with pytest.raises(NotFound):
        volume_facts.load(cast(Request, Asking(storage, volume=source.id)))
