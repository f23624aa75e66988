"""Paths find what is served there."""

from __future__ import annotations

import pytest

from isthmus.plugins.swordfish.accounts.privileges import REGISTRY
from isthmus.plugins.swordfish.catalogue import SERVED
from isthmus.plugins.swordfish.protocol.resource import Collection, Endpoint, Resource
from isthmus.plugins.swordfish.protocol.router import Router


def endpoint(path: str) -> Endpoint:
    return Endpoint(path, {})


def test_a_fixed_name_goes_before_a_parameter() -> None:
    one, fixed, below = endpoint("/a/{id}"), endpoint("/a/fixed"), endpoint("/a/{id}/b")
    router = Router((one, fixed, below))
    assert router.find("/a/x") == (one, {"id": "x"})
    assert router.find("/a/fixed/") == (fixed, {})
    assert router.find("/a/x/b") == (below, {"id": "x"})


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/b", "/a//", "/a/x/c", "/a/x/b/c", "/a/" + "x" * 1025, "/a/\0"])
def test_everything_else_is_nothing(path: str) -> None:
    assert Router((endpoint("/a/{id}"), endpoint("/a/{id}/b"))).find(path) is None


def test_two_things_at_one_place_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="twice"):
        Router((endpoint("/a/{id}"), endpoint("/a/{id}")))
    with pytest.raises(ValueError, match="called"):
        Router((endpoint("/a/{id}"), endpoint("/a/{other}/b")))


def test_all_that_is_served_has_a_place_and_a_privilege() -> None:
    Router(SERVED)
    for one in SERVED:
        entity = one.privileges if isinstance(one, Resource | Collection) else one.entity
        assert entity in REGISTRY or (isinstance(one, Endpoint) and one.open), one.path
