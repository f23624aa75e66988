"""The adapter of foreign Swordfish services, held to the same promises as far as a Swordfish service can keep them.

The service is a real one: that of another Isthmus. What Swordfish has no words for is not offered; each promise that
this leaves out stands below, with what is there in its place.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from isthmus.adapters.contract import AdapterSetup
from isthmus.core.context import Context
from isthmus.core.errors import Conflict, Forbidden, InUse, NoPlacement, NotFound, NotOffered, Stale
from isthmus.core.model.attachment import AccessMode
from isthmus.core.model.page import Query
from isthmus.core.model.request import AttachmentRequest, Changes, HostRequest, SnapshotRequest, VolumeRequest
from isthmus.core.model.volume import VolumeState
from isthmus.plugins.swordfish.adapter import SwordfishSystem
from tests.contract.adapters.storage import MIB, Bench, StorageSuite, done
from tests.environment.engine import SHARED_PROFILE
from tests.environment.redfish import ADMINISTRATOR, PASSWORD, RedfishService, redfish_service

MEMORY = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}


def context(tenant: str) -> Context:
    """Somebody of an installation that has the service as a system."""
    return Context(tenant, str(uuid.uuid4()), frozenset({"member"}))


def system(service: RedfishService, **settings: Any) -> SwordfishSystem:
    assert service.server.ca is not None
    return SwordfishSystem(
        AdapterSetup(
            str(uuid.uuid4()),
            "array",
            service.server.address,
            {"user": ADMINISTRATOR, "ca": service.server.ca.read_text(), **settings},
            {"password": PASSWORD, "chap_key": "a key of sixteen or more"},
        )
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    with redfish_service(tmp_path_factory.mktemp("far")) as made:
        pools = [{"name": f"pool{number}", "total": 1 << 40} for number in range(2)]
        made.make("/v1/backends", {"name": "array", "driver": "memory", "settings": {"pools": pools}})
        made.make("/v1/profiles", {"name": "memory", "properties": MEMORY})
        made.make("/v1/profiles", {"name": "shared", "properties": SHARED_PROFILE})
        made.make("/v1/tenants", {"name": "other"})
        # Then there are fabrics for iSCSI and NBD beside that of the memory array.
        names = [{"protocol": "iscsi", "name": "iqn.2004-10.com.example:seed"}, {"protocol": "nbd", "name": "seed"}]
        made.make("/v1/hosts", {"name": "seed", "initiators": names, "installation": True})
        yield made


@pytest.fixture(scope="module")
def module_bench(service: RedfishService) -> Iterator[Bench]:
    with_tenants = system(service, services={"ours": "default", "theirs": "other"})
    member = context("ours")
    yield Bench(with_tenants, member, member, context("theirs"), "memory", "shared", "memory")
    with_tenants.close()


class TestSwordfishAdapter(StorageSuite):
    @pytest.fixture
    def bench(self, module_bench: Bench) -> Bench:
        return module_bench

    def test_a_volume_is_accepted_made_and_read_back(self, bench: Bench) -> None:
        """A volume has no description and no metadata in Swordfish."""
        storage = bench.storage
        accepted = storage.volumes.create(VolumeRequest("data", size=MIB, profile=bench.profile))
        assert accepted.kind == "volume.create"
        volume = storage.volumes.get(str(done(storage, accepted)["volume"]))
        assert (volume.name, volume.size, volume.state) == ("data", MIB, VolumeState.AVAILABLE)
        assert storage.profiles.get(volume.profile).name == bench.profile
        assert volume.identifier and volume.pool and volume.operation is None
        for more in (
            {"description": "for tests"},
            {"metadata": {"a": "b"}},
            {"zone": "z"},
            {"pool": "p"},
            {"near": (volume.id,)},
        ):
            wanted: Any = VolumeRequest("data", size=MIB, profile=bench.profile, **more)
            with pytest.raises(NotOffered):
                storage.volumes.create(wanted)

    def test_the_explanation_is_kept_with_the_operation_and_found_by_request(self, bench: Bench) -> None:
        """A service does not explain itself."""
        with pytest.raises(NotOffered):
            bench.storage.operations.explain(bench.member.request_id)

    def test_a_volume_says_when_its_snapshots_are_taken(self, bench: Bench) -> None:
        """The class of service says it."""
        assert "volumes.protection" not in bench.storage.describe().offers
        with pytest.raises(NotOffered):
            bench.storage.volumes.update(self.volume(bench), Changes(protection={"schedule": {"occurrence": "Daily"}}))

    def test_a_volume_lies_in_the_pool_that_was_chosen(self, bench: Bench) -> None:
        """Where a volume lies the service decides."""
        pool = bench.storage.pools.list().items[0].id
        with pytest.raises(NotOffered):
            bench.storage.volumes.create(VolumeRequest("here", size=MIB, profile=bench.profile, pool=pool))

    def test_a_copy_lies_in_the_pool_of_its_source(self, bench: Bench) -> None:
        """And no pool is named for it."""
        source = bench.storage.volumes.get(self.volume(bench))
        with pytest.raises(NotOffered):
            bench.storage.volumes.create(VolumeRequest("copy", source_volume=source.id, pool=source.pool))

    def test_what_finds_no_room_says_which_pools_and_why(self, bench: Bench) -> None:
        """It is said that there is no room; why, only the words of the service tell."""
        with pytest.raises(NoPlacement) as refusal:
            bench.storage.volumes.create(VolumeRequest("huge", size=1 << 59, profile=bench.profile))
        assert refusal.value.next_step

    def test_a_dry_run_answers_with_the_plan_and_changes_nothing(self, bench: Bench) -> None:
        """A service tells no plans."""
        storage = bench.storage
        volume, host = self.volume(bench), self.host(bench)
        snapshot = str(done(storage, storage.snapshots.create(SnapshotRequest(volume, "s")))["snapshot"])
        before = (storage.volumes.list().items, storage.snapshots.list().items)
        wanted = VolumeRequest("plan", size=MIB, profile=bench.profile)
        asked: list[Callable[[], Any]] = [
            lambda: storage.volumes.create(wanted, dry_run=True),
            lambda: storage.volumes.extend(volume, 2 * MIB, dry_run=True),
            lambda: storage.volumes.delete(volume, dry_run=True),
            lambda: storage.snapshots.create(SnapshotRequest(volume, "t"), dry_run=True),
            lambda: storage.snapshots.delete(snapshot, dry_run=True),
            lambda: storage.attachments.create(AttachmentRequest(volume, host), dry_run=True),
        ]
        for ask in asked:
            with pytest.raises(NotOffered):
                ask()
        assert (storage.volumes.list().items, storage.snapshots.list().items) == before

    def test_a_change_for_an_old_version_is_refused(self, bench: Bench) -> None:
        """Versions are drawn from entity tags: they differ and do not count."""
        storage = bench.storage
        volume = storage.volumes.get(self.volume(bench))
        renamed = storage.volumes.update(volume.id, Changes(name="renamed"), if_version=volume.version)
        assert renamed.name == "renamed" and renamed.version != volume.version
        with pytest.raises(Stale):
            storage.volumes.update(volume.id, Changes(name="late"), if_version=volume.version)
        with pytest.raises(Stale):
            storage.volumes.delete(volume.id, if_version=volume.version)
        assert storage.volumes.get(volume.id) == renamed
        assert next(one for one in storage.volumes.list().items if one.id == volume.id).version == renamed.version

    def test_snapshot_extend_revert_and_clone(self, bench: Bench) -> None:
        """There is no way back to a snapshot, and snapshots do not go with their volume."""
        storage = bench.storage
        volume = self.volume(bench)
        snapshot = str(done(storage, storage.snapshots.create(SnapshotRequest(volume, "before")))["snapshot"])
        found = storage.snapshots.get(snapshot)
        assert (found.name, found.size, found.volume) == ("before", MIB, volume)
        with pytest.raises(NotFound):
            storage.volumes.get(snapshot)
        with pytest.raises(NotFound):
            storage.snapshots.get(volume)
        done(storage, storage.volumes.extend(volume, 2 * MIB))
        assert storage.volumes.get(volume).size == 2 * MIB
        copy = self.volume(bench, "copy", size=0, source_snapshot=snapshot)
        clone = self.volume(bench, "clone", size=0, source_volume=volume)
        assert storage.volumes.get(copy).source_snapshot == snapshot
        assert storage.volumes.get(clone).source_volume == volume
        assert (storage.volumes.get(copy).size, storage.volumes.get(clone).size) == (MIB, 2 * MIB)
        with pytest.raises(NotOffered):
            storage.volumes.revert(volume, snapshot)
        with pytest.raises(InUse):
            storage.volumes.delete(volume)
        with pytest.raises(NotOffered):
            storage.volumes.delete(volume, with_snapshots=True)
        done(storage, storage.snapshots.delete(snapshot))
        done(storage, storage.volumes.delete(volume))
        for gone in (lambda: storage.snapshots.get(snapshot), lambda: storage.volumes.get(volume)):
            with pytest.raises(NotFound):
                gone()

    def test_attach_and_detach(self, bench: Bench) -> None:
        """How a volume is reached Swordfish says for iSCSI only; see the integration tests."""
        storage = bench.storage
        volume, host = self.volume(bench), self.host(bench)
        made = done(storage, storage.attachments.create(AttachmentRequest(volume, host, AccessMode.READ_ONLY)))
        attachment = storage.attachments.list(Query(filters={"volume": volume})).items[0]
        assert made == {"attachment": attachment.id}
        assert (attachment.host, attachment.mode, attachment.protocol) == (host, AccessMode.READ_ONLY, bench.protocol)
        assert storage.attachments.get(attachment.id) == attachment
        with pytest.raises(NotOffered):
            storage.attachments.connection(attachment.id)
        with pytest.raises(InUse):
            storage.volumes.delete(volume)
        with pytest.raises(InUse):
            storage.hosts.delete(host)
        with pytest.raises(InUse):
            storage.attachments.create(AttachmentRequest(volume, self.host(bench, "web2")))
        done(storage, storage.attachments.delete(attachment.id))
        with pytest.raises(NotFound):
            storage.attachments.get(attachment.id)
        storage.hosts.delete(host)
        done(storage, storage.volumes.delete(volume))

    def test_a_chosen_credential_is_what_the_host_proves_itself_with(self, bench: Bench) -> None:
        """Of a credential that somebody chose the secret is not given back; see the integration tests."""
        pytest.skip("the volume is reached by a protocol without CHAP")

    def test_several_hosts_share_a_volume_whose_profile_allows_it(self, bench: Bench) -> None:
        """That a volume may be shared is not said of it."""
        storage = bench.storage
        volume = self.volume(bench, profile=bench.shared)
        hosts = [self.host(bench, name) for name in ("a", "b")]
        for host in hosts:
            done(storage, storage.attachments.create(AttachmentRequest(volume, host)))
        found = storage.attachments.list(Query(filters={"volume": volume})).items
        assert {attachment.host for attachment in found} == set(hosts)

    def test_a_host_is_found_by_the_name_and_the_protocol_of_an_initiator(self, bench: Bench) -> None:
        """Whose a host is is not said, so all who use the system find it."""
        storage = bench.storage
        host = storage.hosts.get(self.host(bench))
        name = host.initiators[0].name
        assert [found.id for found in storage.hosts.list(Query(filters={"initiator": name})).items] == [host.id]
        assert not storage.hosts.list(Query(filters={"initiator": f"{name}0"})).items
        here = {"initiator": name, "protocol": "iscsi"}
        assert storage.hosts.list(Query(filters=here, limit=1, with_total=True)).total == 1
        assert not storage.hosts.list(Query(filters={**here, "protocol": "nbd"})).items

    def test_a_host_takes_nothing_of_another_tenant(self, bench: Bench) -> None:
        """Whose a host is is not said."""
        host = bench.storage.hosts.get(self.host(bench))
        with pytest.raises(Conflict):
            bench.adapter.storage(bench.stranger).hosts.create(HostRequest("thief", host.initiators))
        assert bench.storage.hosts.get(host.id) == host

    def test_events_come_in_order_and_none_is_missing(self, bench: Bench) -> None:
        """A stream cannot be asked for what is newest, nor for what was."""
        with pytest.raises(NotOffered):
            bench.storage.events.newest()
        with pytest.raises(NotOffered):
            bench.storage.events.after(0)

    def test_a_stream_gives_what_happens_from_a_number_on(self, bench: Bench) -> None:
        """From now on, and nothing of another tenant's."""
        storage = bench.storage
        feeds = [
            each.events.stream(render=lambda event: f"{event.kind} {event.resource}\n".encode())
            for each in (storage, bench.adapter.storage(bench.stranger))
        ]
        try:
            volume = self.volume(bench)
            assert next(chunk for chunk in feeds[0] if volume.encode() in chunk).startswith(b"volume.created")
            assert next(iter(feeds[1])) == b":\n\n"
        finally:
            for feed in feeds:
                feed.close()

    def test_another_tenants_things_are_not_there(self, bench: Bench) -> None:
        volume, host = self.volume(bench), self.host(bench)
        made = done(bench.storage, bench.storage.attachments.create(AttachmentRequest(volume, host)))
        attachment = str(made["attachment"])
        operation = bench.storage.volumes.extend(volume, 2 * MIB)
        other = bench.adapter.storage(bench.stranger)
        asked: list[Callable[[], Any]] = [
            lambda: other.volumes.get(volume),
            lambda: other.volumes.delete(volume),
            lambda: other.volumes.update(volume, Changes(name="mine")),
            lambda: other.snapshots.create(SnapshotRequest(volume, "mine")),
            lambda: other.attachments.create(AttachmentRequest(volume, host)),
            lambda: other.attachments.get(attachment),
            lambda: other.attachments.delete(attachment),
            lambda: other.operations.get(operation.id),
            lambda: other.volumes.create(VolumeRequest("copy", profile=bench.profile, source_volume=volume)),
        ]
        for ask in asked:
            with pytest.raises(NotFound):
                ask()
        assert volume not in {each.id for each in other.volumes.list().items}
        assert not other.attachments.list().items
        with pytest.raises(Forbidden):
            bench.adapter.storage(context("nobody's")).volumes.list()

    def test_usage_follows_and_limits_hold(self, bench: Bench) -> None:
        """Limits are not shown; that one is reached is said (see the integration tests)."""
        with pytest.raises(NotOffered):
            bench.storage.limits.list()

    def test_a_volume_is_measured_and_what_its_hosts_do_shows(self, bench: Bench) -> None:
        """No host of this bench writes."""
        storage = bench.storage
        volume = self.volume(bench)
        assert "metrics.volume" in storage.describe().offers
        found = storage.metrics.volume(volume)
        assert (found.resource_type, found.resource) == ("volume", volume)

    def test_a_pool_is_measured(self, bench: Bench) -> None:
        """What was promised of a pool is not said."""
        storage = bench.storage
        assert "metrics.pool" in storage.describe().offers
        pool = str(storage.volumes.get(self.volume(bench, size=3 * MIB)).pool)
        found, shown = storage.metrics.pool(pool), storage.pools.get(pool)
        assert (found.resource_type, found.resource) == ("pool", pool)
        assert found.total_bytes == shown.total == 1 << 40
        assert found.used_bytes is not None and 0 <= found.used_bytes <= shown.total
