"""The mapping of operations to privileges: everything served is in it, and it is the standard's where that has one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from isthmus.core.context import MUST_CHANGE_PASSWORD, Context
from isthmus.core.errors import Forbidden, PasswordChangeRequired
from isthmus.plugins.swordfish.accounts.privileges import (
    CORE_ROLES,
    PROPERTIES,
    REGISTRY,
    ROLES,
    check,
    check_properties,
    role_of,
)
from isthmus.plugins.swordfish.catalogue import SERVED
from isthmus.plugins.swordfish.protocol.resource import Collection, Endpoint, Resource
from isthmus.plugins.swordfish.resources.privilege_registry import document
from tests.environment import redfish_schemas

TENANTS_MANAGER = (
    "a tenant's manager is an Operator here and makes the accounts of its tenant; the core refuses members"
)
OWN_WORK = "who may start an operation may cancel it, and sees to it that its task is gone; the core knows whose it is"

DIFFERENCES: Mapping[tuple[str, str], str] = {
    **{("ManagerAccount", method): TENANTS_MANAGER for method in ("POST", "PUT", "PATCH", "DELETE")},
    **{("ManagerAccountCollection", method): TENANTS_MANAGER for method in ("POST", "PUT", "PATCH", "DELETE")},
    **{("Task", method): OWN_WORK for method in ("POST", "PUT", "PATCH", "DELETE")},
    **{("TaskCollection", method): OWN_WORK for method in ("POST", "PUT", "PATCH", "DELETE")},
}
"""Where ours is another than the standard's, and why."""

RESOURCES = [one for one in SERVED if isinstance(one, Resource | Collection)]
ENDPOINTS = [one for one in SERVED if isinstance(one, Endpoint)]

official = pytest.mark.skipif(bool(redfish_schemas.missing()), reason=redfish_schemas.missing() or "at hand")


def who(*roles: str) -> Context:
    return Context("ours", "u", frozenset(roles))


def by_entity(registry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {mapping["Entity"]: mapping for mapping in registry["Mappings"]}


def sufficient(operations: Mapping[str, Any], method: str) -> set[frozenset[str]]:
    """The sets of privileges that do; NoAuth says that none is asked for, which is declared elsewhere."""
    return {frozenset(each["Privilege"]) for each in operations[method]} - {frozenset({"NoAuth"})}


@pytest.mark.parametrize("served", RESOURCES, ids=lambda s: s.path)
def test_everything_served_is_in_the_registry(served: Resource | Collection) -> None:
    assert served.type in REGISTRY
    assert REGISTRY[served.privileges] == REGISTRY[served.type]


@pytest.mark.parametrize("served", ENDPOINTS, ids=lambda s: s.path)
def test_what_is_no_resource_is_open_or_in_the_registry(served: Endpoint) -> None:
    assert served.open or served.entity in REGISTRY


@official
def test_the_mapping_is_the_standards_but_for_what_is_justified() -> None:
    found = redfish_schemas.folder()
    assert found is not None
    [file] = (found / "registries").glob("*PrivilegeRegistry.json")
    theirs, ours = by_entity(json.loads(file.read_text())), by_entity(document())
    both = sorted(set(theirs) & set(ours))
    assert {"Volume", "Session", "ManagerAccount", "Connection", "ServiceRoot"} <= set(both)
    differing = {
        (entity, method)
        for entity in both
        for method in theirs[entity]["OperationMap"]
        if sufficient(theirs[entity]["OperationMap"], method) != sufficient(ours[entity]["OperationMap"], method)
    }
    assert differing == set(DIFFERENCES)


@official
def test_the_published_registry_fits_its_schema() -> None:
    assert redfish_schemas.official().errors(document()) == []


def test_the_published_registry_says_what_is_checked() -> None:
    published = by_entity(document())
    assert set(published) == set(REGISTRY)
    for entity, operations in REGISTRY.items():
        for method, sets in operations.items():
            assert sufficient(published[entity]["OperationMap"], method) == set(sets)
    [override] = published["ManagerAccount"]["PropertyOverrides"]
    assert override["Targets"] == ["Password"]
    assert sufficient(override["OperationMap"], "PATCH") == set(PROPERTIES["ManagerAccount"]["Password"]["PATCH"])


def test_the_roles_have_the_standards_privileges() -> None:
    assert {
        "Administrator": {"Login", "ConfigureManager", "ConfigureUsers", "ConfigureComponents", "ConfigureSelf"},
        "Operator": {"Login", "ConfigureComponents", "ConfigureSelf"},
        "ReadOnly": {"Login", "ConfigureSelf"},
    } == ROLES


@pytest.mark.parametrize(
    ("roles", "shown"),
    [
        (("admin",), "Administrator"),
        (("manager",), "Operator"),
        (("member",), "Operator"),
        (("service",), "Operator"),
        (("reader",), "ReadOnly"),
        (("reader", "manager"), "Operator"),
        (("reader", "admin", "member"), "Administrator"),
        ((), "ReadOnly"),
        (("unheard-of",), "ReadOnly"),
    ],
)
def test_an_account_shows_the_strongest_of_its_roles(roles: tuple[str, ...], shown: str) -> None:
    assert role_of(roles) == shown


def test_a_role_that_is_given_is_the_one_that_is_shown() -> None:
    assert {role: role_of([core]) for role, core in CORE_ROLES.items()} == {role: role for role in ROLES}


@pytest.mark.parametrize("entity", REGISTRY)
def test_a_reader_reads_and_changes_nothing_but_its_own(entity: str) -> None:
    for method in ("GET", "HEAD"):
        check(who("reader"), entity, method)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        own = any({"ConfigureSelf"} >= each or {"Login"} >= each for each in REGISTRY[entity][method])
        if own or (entity, method) == ("ManagerAccount", "PATCH"):
            check(who("reader"), entity, method)
        else:
            with pytest.raises(Forbidden, match="Configure"):
                check(who("reader"), entity, method)


def test_of_an_account_a_reader_changes_the_password_only() -> None:
    check_properties(who("reader"), "ManagerAccount", "PATCH", ["Password"])
    for name in ("RoleId", "Enabled", "PasswordChangeRequired", "Locked"):
        with pytest.raises(Forbidden):
            check_properties(who("reader"), "ManagerAccount", "PATCH", ["Password", name])


def test_before_the_password_is_changed_there_is_the_account_and_the_session() -> None:
    left = {("ManagerAccount", method) for method in ("GET", "HEAD", "PATCH")}
    left |= {("Session", method) for method in ("GET", "HEAD", "DELETE")}
    for entity, operations in [*REGISTRY.items(), (None, {"GET": ()})]:
        for method in operations:
            if (entity, method) in left:
                check(who(MUST_CHANGE_PASSWORD), entity, method)
            else:
                with pytest.raises(PasswordChangeRequired):
                    check(who(MUST_CHANGE_PASSWORD), entity, method)
