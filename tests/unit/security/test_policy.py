import itertools

import pytest

from isthmus.core.context import MUST_CHANGE_PASSWORD, Context
from isthmus.core.errors import Forbidden, Invalid, NotFound
from isthmus.core.model.tenant import Role
from isthmus.core.security.policy import (
    TABLE,
    Reach,
    allowed,
    authorise,
    authorise_grant,
    visible_tenant,
)

ROLES = [role.value for role in Role]
READS = [name for name in TABLE if name.endswith(":read")]
BOUND = ["manager", "member", "reader", "service"]
"""The roles that are of use in a tenant only."""


def who(*roles: str, tenant: str | None = "ours") -> Context:
    return Context(tenant=tenant, user="u", roles=frozenset(roles))


def outcome(context: Context, permission: str, tenant: str | None) -> str:
    try:
        authorise(context, permission, tenant)
    except (Forbidden, NotFound) as error:
        return error.code
    return "ok"


def test_the_table_holds_every_permission_that_others_ask_for() -> None:
    kinds = {
        "volume": "create read update delete extend revert",
        "snapshot": "create read update delete",
        "host": "create read update delete",
        "attachment": "create read update delete connection",
        "operation": "read cancel retry abandon",
        "tenant": "create read update delete",
        "user": "create read update delete own",
        "token": "create read delete own",
        **dict.fromkeys(("pool", "profile", "backend", "system", "plugin", "limit"), "read write"),
        **dict.fromkeys(("message", "event", "metrics", "doctor"), "read"),
    }
    assert set(TABLE) == {f"{kind}:{verb}" for kind, verbs in kinds.items() for verb in verbs.split()}


@pytest.mark.parametrize("permission", TABLE)
def test_an_administrator_may_do_everything_in_the_installation_but_read_others_secrets(permission: str) -> None:
    assert outcome(who("admin", tenant=None), permission, None) == "ok"
    assert outcome(who("admin"), permission, "ours") == "ok"
    expected = "forbidden" if TABLE[permission].reach is Reach.SECRET else "ok"
    assert outcome(who("admin", tenant=None), permission, "theirs") == expected
    assert outcome(who("admin"), permission, "theirs") == expected


@pytest.mark.parametrize(("permission", "role"), list(itertools.product(TABLE, BOUND)))
def test_what_is_another_tenants_is_not_there_whatever_the_role(permission: str, role: str) -> None:
    for tenant in ("ours", None):
        assert outcome(who(role, tenant=tenant), permission, "theirs") == "not_found"
    assert outcome(who(*BOUND), permission, "theirs") == "not_found"


@pytest.mark.parametrize("permission", TABLE)
def test_nobody_without_a_known_role_may_do_anything(permission: str) -> None:
    for roles in ((), ("root",), ("Admin",), ("administrator", "")):
        assert not allowed(roles, permission)
        assert outcome(who(*roles), permission, "ours") == "forbidden"


def test_a_reader_reads_everything_of_the_tenant_and_changes_nothing() -> None:
    for permission, rule in TABLE.items():
        reading = permission.endswith(":read") and not permission.startswith(("user:", "token:"))
        own = permission.endswith(":own")
        assert allowed({"reader"}, permission) == (reading or own), permission
        assert rule.reach is not Reach.SECRET or not allowed({"reader"}, permission)


def test_a_reader_never_sees_connection_secrets() -> None:
    assert outcome(who("reader"), "attachment:connection", "ours") == "forbidden"
    assert outcome(who("reader", tenant=None), "attachment:connection", None) == "forbidden"


@pytest.mark.parametrize("role", ["manager", "member", "service"])
def test_connection_secrets_go_to_the_owner_or_a_service(role: str) -> None:
    assert outcome(who(role), "attachment:connection", "ours") == "ok"
    assert outcome(who(role), "attachment:connection", "theirs") == "not_found"


def test_a_member_works_with_volumes_snapshots_and_attachments_only() -> None:
    for kind in ("volume", "snapshot", "attachment"):
        assert outcome(who("member"), f"{kind}:create", "ours") == "ok"
        assert outcome(who("member"), f"{kind}:delete", "ours") == "ok"
    for permission in ("host:create", "user:create", "token:create", "limit:write", "operation:abandon", "pool:read"):
        expected = "ok" if permission == "pool:read" else "forbidden"
        assert outcome(who("member"), permission, "ours") == expected, permission


def test_a_manager_rules_the_own_tenant_and_nothing_of_the_installation() -> None:
    for permission, rule in TABLE.items():
        admins_only = rule.roles == {Role.ADMIN}
        if rule.reach in (Reach.OWNED, Reach.COMMON, Reach.SECRET):
            expected = "forbidden" if admins_only else "ok"
            assert outcome(who("manager"), permission, "ours") == expected, permission
        if rule.reach is Reach.INSTALLATION:
            assert outcome(who("manager"), permission, None) == "forbidden", permission
    for permission in ("tenant:create", "tenant:delete", "limit:write"):
        assert outcome(who("manager"), permission, "ours") == "forbidden"


