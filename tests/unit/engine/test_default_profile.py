"""While there are profiles, one stays the default."""

from __future__ import annotations

import pytest

from isthmus.core.errors import InUse
from isthmus.core.model.page import Query
from isthmus.core.model.request import Changes
from tests.unit.engine.bench import Bench


def test_the_default_profile_goes_last(bench: Bench) -> None:
    profiles, root = bench.engine.profiles, bench.root
    (default,) = profiles.list(root, Query(filters={"is_default": "true"})).items
    with pytest.raises(InUse, match="is the default"):
        profiles.delete(root, default.id)
    profiles.update(root, "memory", Changes(is_default=True))
    profiles.delete(root, default.id)
    for each in profiles.list(root).items:
        if each.name != "memory":
            profiles.delete(root, each.id)
    profiles.delete(root, "memory")
    assert not profiles.list(root).items
