"""What somebody may not do here he does not do by way of another system either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast, get_type_hints

import pytest

from isthmus.adapters.contract import Adapter, storage
from isthmus.core.context import Context
from isthmus.core.errors import Forbidden
from isthmus.plugin_manager.server.guarding import GuardedAdapter

READING = {"list", "get", "after", "stream", "wait", "explain", "volume", "pool", "history"}
ADMINISTRATORS = {("pools", "update"), ("profiles", "create"), ("profiles", "update"), ("profiles", "delete")}
MANAGERS = {("hosts", name) for name in ("create", "ensure", "update", "delete")} | {("operations", "abandon")}


def methods() -> Iterator[tuple[str, str]]:
    """Every part of the contract with every method that it has."""
    for part, kind in get_type_hints(storage.Storage).items():
        if part != "context":
            yield from ((part, name) for name in vars(kind) if not name.startswith("_"))


class Everything:
    """A part that does whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: "done"


class Anywhere:
    def storage(self, context: Context) -> Any:
        parts = {part: Everything() for part, _ in methods()}
        return type("Parts", (), {**parts, "describe": lambda self: "described", "shred": lambda self: "shredded"})()

    def administration(self, context: Context) -> Any:
        return "administration"


def guarded(role: str) -> Any:
    return GuardedAdapter(cast(Adapter, Anywhere())).storage(Context("t", "u", frozenset({role})))


def may(role: str, part: str, method: str) -> bool:
    try:
        return bool(getattr(getattr(guarded(role), part), method)("x") == "done")
    except Forbidden:
        return False


@pytest.mark.parametrize(("part", "method"), sorted(methods()))
def test_each_role_does_what_it_may_do_here(part: str, method: str) -> None:
    assert may("reader", part, method) == (method in READING or part in ("events", "messages"))
    wanted = {"admin"} if (part, method) in ADMINISTRATORS else {"admin", "manager"}
    if (part, method) not in ADMINISTRATORS | MANAGERS:
        wanted.add("member")
    assert {role for role in ("admin", "manager", "member") if may(role, part, method)} == wanted


def test_whoever_has_no_role_learns_only_what_the_system_is() -> None:
    nobody = guarded("none")
    assert nobody.describe() == "described"
    with pytest.raises(Forbidden):
        nobody.volumes.list()


def test_what_the_contract_does_not_know_is_a_change() -> None:
    assert guarded("member").shred() == "shredded"
    with pytest.raises(Forbidden):
        guarded("reader").shred()


def test_only_administrators_administer_it() -> None:
    adapter = GuardedAdapter(cast(Adapter, Anywhere()))
    assert adapter.administration(Context(None, "u", frozenset({"admin"})))
    with pytest.raises(Forbidden):
        adapter.administration(Context("t", "u", frozenset({"manager"})))