def test_a_service_may_what_a_manager_may() -> None:
    for permission, rule in TABLE.items():
        if rule.reach is not Reach.INSTALLATION:
            assert allowed({"service"}, permission) == allowed({"manager"}, permission)


@pytest.mark.parametrize("role", BOUND)
def test_what_is_the_installations_is_hidden_but_for_pools_profiles_and_hosts(role: str) -> None:
    for permission in READS:
        answer = outcome(who(role), permission, None)
        if permission in ("pool:read", "profile:read", "host:read"):
            assert answer == "ok"
        elif TABLE[permission].reach is Reach.INSTALLATION or not allowed({role}, permission):
            assert answer == "forbidden", permission
        else:
            assert answer == "not_found", permission


@pytest.mark.parametrize("role", BOUND)
def test_a_host_of_the_installation_is_seen_but_not_changed_by_tenants(role: str) -> None:
    assert outcome(who(role), "host:read", None) == "ok"
    for verb in ("create", "update", "delete"):
        assert outcome(who(role), f"host:{verb}", None) == "forbidden"


def test_a_reader_bound_to_no_tenant_watches_the_installation() -> None:
    watcher = who("reader", tenant=None)
    for permission in ("metrics:read", "doctor:read", "backend:read", "plugin:read"):
        assert outcome(watcher, permission, None) == "ok"
        assert outcome(who("reader"), permission, None) == "forbidden"
    assert outcome(watcher, "backend:write", None) == "forbidden"
    assert outcome(watcher, "volume:read", "ours") == "not_found"


def test_forbidden_names_the_roles_that_would_do() -> None:
    with pytest.raises(Forbidden, match="admin, manager, service"):
        authorise(who("reader"), "host:create", "ours")


def test_an_unknown_permission_is_a_mistake_in_the_program() -> None:
    with pytest.raises(ValueError, match="volume:fly"):
        authorise(who("admin"), "volume:fly", None)
    with pytest.raises(ValueError, match="volume:fly"):
        allowed(["admin"], "volume:fly")


def test_nobody_hands_out_more_than_they_have() -> None:
    grants = {
        "admin": {"admin", "manager", "member", "reader", "service"},
        "manager": {"manager", "member", "reader", "service"},
        "member": {"member"},
    }
    for role, others in grants.items():
        for other in ROLES:
            if other in others:
                authorise_grant(who(role), [other])
            elif other == "admin":
                with pytest.raises(Forbidden):
                    authorise_grant(who(role), ["reader", other])


def test_a_manager_cannot_act_as_an_administrator_of_the_same_tenant() -> None:
    with pytest.raises(Forbidden, match="the role admin may do more than you"):
        authorise_grant(who("manager"), ("member", "admin"))


def test_an_unknown_role_cannot_be_granted() -> None:
    with pytest.raises(Invalid, match="no role 'root'"):
        authorise_grant(who("admin"), ["root"])


def test_lists_show_the_own_tenant_and_to_administrators_all() -> None:
    assert visible_tenant(who("member")) == "ours"
    assert visible_tenant(who("admin")) is None
    assert visible_tenant(who("admin", tenant=None)) is None
    with pytest.raises(Forbidden):
        visible_tenant(who("reader", tenant=None))


def test_who_must_change_the_password_has_that_one_right() -> None:
    bound = who(MUST_CHANGE_PASSWORD)
    for permission in TABLE:
        expected = "ok" if permission in ("user:own", "token:own") else "password_change_required"
        assert outcome(bound, permission, "ours") == expected, permission
        assert outcome(bound, permission, "theirs") == "not_found"
    assert outcome(who(MUST_CHANGE_PASSWORD, tenant=None), "user:own", None) == "ok"
    assert not bound.is_admin


def test_the_duty_to_change_the_password_is_no_role() -> None:
    with pytest.raises(Invalid):
        authorise_grant(who("admin", tenant=None), [MUST_CHANGE_PASSWORD])
    with pytest.raises(Forbidden):
        authorise_grant(who(MUST_CHANGE_PASSWORD), ["reader"])


@pytest.mark.parametrize("role", ["manager", "member", "reader", "service"])
def test_a_manager_makes_any_user_of_the_own_tenant_but_an_administrator(role: str) -> None:
    authorise_grant(who("manager"), [role])
    with pytest.raises(Forbidden):
        authorise_grant(who("manager"), [role, "admin"])


@pytest.mark.parametrize("role", ["reader", "service"])
def test_who_is_bound_to_no_tenant_gives_nobody_a_look_at_the_installation_without_having_one(role: str) -> None:
    with pytest.raises(Forbidden, match="backend:read"):
        authorise_grant(who("manager", tenant=None), [role])
