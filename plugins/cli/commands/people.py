"""`isthmus tenant`, `isthmus limit`, `isthmus user` and `isthmus token`."""

from __future__ import annotations

import sys

import click

from ....core.model.request import Changes, TenantRequest, TokenRequest, UserRequest
from ....core.model.tenant import Role
from ..command import Group, answer, listed, pass_session
from ..document import details
from ..listing import show_list
from ..naming import Names
from ..output import show_json, table
from ..session import Session
from ..sizes import Duration, Size

_TENANTS = (("ID", "id"), ("NAME", "name"), ("ENABLED", "enabled"), ("DESCRIPTION", "description"))
_USERS = (("ID", "id"), ("NAME", "name"), ("TENANT", "tenant"), ("ROLES", "roles"), ("ENABLED", "enabled"))
_TOKENS = (("ID", "id"), ("NAME", "name"), ("USER", "user"), ("ROLES", "roles"), ("EXPIRES", "expires_at"))
_LIMITS = (("VOLUMES", "volumes"), ("OF", "max_volumes"), ("SIZE", "bytes"), ("OF", "max_bytes"))
_ROLES = click.Choice([role.value for role in Role])
_NO_LIMIT = -1


class _OrNone(click.ParamType[int]):
    """A number as `amount` reads it, or the word `none`, which is `_NO_LIMIT`."""

    def __init__(self, amount: click.ParamType[int]) -> None:
        self._amount = amount
        self.name = f"{amount.name}|none"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return _NO_LIMIT if value == "none" else int(self._amount.convert(value, param, ctx))


def password(asked: bool) -> str | None:
    """A password, asked for twice, or one line of standard input where nobody can be asked."""
    if not asked:
        return None
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


@click.group(cls=Group)
def tenant() -> None:
    """Owners of resources, kept apart from each other."""


