"""Several hosts share a volume only through one target, so that what one reserves holds for the others."""

from __future__ import annotations

import pytest

from isthmus.core.errors import InUse
from isthmus.core.model.request import AttachmentRequest, Changes, ProfileRequest
from tests.environment.engine import MEMORY_PROFILE, SHARED_PROFILE, done
from tests.unit.engine.bench import Bench


def test_who_was_attached_before_the_profile_allowed_several_is_detached_first(bench: Bench) -> None:
    bench.engine.profiles.create(bench.root, ProfileRequest("changing", MEMORY_PROFILE))
    volume, first, second = bench.volume(profile="changing"), bench.host("one"), bench.host("two")
    alone = bench.attach(volume, first)
    bench.engine.profiles.update(bench.root, "changing", Changes(properties=SHARED_PROFILE))
    with pytest.raises(InUse) as refused:
        bench.engine.attachments.create(bench.root, AttachmentRequest(volume, second))
    assert refused.value.details["attachments"] == [alone]
    assert "Detach" in str(refused.value.next_step)
    done(bench.engine, bench.engine.attachments.delete(bench.root, alone))
    both = [bench.attach(volume, host) for host in (first, second)]
    assert all(bench.engine.attachments.get(bench.root, one).shared for one in both)


def test_who_shares_a_volume_stays_when_the_profile_allows_one_only_and_nobody_else_comes(bench: Bench) -> None:
    bench.engine.profiles.create(bench.root, ProfileRequest("changing", SHARED_PROFILE))
    volume = bench.volume(profile="changing")
    both = [bench.attach(volume, bench.host(name)) for name in ("one", "two")]
    bench.engine.profiles.update(bench.root, "changing", Changes(properties=MEMORY_PROFILE))
    with pytest.raises(InUse) as refused:
        bench.engine.attachments.create(bench.root, AttachmentRequest(volume, bench.host("three")))
    assert sorted(refused.value.details["attachments"]) == sorted(both)
