"""What the service declares of its resources is said once."""

from __future__ import annotations

import pytest

from isthmus.plugins.swordfish.catalogue import SERVED
from isthmus.plugins.swordfish.protocol.resource import Resource


@pytest.mark.parametrize("served", [one for one in SERVED if isinstance(one, Resource)], ids=lambda one: one.path)
def test_no_property_and_no_action_is_declared_twice(served: Resource) -> None:
    names = [one.name for one in served.properties]
    assert sorted(names) == sorted(set(names))
    actions = [one.name for one in served.actions]
    assert sorted(actions) == sorted(set(actions))
