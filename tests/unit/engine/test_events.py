"""What administrators and users do becomes known through events, and nothing is left of what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from isthmus.core.events.numberer import number_waiting
from isthmus.core.model.event import Event
from isthmus.core.model.operation import OperationState
from isthmus.core.model.request import AttachmentRequest, ProfileRequest, SnapshotRequest, TokenRequest, VolumeRequest
from isthmus.core.store import nouns, schema, usage
from tests.environment.engine import MEMORY_PROFILE, done
from tests.unit.engine.bench import SIZE, Bench


def events(bench: Bench, resource: str) -> Sequence[Event]:
    """All events about one thing."""
    number_waiting(bench.engine.database)
    with bench.engine.database.read() as tx:
        return sorted(nouns.events.where(tx, schema.events.c.resource == resource), key=lambda each: each.number or 0)


def test_making_and_revoking_a_token_is_told_without_the_token(bench: Bench) -> None:
    tokens = bench.engine.tokens
    member = bench.tenant("blue", "member")
    token, text = tokens.create(bench.root, TokenRequest("robot", user=member.user))
    for _ in range(2):
        tokens.revoke(bench.root, token.id)
    made, revoked = events(bench, token.id)
    assert [made.kind, revoked.kind] == ["token.created", "token.revoked"]
    for event in (made, revoked):
        assert (event.resource_type, event.tenant, event.user) == ("token", member.tenant, bench.root.user)
        assert event.body["name"] == "robot"
        assert text not in str(event) and "hash" not in event.body


@pytest.mark.parametrize("kind", ["volume", "snapshot", "attachment"])
def test_an_operation_that_a_delete_supersedes_is_told_to_be_abandoned(bench: Bench, kind: str) -> None:
    engine, root = bench.engine, bench.root
    volume = "" if kind == "volume" else bench.volume()
    method = {"volume": "create", "snapshot": "snapshot", "attachment": "grant"}[kind]
    bench.deadline(f"{kind}.create", 0.3)
    _, go_on = bench.hangs(method)
    if kind == "volume":
        stuck = engine.volumes.create(root, VolumeRequest("v", size=SIZE, profile="memory"))
    elif kind == "snapshot":
        stuck = engine.snapshots.create(root, SnapshotRequest(volume, "s"))
    else:
        stuck = engine.attachments.create(root, AttachmentRequest(volume, bench.host()))
    bench.needs_attention(stuck)
    go_on.set()
    bench.well()
    service: Any = {"volume": engine.volumes, "snapshot": engine.snapshots, "attachment": engine.attachments}[kind]
    done(engine, service.delete(root, str(stuck.resource)))
    assert engine.operations.get(root, stuck.id).state is OperationState.ABANDONED
    kinds = [event.kind for event in events(bench, stuck.id)]
    assert kinds == ["operation.needs_attention", "operation.abandoned"]
    failed, given_up = engine.operations.explain(root, stuck.id).messages
    assert (failed.level, given_up.level) == ("error", "warning")
    assert given_up.text == f"{stuck.kind} was given up: {failed.text}"
    assert "retry" in str(failed.next_step) and given_up.next_step is None


def test_with_a_profile_go_its_limits_and_what_was_counted_of_it(bench: Bench) -> None:
    engine, root = bench.engine, bench.root
    profile = engine.profiles.create(root, ProfileRequest("passing", MEMORY_PROFILE))
    volume = bench.volume(profile="passing")
    engine.tenants.set_limit(root, str(root.tenant), "memory", max_volumes=7, max_bytes=None)
    assert profile.id in {limit.profile for limit in engine.tenants.limits(root, None)}
    done(engine, engine.volumes.delete(root, volume))
    before = {limit for limit in engine.tenants.limits(root, None) if limit.profile != profile.id}
    engine.profiles.delete(root, profile.id)
    assert set(engine.tenants.limits(root, None)) == before
    with engine.database.read() as tx:
        assert profile.id not in {row.profile for row in usage.listed(tx)}
    bench.nothing_left()
