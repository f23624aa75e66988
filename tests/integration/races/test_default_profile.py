"""Several administrators choose the default profile in the same moment: one of them is the last."""

from __future__ import annotations

import pytest

from isthmus.core.context import Context
from isthmus.core.engine.engine import Engine
from isthmus.core.model.profile import Profile
from isthmus.core.model.request import Changes, ProfileRequest
from tests.environment.engine import MEMORY_PROFILE
from tests.integration.races.crowd import all_at_once

pytestmark = pytest.mark.timeout(300)

ROUNDS = 10
CLIENTS = 8


def _defaults(engine: Engine, context: Context) -> list[Profile]:
    return [profile for profile in engine.profiles.list(context).items if profile.is_default]


def test_of_updates_that_choose_different_defaults_one_stays(engine: Engine, context: Context) -> None:
    made = [engine.profiles.create(context, ProfileRequest(f"p{n}", MEMORY_PROFILE)) for n in range(CLIENTS)]
    for _ in range(ROUNDS):
        chosen, refused = all_at_once(
            CLIENTS, lambda n: engine.profiles.update(context, made[n].id, Changes(is_default=True))
        )
        assert (len(chosen), refused) == (CLIENTS, [])
        assert all(profile.is_default for profile in chosen)
        assert len(_defaults(engine, context)) == 1


def test_of_new_profiles_that_are_to_be_the_default_one_is(engine: Engine, context: Context) -> None:
    made, refused = all_at_once(
        CLIENTS, lambda n: engine.profiles.create(context, ProfileRequest(f"p{n}", MEMORY_PROFILE, is_default=True))
    )
    assert (len(made), refused) == (CLIENTS, [])
    assert len(_defaults(engine, context)) == 1
    assert len(engine.profiles.list(context).items) == CLIENTS + 1