@tenant.command("list")
@listed
@pass_session
def tenants(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List tenants."""
    show_list(
        session, session.administration.tenants.list, _TENANTS, everything=everything, limit=limit, sort=sort,
        filters=filters,
    )  # fmt: skip


@tenant.command("show")
@click.argument("tenant")
@pass_session
def show_tenant(session: Session, tenant: str) -> None:
    """Show one tenant, by name or id."""
    answer(session, session.administration.tenants.get(tenant))


@tenant.command("create")
@click.argument("name")
@click.option("--description", default="")
@pass_session
def create_tenant(session: Session, name: str, description: str) -> None:
    """Make a tenant."""
    answer(session, session.administration.tenants.create(TenantRequest(name, description)))


@tenant.command("enable")
@click.argument("tenant")
@pass_session
def enable_tenant(session: Session, tenant: str) -> None:
    """Let the tenant's users in again."""
    answer(session, session.administration.tenants.update(tenant, Changes(enabled=True)))


@tenant.command("disable")
@click.argument("tenant")
@pass_session
def disable_tenant(session: Session, tenant: str) -> None:
    """Refuse the tenant's users and tokens at once; its volumes go on serving."""
    answer(session, session.administration.tenants.update(tenant, Changes(enabled=False)))


@tenant.command("delete")
@click.argument("tenant")
@pass_session
def delete_tenant(session: Session, tenant: str) -> None:
    """Delete a tenant that owns nothing, with its users."""
    session.administration.tenants.delete(tenant)
    click.echo("Deleted.")


@click.group(cls=Group)
def limit() -> None:
    """How much may be had, and is."""


@limit.command("list")
@click.option("--of", "tenant", help="Another tenant's (administrators).")
@pass_session
def limits(session: Session, tenant: str | None) -> None:
    """Show usage and limits."""
    found = session.administration.tenants.limits(tenant) if tenant else session.storage.limits.list()
    if session.as_json:
        show_json(list(found))
    else:
        table((("PROFILE", "profile", Names(session).limited), *_LIMITS), found)


@limit.command("set")
@click.argument("tenant")
@click.option("--profile", help="For this profile only.")
@click.option(
    "--volumes", type=_OrNone(click.IntRange(0)), metavar="COUNT|none", help="The most volumes; none for no limit."
)
@click.option("--size", type=_OrNone(Size()), metavar="SIZE|none", help="The most bytes; none for no limit.")
@pass_session
def set_limit(session: Session, tenant: str, profile: str | None, volumes: int | None, size: int | None) -> None:
    """Limit a tenant (administrators). What it has beyond the limit stays, and so does a limit that is not named."""
    if volumes is None and size is None:
        raise click.UsageError("Give --volumes, --size or both; the word none lifts a limit.")
    administration = session.administration
    kept = None if profile is None else session.storage.profiles.get(profile).id
    before = next((each for each in administration.tenants.limits(tenant) if each.profile == kept), None)
    found = administration.tenants.set_limit(
        tenant,
        kept,
        max_volumes=_most(volumes, before.max_volumes if before else None),
        max_bytes=_most(size, before.max_bytes if before else None),
    )
    answer(session, found, lambda limit: details(limit, said={"profile": Names(session).limited(limit.profile)}))


def _most(given: int | None, before: int | None) -> int | None:
    return before if given is None else None if given == _NO_LIMIT else given


@click.group(cls=Group)
def user() -> None:
    """Who may sign in, and what they may do."""


@user.command("list")
@listed
@pass_session
def users(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List users."""
    show_list(
        session, session.administration.users.list, _USERS, everything=everything, limit=limit, sort=sort,
        filters=filters,
    )  # fmt: skip


@user.command("create")
@click.argument("name")
@click.option("--of", "tenant", help="The tenant (id or name); the one you act for without it.")
@click.option("--installation", is_flag=True, help="Of no tenant: for administrators, and for watching everything.")
@click.option(
    "--role", "roles", type=_ROLES, multiple=True, required=True, help="May be repeated; none above your own."
)
@click.option("--password", "asked", is_flag=True, help="Ask for a password; without one only tokens work.")
@click.option("--must-change-password", is_flag=True, help="Nothing is allowed before another is chosen.")
@pass_session
def create_user(
    session: Session,
    name: str,
    tenant: str | None,
    installation: bool,
    roles: tuple[str, ...],
    asked: bool,
    must_change_password: bool,
) -> None:
    """Make a user."""
    if tenant and installation:
        raise click.UsageError("A user is of a tenant or of the installation, not of both.")
    owner = session.administration.tenants.get(tenant).id if tenant else session.context.tenant
    if installation:
        owner = None
    wanted = UserRequest(name, owner, roles, password(asked), must_change_password)
    answer(session, session.administration.users.create(wanted))


@user.command("update")
@click.argument("user")
@click.option("--role", "roles", type=_ROLES, multiple=True, help="All that it is to have; may be repeated.")
@click.option("--password", "asked", is_flag=True, help="Ask for a new password.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it may sign in.")
@click.option(
    "--must-change-password/--may-keep-password",
    "must_change",
    default=None,
    help="Whether it must choose another password before anything else.",
)
@click.option("--unlock", is_flag=True, help="Forget wrong passwords, so that it need not wait.")
@pass_session
def update_user(
    session: Session,
    user: str,
    roles: tuple[str, ...],
    asked: bool,
    enabled: bool | None,
    must_change: bool | None,
    unlock: bool,
) -> None:
    """Change a user's roles, password or state; it counts at once."""
    changes = Changes(
        roles=roles or None,
        password=password(asked),
        enabled=enabled,
        must_change_password=must_change,
        unlock=unlock or None,
    )
    answer(session, session.administration.users.update(user, changes))


@user.command("delete")
@click.argument("user")
@pass_session
def delete_user(session: Session, user: str) -> None:
    """Delete a user with its tokens."""
    session.administration.users.delete(user)
    click.echo("Deleted.")


@click.group(cls=Group)
def token() -> None:
    """Credentials for programs."""


@token.command("list")
@listed
@pass_session
def tokens(session: Session, everything: bool, limit: int, sort: str, filters: tuple[str, ...]) -> None:
    """List tokens; their texts are known to nobody but their holders."""
    show_list(
        session, session.administration.tokens.list, _TOKENS, everything=everything, limit=limit, sort=sort,
        filters=filters,
    )  # fmt: skip


@token.command("create")
@click.argument("name")
@click.option("--user", help="For this user (name or id); for yourself without it.")
@click.option("--role", "roles", type=_ROLES, multiple=True, help="At most the user's own; may be repeated.")
@click.option("--lifetime", type=Duration(), help="For example 12h or 30d; for ever without it.")
@pass_session
def create_token(session: Session, name: str, user: str | None, roles: tuple[str, ...], lifetime: int | None) -> None:
    """Make a token and print it, this once."""
    made, text = session.administration.tokens.create(TokenRequest(name, user, roles, lifetime))
    if session.as_json:
        show_json({"id": made.id, "name": made.name, "token": text})
        return
    click.echo(text)
    click.echo(f"Keep it now: it is not shown again. Revoke it with `isthmus token revoke {made.id}`.", err=True)


@token.command("revoke")
@click.argument("token")
@pass_session
def revoke_token(session: Session, token: str) -> None:
    """End a token (by its id) at once and everywhere."""
    session.administration.tokens.revoke(token)
    click.echo("Revoked.")
