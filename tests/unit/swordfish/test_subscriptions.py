"""Subscriptions as they are kept: shares, and changes that meet each other."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.core.context import Context
from isthmus.core.errors import NotFound, Stale
from isthmus.core.model.identity import now
from isthmus.plugins.swordfish.events.subscription import PUSH, STREAM, Subscription, Subscriptions
from isthmus.plugins.swordfish.protocol.refusal import Refusal
from isthmus.plugins.swordfish.resources.event_destination import EVENT_DESTINATION

ADMINISTRATOR = Context(None, "chief", frozenset({"admin"}))


def wanted(type: str = PUSH, *, user: str = "ada", tenant: str | None = None, **more: Any) -> Subscription:
    return Subscription("", type, user, tenant, ("member",), now(), **more)


def refused(subscriptions: Subscriptions, one: Subscription, share: int) -> bool:
    try:
        subscriptions.add(one, share=share)
    except Refusal as refusal:
        return refusal.status == 503
    return False


def test_an_owner_has_a_share_and_takes_nothing_from_others(subscriptions: Subscriptions) -> None:
    blue = wanted(user="ada", tenant="blue")
    also_blue = replace(blue, user="bob")
    assert not any(refused(subscriptions, one, 2) for one in (blue, also_blue))
    assert refused(subscriptions, also_blue, 2)
    others = (wanted(tenant="red"), wanted(), wanted(user="bob"), replace(blue, type=STREAM))
    assert not any(refused(subscriptions, one, 1) for one in others)
    assert len(subscriptions.list(PUSH)) == 5


def test_what_was_refused_is_not_kept_and_what_is_deleted_makes_room(subscriptions: Subscriptions) -> None:
    first = subscriptions.add(wanted(), share=1)
    assert refused(subscriptions, wanted(), 1)
    assert [one.id for one in subscriptions.list(PUSH)] == [first.id]
    assert subscriptions.delete(first.id)
    assert not refused(subscriptions, wanted(), 1)


def test_however_many_there_are_all_are_listed(subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.plugins.swordfish.events.subscription._PIECE", 3)
    made = {subscriptions.add(wanted(PUSH if number % 2 else STREAM)).id for number in range(14)}
    assert {one.id for one in subscriptions.seen_by(ADMINISTRATOR)} == made
    assert len(subscriptions.list(PUSH)) == len(subscriptions.list(STREAM)) == 7


def test_everybody_sees_the_own_ones(subscriptions: Subscriptions) -> None:
    own = subscriptions.add(wanted(user="ada", tenant="blue"))
    subscriptions.add(wanted(user="bob", tenant="blue"))
    subscriptions.add(wanted(user="eve"))
    assert [one.id for one in subscriptions.seen_by(Context("blue", "ada", frozenset({"member"})))] == [own.id]
    assert len(subscriptions.seen_by(ADMINISTRATOR)) == 3


def test_a_change_and_what_is_told_meanwhile_both_count(subscriptions: Subscriptions) -> None:
    seen = subscriptions.add(wanted())
    assert subscriptions.told(seen, 7)
    changed = subscriptions.change(seen, lambda now: replace(now, context="new"))
    assert (changed.context, changed.delivered) == ("new", 7)
    told = subscriptions.told(seen, 9)
    assert told is not None and (told.context, told.delivered) == ("new", 9)


def test_what_was_told_is_never_told_less(subscriptions: Subscriptions) -> None:
    one = subscriptions.add(wanted())
    assert subscriptions.told(one, 9)
    late = subscriptions.told(one, 7)
    assert late is not None and late.delivered == 9


def test_a_conditional_change_meets_changes_and_not_what_is_told(subscriptions: Subscriptions) -> None:
    seen = subscriptions.add(wanted(headers={"X-Secret": "s"}))
    subscriptions.told(seen, 7)
    subscriptions.change(seen, lambda now: replace(now, context="first"), conditional=True)
    with pytest.raises(Stale):
        subscriptions.change(seen, lambda now: replace(now, context="second"), conditional=True)
    assert subscriptions.get(seen.id).context == "first"


def test_what_is_gone_is_not_changed(subscriptions: Subscriptions) -> None:
    one = subscriptions.add(wanted())
    subscriptions.delete(one.id)
    assert subscriptions.told(one, 7) is None
    with pytest.raises(NotFound):
        subscriptions.change(one, lambda now: now)


@pytest.mark.parametrize("condition", [False, True])
def test_a_patch_does_not_meet_what_is_told_meanwhile(subscriptions: Subscriptions, condition: bool) -> None:
    seen = subscriptions.add(wanted())
    subscriptions.told(seen, 7)
    service = SimpleNamespace(subscriptions=subscriptions)
    request = SimpleNamespace(service=service, expected=lambda noun: noun.version if condition else None)
    assert EVENT_DESTINATION.update is not None
    EVENT_DESTINATION.update(cast(Any, request), seen, {"Context": "ours"})
    (suspend, _) = EVENT_DESTINATION.actions
    suspend.run(cast(Any, request), subscriptions.get(seen.id), {})
    found = subscriptions.get(seen.id)
    assert (found.context, found.suspended, found.delivered) == ("ours", True, 7)


def test_a_stream_whose_subscription_was_changed_is_renewed(subscriptions: Subscriptions) -> None:
    opened = subscriptions.add(wanted(STREAM))
    subscriptions.change(subscriptions.get(opened.id), lambda now: replace(now, context="mine"))
    assert subscriptions.renew(opened)
    assert subscriptions.get(opened.id).context == "mine"
    assert subscriptions.delete(opened.id)
    assert not subscriptions.renew(opened)
