"""Who may do what: one table, and the rule that a tenant's things do not exist for anybody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from ..context import Context
from ..errors import Forbidden, Invalid, NotFound, PasswordChangeRequired
from ..model.tenant import Role


class Reach(Enum):
    """Whose things a permission is about."""

    OWNED = "owned"
    """Things of a tenant. To all other tenants they are not there; an administrator reaches them all."""

    COMMON = "common"
    """As `OWNED`, but what belongs to the installation may be used by every tenant (hosts)."""

    SECRET = "secret"  # noqa: S105 a word, no secret
    """As `OWNED`, but not even an administrator reaches into another tenant."""

    SHARED = "shared"
    """Things of the installation that every tenant lives with (pools, profiles)."""

    INSTALLATION = "installation"
    """Things of the installation for administrators and for users who are bound to no tenant."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The roles that have a permission, and its reach."""

    roles: frozenset[Role]
    reach: Reach


_ADMIN = frozenset({Role.ADMIN})
_MANAGERS = _ADMIN | {Role.MANAGER, Role.SERVICE}
_MEMBERS = _MANAGERS | {Role.MEMBER}
_EVERYONE = _MEMBERS | {Role.READER}
_WATCHERS = _ADMIN | {Role.READER, Role.SERVICE}


def _rules(reach: Reach, kinds: Mapping[str, Mapping[str, frozenset[Role]]]) -> dict[str, Rule]:
    return {
        f"{kind}:{verb}": Rule(roles, reach)
        for kind, verbs in kinds.items()
        for names, roles in verbs.items()
        for verb in names.split()
    }


TABLE: Mapping[str, Rule] = {
    **_rules(
        Reach.OWNED,
        {
            "volume": {"read": _EVERYONE, "create update extend revert delete": _MEMBERS},
            "snapshot": {"read": _EVERYONE, "create update delete": _MEMBERS},
            "attachment": {"read": _EVERYONE, "create update delete": _MEMBERS},
            "host": {"create update delete": _MANAGERS},
            "operation": {"read": _EVERYONE, "cancel retry": _MEMBERS, "abandon": _MANAGERS},
            "message": {"read": _EVERYONE},
            "event": {"read": _EVERYONE},
            "tenant": {"read": _EVERYONE, "create update delete": _ADMIN},
            "limit": {"read": _EVERYONE, "write": _ADMIN},
            "user": {"own": _EVERYONE, "read create update delete": _MANAGERS},
            "token": {"own": _EVERYONE, "read create delete": _MANAGERS},
        },
    ),
    **_rules(Reach.COMMON, {"host": {"read": _EVERYONE}}),
    **_rules(Reach.SECRET, {"attachment": {"connection": _MEMBERS}}),
    **_rules(
        Reach.SHARED,
        {"pool": {"read": _EVERYONE}, "profile": {"read": _EVERYONE}},
    ),
    **_rules(
        Reach.INSTALLATION,
        {
            "pool": {"write": _ADMIN},
            "profile": {"write": _ADMIN},
            "backend": {"read": _WATCHERS, "write": _ADMIN},
            "system": {"read": _WATCHERS, "write": _ADMIN},
            "plugin": {"read": _WATCHERS, "write": _ADMIN},
            "metrics": {"read": _WATCHERS},
            "doctor": {"read": _WATCHERS},
        },
    ),
}
"""Every permission there is. `user:own` and `token:own` are about the caller's own account, password and tokens."""

_BEFORE_THE_CHANGE = frozenset({"user:own", "token:own"})


def allowed(roles: Iterable[str], permission: str) -> bool:
    """Whether one of `roles` has `permission`, whoever owns the thing. Unknown roles have none.

    Raises ValueError for a permission that is not in the table: a mistake in the program, never an answer.
    """
    return not _rule(permission).roles.isdisjoint(roles)


