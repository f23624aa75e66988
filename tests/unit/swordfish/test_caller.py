"""Who asks is found out once for a whole answer, also when the credentials are wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from isthmus.core.context import Context
from isthmus.core.errors import Unauthenticated
from isthmus.plugins.swordfish.protocol.request import Request


def request_of(*found: Context | Unauthenticated) -> tuple[Request, list[Request]]:
    """A request whose credentials come to this, one after the other; and each time that they were tried."""
    tried: list[Request] = []

    def authenticate(request: Request) -> Context:
        tried.append(request)
        outcome = found[len(tried) - 1]
        if isinstance(outcome, Unauthenticated):
            raise outcome
        return outcome

    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/a", "QUERY_STRING": "$expand=*"}
    return Request(environ, cast(Any, SimpleNamespace()), authenticate), tried


def test_wrong_credentials_are_tried_once_for_all_looks() -> None:
    request, tried = request_of(Unauthenticated("No."))
    for look in (request.at("/b", {}), request, request.at("/c", {}).at("/d", {})):
        with pytest.raises(Unauthenticated):
            _ = look.context
    assert len(tried) == 1


def test_right_ones_are_too_and_what_was_asked_is_asked_of_one_resource() -> None:
    context = Context(None, "u", frozenset({"admin"}))
    request, tried = request_of(context)
    other = request.at("/b", {"name": "b"})
    assert other.context == request.context == context
    assert len(tried) == 1
    assert (other.path, other.params, other.query) == ("/b", {"name": "b"}, "")
    assert (request.path, request.params, request.query) == ("/a", {}, "$expand=*")


@pytest.mark.parametrize(("tenant", "roles"), [(None, {"admin"}), ("blue", {"manager"})])
def test_an_administrator_of_a_tenant_does_not_administer_the_installation(tenant: str | None, roles: set[str]) -> None:
    request, _ = request_of(Context(tenant, "u", frozenset({"admin"})))
    assert request.context.roles == roles
    request.signed_in(Context(tenant, "u", frozenset({"admin"})))
    assert request.context.roles == roles
