"""What every adapter promises to platforms. A test module derives from `StorageSuite` and gives a `bench`."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from isthmus.adapters.contract import Adapter, Storage
from isthmus.core.context import Context
from isthmus.core.errors import (
    Conflict,
    Forbidden,
    InUse,
    Invalid,
    KeyReused,
    LimitExceeded,
    NoPlacement,
    NotFound,
    NotOffered,
    Stale,
)
from isthmus.core.model.attachment import AccessMode, Connection
from isthmus.core.model.host import Initiator
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Query
from isthmus.core.model.request import (
    AttachmentRequest,
    Changes,
    ChapCredential,
    HostRequest,
    SnapshotRequest,
    VolumeRequest,
)
from isthmus.core.model.volume import VolumeState

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Bench:
    """An adapter with a back end behind it. `member` and `stranger` are of two tenants, `administrator` of the first.

    `profile` names one whose volumes can be attached by `protocol`, `shared` one for several hosts at a time.
    `write` writes at the start of a volume as its host does, False where the bench has no such host; `sample` has
    everything measured once for the history.
    """

    adapter: Adapter
    administrator: Context
    member: Context
    stranger: Context
    profile: str
    shared: str
    protocol: str
    write: Callable[[Connection, bytes], bool] = lambda connection, data: False
    sample: Callable[[], None] = lambda: None

    @property
    def storage(self) -> Storage:
        return self.adapter.storage(self.member)


def ended(storage: Storage, operation: Operation) -> Operation:
    for _ in range(10):
        operation = storage.operations.wait(operation.id, 5.0)
        if not operation.state.live:
            return operation
    raise AssertionError(f"{operation.kind} is still {operation.state}")


def done(storage: Storage, operation: Operation) -> Mapping[str, Any]:
    operation = ended(storage, operation)
    assert operation.state is OperationState.DONE, operation.error
    return operation.result


def _chap(storage: Storage, wanted: AttachmentRequest) -> None:
    """Skip where the volume is reached by a protocol without CHAP, once that is said."""
    try:
        storage.attachments.create(wanted, dry_run=True)
    except Invalid as refusal:
        assert refusal.details["field"] == "credential"
        pytest.skip("the volume is reached by a protocol without CHAP")


class StorageSuite:
    """The promises of `Storage`."""

    def volume(self, bench: Bench, name: str = "data", **more: Any) -> str:
        wanted = VolumeRequest(name, size=more.pop("size", MIB), profile=more.pop("profile", bench.profile), **more)
        return str(done(bench.storage, bench.storage.volumes.create(wanted))["volume"])

    def host(self, bench: Bench, name: str = "web1") -> str:
        initiator = Initiator("iscsi", f"iqn.2004-10.com.example:{uuid.uuid4()}")
        return bench.storage.hosts.create(HostRequest(name, (initiator,))).id

    def test_a_volume_is_accepted_made_and_read_back(self, bench: Bench) -> None:
        storage = bench.storage
        accepted = storage.volumes.create(
            VolumeRequest("data", size=MIB, profile=bench.profile, description="for tests", metadata={"team": "a"})
        )
        assert accepted.kind == "volume.create"
        volume = storage.volumes.get(str(done(storage, accepted)["volume"]))
        assert (volume.name, volume.size, volume.state) == ("data", MIB, VolumeState.AVAILABLE)
        assert (volume.description, volume.metadata) == ("for tests", {"team": "a"})
        assert volume.identifier and volume.pool and volume.operation is None

    def test_the_explanation_is_kept_with_the_operation_and_found_by_request(self, bench: Bench) -> None:
        storage = bench.storage
        operation = ended(storage, storage.volumes.create(VolumeRequest("data", size=MIB, profile=bench.profile)))
        found = storage.operations.explain(operation.request_id)
        assert operation.id in {each.id for each in found.operations}
        kept = next(each for each in found.operations if each.id == operation.id).explanation
        assert kept is not None and kept["considered"] >= 1 and kept["chosen"]["pool"]

    def test_a_volume_says_when_its_snapshots_are_taken(self, bench: Bench) -> None:
        volumes, volume = bench.storage.volumes, self.volume(bench)
        document = {"schedule": {"occurrence": "Daily"}, "retention": {"number": 7}}
        assert "volumes.protection" in bench.storage.describe().offers
        assert volumes.get(volume).protection == {}
        assert volumes.update(volume, Changes(protection=document)).protection == document
        assert volumes.update(volume, Changes(name="renamed")).protection == document
        with pytest.raises(Invalid):
            volumes.update(volume, Changes(protection={"schedule": {"occurrence": "Yearly"}}))
        assert volumes.update(volume, Changes(protection={})).protection == {}

    def test_a_volume_lies_in_the_pool_that_was_chosen(self, bench: Bench) -> None:
        storage = bench.storage
        first = storage.volumes.get(self.volume(bench)).pool
        pools = [each.id for each in storage.pools.list().items]
        for pool in {*pools[:3], first}:
            wanted = VolumeRequest("here", size=MIB, profile=bench.profile, pool=pool)
            try:
                made = str(done(storage, storage.volumes.create(wanted))["volume"])
            except NoPlacement:
                assert pool != first
            else:
                assert storage.volumes.get(made).pool == pool
        with pytest.raises(NotFound):
            storage.volumes.create(VolumeRequest("there", size=MIB, profile=bench.profile, pool="nowhere"))

    def test_a_copy_lies_in_the_pool_of_its_source(self, bench: Bench) -> None:
        storage = bench.storage
        source = storage.volumes.get(self.volume(bench))
        other = next((each.id for each in storage.pools.list().items if each.id != source.pool), None)
        copy = VolumeRequest("copy", profile=bench.profile, source_volume=source.id)
        made = storage.volumes.create(replace(copy, pool=source.pool))
        assert storage.volumes.get(str(done(storage, made)["volume"])).pool == source.pool
        if other is not None:
            with pytest.raises(NotOffered):
                storage.volumes.create(replace(copy, pool=other))

    def test_what_finds_no_room_says_which_pools_and_why(self, bench: Bench) -> None:
        with pytest.raises(NoPlacement) as refusal:
            bench.storage.volumes.create(VolumeRequest("huge", size=1 << 59, profile=bench.profile))
        explanation = refusal.value.details["explanation"]
        assert explanation["considered"] >= 1
        assert any(refused["filter"] == "capacity" for refused in explanation["refused"])
        messages = bench.storage.messages.list(Query(filters={"code": "no_placement"})).items
        assert any(message.text == str(refusal.value) for message in messages)

    def test_the_same_key_gives_the_same_operation_and_another_request_is_refused(self, bench: Bench) -> None:
        storage, key = bench.storage, str(uuid.uuid4())
        wanted = VolumeRequest(f"once-{key}", size=MIB, profile=bench.profile)
        first = storage.volumes.create(wanted, key=key)
        assert storage.volumes.create(wanted, key=key).id == first.id
        done(storage, first)
        assert storage.volumes.create(wanted, key=key).state is OperationState.DONE
        with pytest.raises(KeyReused):
            storage.volumes.create(VolumeRequest("twice", size=MIB, profile=bench.profile), key=key)
        assert len(storage.volumes.list(Query(filters={"name": wanted.name})).items) == 1

    def test_a_dry_run_answers_with_the_plan_and_changes_nothing(self, bench: Bench) -> None:
        storage = bench.storage
        volume = self.volume(bench)
        snapshot = str(done(storage, storage.snapshots.create(SnapshotRequest(volume, "s")))["snapshot"])
        host = self.host(bench)
        before = (storage.volumes.list().items, storage.snapshots.list().items, len(storage.operations.list().items))
        wanted = VolumeRequest("plan", size=MIB, profile=bench.profile)
        plans = [
            storage.volumes.create(wanted, dry_run=True),
            storage.volumes.extend(volume, 2 * MIB, dry_run=True),
            storage.volumes.revert(volume, snapshot, dry_run=True),
            storage.volumes.delete(volume, with_snapshots=True, dry_run=True),
            storage.snapshots.create(SnapshotRequest(volume, "t"), dry_run=True),
            storage.snapshots.delete(snapshot, dry_run=True),
            storage.attachments.create(AttachmentRequest(volume, host), dry_run=True),
        ]
        assert all(plan.plan is not None and plan.plan["steps"] for plan in plans)
        assert plans[0].plan is not None and plans[0].plan["room_after"] == plans[0].plan["room_before"] - MIB
        after = (storage.volumes.list().items, storage.snapshots.list().items, len(storage.operations.list().items))
        assert after == before

    def test_a_change_for_an_old_version_is_refused(self, bench: Bench) -> None:
        storage = bench.storage
        volume = storage.volumes.get(self.volume(bench))
        renamed = storage.volumes.update(volume.id, Changes(name="renamed"), if_version=volume.version)
        assert (renamed.name, renamed.version) == ("renamed", volume.version + 1)
        with pytest.raises(Stale):
            storage.volumes.update(volume.id, Changes(name="late"), if_version=volume.version)
        with pytest.raises(Stale):
            storage.volumes.delete(volume.id, if_version=volume.version)
        assert storage.volumes.get(volume.id).state is VolumeState.AVAILABLE

    def test_of_two_changes_for_the_same_version_one_is_made(self, bench: Bench) -> None:
        volume = bench.storage.volumes.get(self.volume(bench))
        outcomes: list[str] = []

        def change(name: str) -> None:
            try:
                bench.storage.volumes.update(volume.id, Changes(name=name), if_version=volume.version)
                outcomes.append("made")
            except Stale:
                outcomes.append("stale")

        threads = [threading.Thread(target=change, args=(f"name{number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["made"] + ["stale"] * 5

    def test_lists_come_in_pages_that_add_up(self, bench: Bench) -> None:
        storage = bench.storage
        made = {self.volume(bench, f"page{number}") for number in range(5)}
        for sort in ("name", "-name", "created_at", "-size"):
            seen: list[str] = []
            query = Query(filters={"profile": storage.profiles.get(bench.profile).id}, sort=sort, limit=2)
            while True:
                page = storage.volumes.list(query)
                seen += [volume.id for volume in page.items]
                if page.next is None:
                    break
                query = Query(query.filters, sort, 2, page.next)
            assert len(seen) == len(set(seen))
            assert made <= set(seen)

    def test_an_unknown_filter_or_sort_is_refused(self, bench: Bench) -> None:
        with pytest.raises(Invalid):
            bench.storage.volumes.list(Query(filters={"colour": "red"}))
        with pytest.raises(Invalid):
            bench.storage.volumes.list(Query(sort="colour"))

    def test_what_lies_in_a_pool_can_be_listed(self, bench: Bench) -> None:
        storage = bench.storage
        volume = self.volume(bench)
        snapshot = str(done(storage, storage.snapshots.create(SnapshotRequest(volume, "s")))["snapshot"])
        here, nowhere = Query(filters={"pool": storage.volumes.get(volume).pool}), Query(filters={"pool": "none"})
        assert volume in {one.id for one in storage.volumes.list(here).items}
        assert snapshot in {one.id for one in storage.snapshots.list(here).items}
        assert not storage.volumes.list(nowhere).items and not storage.snapshots.list(nowhere).items

    def test_snapshot_extend_revert_and_clone(self, bench: Bench) -> None:
        storage = bench.storage
        volume = self.volume(bench)
        snapshot = str(done(storage, storage.snapshots.create(SnapshotRequest(volume, "before")))["snapshot"])
        assert storage.snapshots.get(snapshot).size == MIB
        done(storage, storage.volumes.extend(volume, 2 * MIB))
        assert storage.volumes.get(volume).size == 2 * MIB
        identifier = storage.volumes.get(volume).identifier
        done(storage, storage.volumes.revert(volume, snapshot))
        assert storage.volumes.get(volume).identifier == identifier
        copy = self.volume(bench, "copy", size=0, source_snapshot=snapshot)
        clone = self.volume(bench, "clone", size=0, source_volume=volume)
        with pytest.raises(InUse):
            storage.volumes.delete(volume)
        done(storage, storage.volumes.delete(volume, with_snapshots=True))
        assert storage.volumes.get(copy).size == MIB
        assert storage.volumes.get(clone).size == 2 * MIB
        with pytest.raises(NotFound):
            storage.snapshots.get(snapshot)

    def test_attach_and_detach(self, bench: Bench) -> None:
        storage = bench.storage
        volume, host = self.volume(bench), self.host(bench)
        done(storage, storage.attachments.create(AttachmentRequest(volume, host, AccessMode.READ_ONLY)))
        attachment = storage.attachments.list(Query(filters={"volume": volume})).items[0]
        assert (attachment.host, attachment.mode, attachment.protocol) == (host, AccessMode.READ_ONLY, bench.protocol)
        connection = storage.attachments.connection(attachment.id)
        assert dict(connection.public) == dict(attachment.connection)
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
        storage, key = bench.storage, str(uuid.uuid4())
        volume, host = self.volume(bench), self.host(bench)
        user, secret = f"web1.{uuid.uuid4()}", "chosen-by-a-test"
        wanted = AttachmentRequest(volume, host, credential=ChapCredential(secret, user))
        _chap(storage, wanted)
        accepted = storage.attachments.create(wanted, key=key)
        assert storage.attachments.create(wanted, key=key).id == accepted.id
        with pytest.raises(KeyReused):
            other = replace(wanted, credential=ChapCredential("chosen-otherwise", user))
            storage.attachments.create(other, key=key)
        operation = ended(storage, accepted)
        attachment = str(done(storage, operation)["attachment"])
        connection = storage.attachments.connection(attachment)
        assert connection.public["chap_user"] == user
        assert connection.secrets["chap_secret"] == secret
        open_ = [wanted, connection, operation, storage.attachments.get(attachment), *storage.events.after(0, 1000)]
        assert not [shown for shown in open_ if secret in repr(shown)]
        second = self.volume(bench, "second")
        with pytest.raises(InUse):
            storage.attachments.create(AttachmentRequest(second, host, credential=wanted.credential))
        unnamed = AttachmentRequest(second, host, credential=ChapCredential("chosen-by-a-test"))
        known = storage.attachments.connection(str(done(storage, storage.attachments.create(unnamed))["attachment"]))
        assert known.public["chap_user"] and known.secrets["chap_secret"] == "chosen-by-a-test"

    @pytest.mark.parametrize(
        ("secret", "user"),
        [
            ("elevenchars", "web1"),
            ("x" * 256, "web1"),
            ("with a blank", "web1"),
            ("with,a,comma", "web1"),
            ("with=equals=", "web1"),
            ("line\nbreak\nss", "web1"),
            ("chosen-by-a-test", "isthmus-0123"),
            ("chosen-by-a-test", "a b"),
            ("chosen-by-a-test", "x" * 201),
        ],
    )
    def test_a_credential_that_no_target_takes_is_refused_and_not_repeated(
        self, bench: Bench, secret: str, user: str
    ) -> None:
        storage = bench.storage
        volume, host = self.volume(bench), self.host(bench)
        with pytest.raises(Invalid) as refusal:
            storage.attachments.create(AttachmentRequest(volume, host, credential=ChapCredential(secret, user)))
        assert secret not in json.dumps(refusal.value.to_json())
        assert not storage.attachments.list(Query(filters={"volume": volume})).items

    def test_several_hosts_share_a_volume_whose_profile_allows_it(self, bench: Bench) -> None:
        storage = bench.storage
        volume = self.volume(bench, profile=bench.shared)
        hosts = [self.host(bench, name) for name in ("a", "b")]
        for host in hosts:
            done(storage, storage.attachments.create(AttachmentRequest(volume, host)))
        found = storage.attachments.list(Query(filters={"volume": volume})).items
        assert {attachment.host for attachment in found} == set(hosts)
        assert all(attachment.shared for attachment in found)

    def test_a_host_is_ensured_by_its_initiators(self, bench: Bench) -> None:
        hosts = bench.storage.hosts
        first, second = (Initiator("iscsi", f"iqn.2004-10.com.example:{uuid.uuid4()}") for _ in range(2))
        made = hosts.ensure(HostRequest("web", (first,)))
        assert hosts.ensure(HostRequest("web", (first,))).id == made.id
        grown = hosts.ensure(HostRequest("other-name", (first, second)))
        assert grown.id == made.id and set(grown.initiators) == {first, second}
        with pytest.raises(Conflict):
            hosts.create(HostRequest("thief", (second,)))

    def test_a_host_is_found_by_the_name_and_the_protocol_of_an_initiator(self, bench: Bench) -> None:
        storage = bench.storage
        host = storage.hosts.get(self.host(bench))
        name = host.initiators[0].name
        assert [found.id for found in storage.hosts.list(Query(filters={"initiator": name})).items] == [host.id]
        assert not storage.hosts.list(Query(filters={"initiator": f"{name}0"})).items
        here = {"initiator": name, "protocol": "iscsi"}
        assert storage.hosts.list(Query(filters=here, limit=1, with_total=True)).total == 1
        assert not storage.hosts.list(Query(filters={**here, "protocol": "nbd"})).items
        assert not bench.adapter.storage(bench.stranger).hosts.list(Query(filters={"initiator": name})).items

    def test_a_host_takes_initiators_of_others_that_nothing_is_attached_to(self, bench: Bench) -> None:
        storage = bench.storage
        first, second, third = (storage.hosts.get(self.host(bench, name)) for name in ("a", "b", "c"))
        one, two, three = (host.initiators[0] for host in (first, second, third))
        storage.hosts.update(second.id, Changes(initiators=(two, Initiator("nbd", f"b-{second.id}"))))
        done(storage, storage.attachments.create(AttachmentRequest(self.volume(bench), third.id)))
        with pytest.raises(Conflict):
            storage.hosts.create(HostRequest("thief", (one,)))
        with pytest.raises(InUse):
            storage.hosts.create(HostRequest("group", (one, three), take=True))
        assert storage.hosts.get(first.id).initiators == (one,)
        group = storage.hosts.create(HostRequest("group", (one, two), take=True))
        assert set(group.initiators) == {one, two}
        with pytest.raises(NotFound):
            storage.hosts.get(first.id)
        assert [left.protocol for left in storage.hosts.get(second.id).initiators] == ["nbd"]
        fourth = storage.hosts.get(self.host(bench, "d"))
        grown = storage.hosts.update(group.id, Changes(initiators=(one, two, *fourth.initiators), take=True))
        assert len(grown.initiators) == 3
        with pytest.raises(NotFound):
            storage.hosts.get(fourth.id)

    def test_a_host_takes_nothing_of_another_tenant(self, bench: Bench) -> None:
        host = bench.storage.hosts.get(self.host(bench))
        with pytest.raises((Conflict, Forbidden)):
            bench.adapter.storage(bench.stranger).hosts.create(HostRequest("thief", host.initiators, take=True))
        assert bench.storage.hosts.get(host.id) == host

    def test_events_come_in_order_and_none_is_missing(self, bench: Bench) -> None:
        storage = bench.storage
        known = storage.events.after(0, 1000)
        last = known[-1].number or 0 if known else 0
        assert storage.events.newest() >= last
        volume = self.volume(bench)
        done(storage, storage.volumes.delete(volume))
        for _ in range(100):
            found = [event for event in storage.events.after(last) if event.resource == volume]
            if len(found) == 2:
                break
            threading.Event().wait(0.05)
        assert [event.kind for event in found] == ["volume.created", "volume.deleted"]
        assert storage.events.newest() >= (found[-1].number or 0) > last
        every = [event.number or 0 for event in bench.adapter.storage(bench.administrator).events.after(0, 1000)]
        assert every == sorted(every)

    def test_a_stream_gives_what_happens_from_a_number_on(self, bench: Bench) -> None:
        storage = bench.storage
        known = storage.events.after(0, 1000)
        last = known[-1].number or 0 if known else 0
        volume = self.volume(bench)
        feed = storage.events.stream(last, render=lambda event: event.resource.encode() + b"\n")
        try:
            for chunk in feed:
                if volume.encode() in chunk:
                    break
            else:
                pytest.fail("the stream ended without the event")
        finally:
            feed.close()

    def test_another_tenants_things_are_not_there(self, bench: Bench) -> None:
        volume, host = self.volume(bench), self.host(bench)
        other = bench.adapter.storage(bench.stranger)
        with pytest.raises(NotFound):
            other.volumes.get(volume)
        with pytest.raises(NotFound):
            other.volumes.delete(volume)
        with pytest.raises(NotFound):
            other.snapshots.create(SnapshotRequest(volume, "mine"))
        with pytest.raises(NotFound):
            other.attachments.create(AttachmentRequest(volume, host))
        with pytest.raises(NotFound):
            other.volumes.create(VolumeRequest("copy", profile=bench.profile, source_volume=volume))
        assert volume not in {each.id for each in other.volumes.list().items}
        assert other.events.after(0, 1000) == [] or all(
            event.tenant == bench.stranger.tenant for event in other.events.after(0, 1000)
        )

    @pytest.mark.parametrize("name", ["", "a/b", "..", "../../etc/passwd", "x" * 256, "line\nbreak", " edge", "nul\0"])
    def test_unusable_names_are_refused(self, bench: Bench, name: str) -> None:
        with pytest.raises(Invalid):
            bench.storage.volumes.create(VolumeRequest(name, size=MIB, profile=bench.profile))

    @pytest.mark.parametrize("size", [-1, 0, 1 << 61])
    def test_absurd_sizes_are_refused(self, bench: Bench, size: int) -> None:
        with pytest.raises(Invalid):
            bench.storage.volumes.create(VolumeRequest("data", size=size, profile=bench.profile))

    def test_usage_follows_and_limits_hold(self, bench: Bench) -> None:
        storage = bench.storage
        tenants = bench.adapter.administration(bench.administrator).tenants
        before = storage.limits.list()[0]
        most, room = before.volumes + 1, before.bytes + 2 * MIB
        tenants.set_limit(str(bench.member.tenant), None, max_volumes=most, max_bytes=room)
        try:
            volume = self.volume(bench)
            assert storage.limits.list()[0].volumes == before.volumes + 1
            with pytest.raises(LimitExceeded):
                storage.volumes.create(VolumeRequest("more", size=MIB, profile=bench.profile))
            done(storage, storage.snapshots.create(SnapshotRequest(volume, "first")))
            assert storage.limits.list()[0].bytes == before.bytes + 2 * MIB
            with pytest.raises(LimitExceeded):
                storage.snapshots.create(SnapshotRequest(volume, "second"))
            done(storage, storage.volumes.delete(volume, with_snapshots=True))
            after = storage.limits.list()[0]
            assert (after.volumes, after.bytes) == (before.volumes, before.bytes)
        finally:
            tenants.set_limit(str(bench.member.tenant), None, max_volumes=None, max_bytes=None)

    def test_what_is_not_there_is_not_found(self, bench: Bench) -> None:
        storage, nobody = bench.storage, str(uuid.uuid4())
        parts: list[Any] = [storage.volumes, storage.snapshots, storage.hosts, storage.attachments, storage.pools]
        for part in [*parts, storage.profiles, storage.operations]:
            with pytest.raises(NotFound):
                part.get(nobody)

    def test_it_says_what_it_offers(self, bench: Bench) -> None:
        description = bench.storage.describe()
        assert "volumes" in description.offers and bench.protocol in description.protocols

    def test_a_volume_is_measured_and_what_its_hosts_do_shows(self, bench: Bench) -> None:
        storage = bench.storage
        _offered(storage, "metrics.volume")
        volume = self.volume(bench)
        before = storage.metrics.volume(volume)
        assert (before.resource_type, before.resource) == ("volume", volume)
        done(storage, storage.attachments.create(AttachmentRequest(volume, self.host(bench))))
        attachment = storage.attachments.list(Query(filters={"volume": volume})).items[0].id
        if not bench.write(storage.attachments.connection(attachment), bytes(range(256)) * 32):
            pytest.skip("this bench has no host that writes")
        after = storage.metrics.volume(volume)
        assert after.at > before.at
        if after.allocated_bytes is not None and before.allocated_bytes is not None:
            assert after.allocated_bytes >= before.allocated_bytes + 8192
        if after.series is not None and after.series == before.series:
            counted = (after.written_bytes, before.written_bytes)
            assert None not in counted and (counted[0] or 0) - (counted[1] or 0) == 8192

    def test_a_pool_is_measured(self, bench: Bench) -> None:
        storage = bench.storage
        _offered(storage, "metrics.pool")
        pool = storage.volumes.get(self.volume(bench, size=3 * MIB)).pool
        assert pool is not None
        found, shown = storage.metrics.pool(pool), storage.pools.get(pool)
        assert (found.resource_type, found.resource) == ("pool", pool)
        assert found.total_bytes == shown.total and found.provisioned_bytes == shown.provisioned >= 3 * MIB
        assert found.used_bytes is not None and 0 <= found.used_bytes <= shown.total

    def test_who_may_not_read_a_volume_learns_nothing_of_what_is_measured(self, bench: Bench) -> None:
        stranger, volume = bench.adapter.storage(bench.stranger), self.volume(bench)
        _offered(stranger, "metrics.volume")
        with pytest.raises(NotFound):
            stranger.metrics.volume(volume)
        with pytest.raises(NotFound):
            stranger.metrics.history("volume", volume)
        for ask in (bench.storage.metrics.volume, bench.storage.metrics.pool):
            with pytest.raises(NotFound):
                ask(str(uuid.uuid4()))

    def test_a_history_is_in_order_and_of_the_thing_alone(self, bench: Bench) -> None:
        storage = bench.storage
        _offered(storage, "metrics.history")
        volume = self.volume(bench)
        done(storage, storage.attachments.create(AttachmentRequest(volume, self.host(bench))))
        bench.sample()
        bench.sample()
        pool = str(storage.volumes.get(volume).pool)
        for kind, thing in (("volume", volume), ("pool", pool)):
            found = storage.metrics.history(kind, thing)
            assert {(each.resource_type, each.resource) for each in found} <= {(kind, thing)}
            assert [each.at for each in found] == sorted(each.at for each in found)
        with pytest.raises(Invalid):
            storage.metrics.history("host", volume)


def _offered(storage: Storage, part: str) -> None:
    if part not in storage.describe().offers:
        pytest.skip(f"this system does not offer {part}")