def authorise(context: Context, permission: str, tenant: str | None) -> None:
    """Let the caller pass, or raise.

    `tenant` owns the thing, or is to own it; None stands for the installation. To list or to create, pass the
    tenant asked for (the caller's own by default). For a thing of another tenant the answer is `NotFound`, whatever
    the roles, exactly as if it were not there; `Forbidden` comes only for what the caller may know of, with the
    permission in its details.
    """
    rule = _rule(permission)
    own = tenant == context.tenant
    if not own and tenant is not None and not context.is_admin:
        raise _absent()
    if context.must_change_password:
        if own and permission in _BEFORE_THE_CHANGE:
            return
        raise _unchanged(context)
    if rule.roles.isdisjoint(context.roles):
        raise Forbidden(
            f"{permission} needs one of the roles {', '.join(sorted(rule.roles))}",
            next_step=_whom_to_ask(rule),
            permission=permission,
        )
    if own or rule.reach is Reach.SHARED or (rule.reach is Reach.COMMON and tenant is None):
        return
    if context.is_admin:
        if rule.reach is not Reach.SECRET:
            return
        raise Forbidden(
            "the secrets of an attachment are given only to the tenant that owns it",
            next_step="Ask with a user or token of that tenant.",
        )
    # What is left is a thing of the installation and a caller who is bound to a tenant.
    if rule.reach is Reach.INSTALLATION or _common(permission):
        raise Forbidden(
            f"{permission} on what belongs to the installation is for administrators",
            next_step="Ask an administrator.",
            permission=permission,
        )
    raise _absent()


def authorise_grant(context: Context, roles: Iterable[str]) -> None:
    """Check that the caller hands out no more than the caller has. Call it after `authorise`.

    To be asked when a user or token is made or given roles, and, with the roles that the user already has, before
    anything is done to a user that would let the caller act as that user (a password, a token): otherwise a
    manager could sign in as an administrator of the same tenant. Raises `Invalid` for an unknown role, else
    `Forbidden`.
    """
    for role in roles:
        if role not in _ROLES:
            raise Invalid(f"there is no role {role!r}", next_step=f"Use one of {', '.join(sorted(_ROLES))}.")
        if context.must_change_password:
            raise _unchanged(context)
        beyond = [
            name
            for name, rule in TABLE.items()
            if role in rule.roles
            and rule.roles.isdisjoint(context.roles)
            # Whom a tenant's manager makes is of that tenant too, where these permissions are of no effect.
            and not (rule.reach is Reach.INSTALLATION and context.tenant is not None)
        ]
        if beyond:
            raise Forbidden(
                f"the role {role} may do more than you ({beyond[0]}, for example)",
                next_step="Ask an administrator.",
            )


def visible_tenant(context: Context) -> str | None:
    """The tenant whose things the caller's lists are made of; None means every tenant, for administrators only.

    Raises `Forbidden` for a caller who is no administrator and is bound to no tenant.
    """
    if context.is_admin or context.tenant is not None:
        return None if context.is_admin else context.tenant
    raise Forbidden("you are bound to no tenant", next_step="Use a user or token of the tenant.")


_ROLES = frozenset(role.value for role in Role)


def _rule(permission: str) -> Rule:
    rule = TABLE.get(permission)
    if rule is None:
        raise ValueError(f"no permission {permission!r} in the table")
    return rule


def _whom_to_ask(rule: Rule) -> str:
    """Who can do it for the caller."""
    managed = Role.MANAGER in rule.roles
    return "Ask a manager of the tenant or an administrator." if managed else "Ask an administrator."


def _common(permission: str) -> bool:
    """Whether tenants see the installation's things of this kind."""
    reading = TABLE.get(f"{permission.partition(':')[0]}:read")
    return reading is not None and reading.reach is Reach.COMMON


def _unchanged(context: Context) -> PasswordChangeRequired:
    return PasswordChangeRequired(
        "The password must be changed before anything else is allowed.",
        next_step="Set a new password for your own user, then sign in again.",
        user=context.user,
    )


def _absent() -> NotFound:
    return NotFound("there is no such thing", next_step="Check the id and the tenant you act for.")
