"""Users, and who a caller is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, bindparam, or_, select, update

from ..context import MUST_CHANGE_PASSWORD, Context, new_request_id
from ..errors import Conflict, Invalid, NotFound, Unauthenticated
from ..model.identity import new_id, now
from ..model.page import Query
from ..model.request import Changes, Credential, UserRequest
from ..model.tenant import LONGEST_PASSWORD, SHORTEST_PASSWORD, Role, User, standing
from ..runtime.parts import Parts
from ..security.credentials import VerifiedCredentials
from ..security.lockout import Attempts, LockOut
from ..security.passwords import hash_password
from ..security.policy import allowed, authorise, authorise_grant, visible_tenant
from ..security.strangers import Strangers
from ..security.tokens import is_token, token_hash
from ..store import nouns, schema
from ..store.database import Tx
from ..store.statement import Statement
from .checks import check_metadata, check_name
from .collection import Collection, named
from .placing import hold_tenant
from .references import tenant_id

_users, _tokens, _tenants = schema.users, schema.tokens, schema.tenants
_NO_FAILURES: Mapping[str, Any] = {"failures": 0, "last_failure": None, "locked_until": None}
_acting_for = or_(
    _tenants.c.id == _tokens.c.tenant,
    and_(_tokens.c.tenant.is_(None), or_(_tenants.c.name == bindparam("wanted"), _tenants.c.id == bindparam("wanted"))),
)
_HOLDER = Statement(
    select(
        _tokens.c.tenant,
        _tokens.c.user,
        _tokens.c.roles,
        _tokens.c.expires_at,
        _users.c.enabled,
        _users.c.roles,
        _users.c.must_change_password,
        _tenants.c.id,
        _tenants.c.name,
        _tenants.c.enabled,
    )
    .join(_users, _users.c.id == _tokens.c.user)
    .outerjoin(_tenants, _acting_for)
    .where(_tokens.c.hash == bindparam("hash"))
)
"""Asked at every request, so one statement: a logout or a disabled user counts at once, everywhere."""


class Users(Collection[User]):
    def __init__(self, parts: Parts) -> None:
        filters = ("name", "tenant", "enabled")
        super().__init__(parts, nouns.users, "user", named=True, filters=filters, references={"tenant": tenant_id})
        self._verified = VerifiedCredentials()
        self._lock_out = LockOut()
        self._strangers = Strangers(self._lock_out)

    def admit(self, context: Context) -> None:
        authorise(context, "user:own", context.tenant)

    def get(self, context: Context, identifier: str) -> User:
        """A user by id or name. Everybody may read the own account, by its id."""
        with self.parts.database.read() as tx:
            return self.seen(tx, context, identifier, "own" if identifier == context.user else "read")

    def visible(self, context: Context, query: Query) -> Sequence[ColumnElement[bool]]:
        """Managers see the users of their tenant; others, and who is bound to no tenant, see themselves."""
        if not allowed(context.roles, "user:read") or not (context.is_admin or context.tenant):
            return (_users.c.id == context.user,)
        tenant = visible_tenant(context)
        return () if tenant is None else (_users.c.tenant == tenant,)

    def authenticate(
        self, credential: Credential, *, tenant: str | None = None, request_id: str | None = None
    ) -> Context:
        """Who shows this credential; raises `Unauthenticated`, with no hint at what was wrong with it.

        `tenant` (id or name) is the one an administrator of the installation wants to act for; others may only name
        their own.
        """
        if credential.token is not None:
            return self._by_token(credential.token, tenant, request_id or new_request_id())
        if credential.user is not None and credential.password is not None:
            context = self._by_password(credential.user, credential.password)
            with self.parts.database.read() as tx:
                acting = self._acting(tx, context, tenant)
            return Context(acting, context.user, context.roles, request_id or new_request_id())
        raise _unknown()

    def create(self, context: Context, wanted: UserRequest) -> User:
        moment = now()
        authorise(context, "user:create", wanted.tenant)
        authorise_grant(context, wanted.roles)
        _refuse_bound_administrator(wanted.roles, wanted.tenant)
        if not wanted.roles:
            raise Invalid("A user needs at least one role.", field="roles")
        user = User(
            id=new_id(),
            name=_check_user_name(wanted.name),
            tenant=wanted.tenant,
            roles=tuple(dict.fromkeys(wanted.roles)),
            created_at=moment,
            updated_at=moment,
            has_password=wanted.password is not None,
            must_change_password=wanted.must_change_password,
            enabled=wanted.enabled,
            metadata=check_metadata(wanted.metadata),
        )
        password = None if wanted.password is None else hash_password(check_password(wanted.password))

        def work(tx: Tx) -> User:
            if wanted.tenant is not None:
                try:
                    hold_tenant(tx, wanted.tenant)
                except NotFound as missing:
                    raise Invalid(missing.message, field="tenant") from None
            nouns.users.insert(tx, user, password=password, failures=0)
            self.parts.happened(tx, "user.created", user, context)
            return user

        return self.changed(work, user.name)

    def update(self, context: Context, user: str, changes: Changes, *, if_version: int | None = None) -> User:
        """New values; a new password or a disabled user counts at once and everywhere."""
        values: dict[str, Any] = {}
        if changes.metadata is not None:
            values["metadata"] = check_metadata(changes.metadata)
        if changes.enabled is not None:
            values["enabled"] = changes.enabled
        if changes.roles is not None:
            authorise_grant(context, changes.roles)
            values["roles"] = tuple(dict.fromkeys(changes.roles))
        if changes.password is not None:
            if context.must_change_password and user == context.user:
                self._require_another(user, changes.password)
            values |= {"password": hash_password(check_password(changes.password)), "has_password": True}
            values |= {"must_change_password": False, **_NO_FAILURES}
        if changes.must_change_password is not None:
            values["must_change_password"] = changes.must_change_password
        if changes.unlock:
            values |= _NO_FAILURES
        own = changes == Changes(password=changes.password) and user == context.user

        def beside(tx: Tx, before: User) -> None:
            if not context.must_change_password:
                authorise_grant(context, before.roles)
            _refuse_bound_administrator(changes.roles or (), before.tenant)
            if changes.password is not None:
                # Made with the password that had to be changed, and for that alone.
                lent = named(_tokens.c.roles, MUST_CHANGE_PASSWORD)
                tx.execute(_tokens.delete().where(_tokens.c.user == before.id, lent))
            _keep_an_administrator(tx, before)

        changed = self.change_now(
            context, user, values, if_version=if_version, verb="own" if own else "update", beside=beside
        )
        self._verified.forget(changed.id)
        return changed

    def delete(self, context: Context, user: str, *, if_version: int | None = None) -> None:
        """Remove a user; its tokens die with it."""

        def work(tx: Tx) -> str:
            known = self.seen(tx, context, user, "delete")
            authorise_grant(context, known.roles)
            if not nouns.users.change(tx, known.id, if_version=if_version, enabled=False):
                nouns.users.require_version(tx, known.id, if_version)
            tx.execute(_tokens.delete().where(_tokens.c.user == known.id))
            nouns.users.delete(tx, known.id)
            _keep_an_administrator(tx, known)
            self.parts.happened(tx, "user.deleted", known, context)
            return known.id

        self._verified.forget(self.parts.database.change(work, durable=True))

    def _require_another(self, user: str, password: str) -> None:
        """Refuse the password that was to be changed: whoever gave it still knows it."""
        with self.parts.database.read() as tx:
            stored = tx.execute(select(_users.c.password).where(_users.c.id == user)).scalar()
        if stored is not None and self._verified.verify(user, password, stored):
            raise Invalid(
                "The new password is the one that must be changed.", next_step="Choose another one.", field="password"
            )

    def _by_token(self, token: str, wanted: str | None, request_id: str) -> Context:
        if not is_token(token):
            raise _unknown()
        with self.parts.database.read() as tx:
            found = tx.execute(_HOLDER, {"hash": token_hash(token), "wanted": wanted}).first()
        if found is None:
            raise _unknown()
        bound_to, user, given, expires_at, enabled, own, must_change, acting, name, is_open = found
        if not enabled or (expires_at is not None and expires_at <= now()):
            raise _unknown()
        # A role that was taken from the user counts no longer, whatever the token says.
        held = frozenset(standing(own, bound_to))
        roles = frozenset(standing(given, bound_to)) & held
        if must_change:
            # A token that has less than its user must not win the rest by setting the password.
            whole = MUST_CHANGE_PASSWORD in given or roles == held
            roles = frozenset({MUST_CHANGE_PASSWORD} if whole else ())
        if bound_to is None:
            if wanted is not None and (acting is None or Role.ADMIN not in roles):
                raise _no_tenant(wanted)
        elif not is_open or wanted not in (None, acting, name):
            raise _unknown()
        return Context(acting, user, roles, request_id)

    def _by_password(self, name: str, password: str) -> Context:
        statement = select(_users.c.id, _users.c.password).where(_users.c.name == name)
        with self.parts.database.read() as tx:
            row = tx.execute(statement).first()
            user = None if row is None else nouns.users.find(tx, row.id)
            attempts = Attempts() if row is None else _attempts(tx, row.id)
        moment = now()
        if row is None or user is None or not user.enabled:
            attempts = self._strangers.attempts(name)
            if attempts.locked(moment):
                raise _locked(attempts, moment)
            self._verified.verify("", password, None)
            self._strangers.failed(name, moment)
            raise _unknown()
        if row.password is not None and self._verified.known(user.id, password, row.password):
            return Context(user.tenant, user.id, _roles(user))
        if attempts.locked(moment):
            raise _locked(attempts, moment)
        if not self._verified.verify(user.id, password, row.password):
            self._failed(user.id, moment)
            raise _unknown()
        if attempts.failures:
            self.parts.database.change(lambda tx: tx.execute(_of(user.id).values(**_NO_FAILURES)))
        return Context(user.tenant, user.id, _roles(user))

    def _failed(self, user: str, moment: datetime) -> None:
        """Count a wrong password; those that were checked side by side count each."""

        def count(tx: Tx) -> None:
            while True:
                before = _attempts(tx, user)
                after = self._lock_out.failed(before, moment)
                counted = _of(user).values(
                    failures=after.failures, last_failure=after.last_failure, locked_until=after.locked_until
                )
                if after == before or tx.execute(counted.where(_users.c.failures == before.failures)).rowcount:
                    return

        self.parts.database.change(count)

    def _acting(self, tx: Tx, context: Context, wanted: str | None) -> str | None:
        """The tenant to act for: the caller's own, or the one an administrator names."""
        if context.tenant is not None or wanted is None:
            own = None if context.tenant is None else nouns.tenants.find(tx, context.tenant)
            if context.tenant is not None and (own is None or not own.enabled):
                raise _unknown()
            if wanted is not None and own is not None and wanted not in (own.id, own.name):
                raise _unknown()
            return context.tenant
        tenant = nouns.tenant_by_name.find(tx, wanted) or nouns.tenants.find(tx, wanted)
        if tenant is None or not context.is_admin:
            raise _no_tenant(wanted)
        return tenant.id


def _of(user: str) -> Update:
    return update(_users).where(_users.c.id == user)


def _attempts(tx: Tx, user: str) -> Attempts:
    """How often the user's password was wrong so far; none when there is no such user any more."""
    columns = (_users.c.failures, _users.c.last_failure, _users.c.locked_until)
    row = tx.execute(select(*columns).where(_users.c.id == user)).first()
    return Attempts() if row is None else Attempts(*row)


def _keep_an_administrator(tx: Tx, changed: User) -> None:
    """Refuse what would leave nobody who can administer the installation.

    The administrators' rows are touched first: two of them cannot remove each other at once.
    """
    if Role.ADMIN.value not in changed.roles or changed.tenant is not None:
        return
    able = and_(_users.c.tenant.is_(None), _users.c.enabled.is_(True))
    administrators = and_(able, named(_users.c.roles, Role.ADMIN.value))
    tx.execute(update(_users).where(administrators).values(enabled=True))
    if tx.execute(select(_users.c.id).where(administrators).limit(1)).first() is None:
        raise Conflict(
            "This is the last administrator of the installation.", next_step="Make another administrator first."
        )


def _refuse_bound_administrator(roles: Iterable[str], tenant: str | None) -> None:
    if tenant is not None and Role.ADMIN in roles:
        raise Invalid(
            "A user of a tenant does not administer the installation.",
            next_step="Give the role manager, or make a user who is bound to no tenant.",
            field="roles",
        )


def _roles(user: User) -> frozenset[str]:
    """What a user who showed the password may do."""
    return frozenset({MUST_CHANGE_PASSWORD} if user.must_change_password else user.roles)


def _check_user_name(name: str) -> str:
    """A name with which one can sign in: Basic credentials end the name at the first colon (RFC 7617, 2)."""
    if ":" in check_name(name):
        raise Invalid(
            "The name of a user has no colon.",
            next_step="Use 1 to 255 printable characters without colons.",
            field="name",
        )
    return name


def check_password(password: str) -> str:
    """At least 12 characters; raises `Invalid` without repeating it."""
    if not isinstance(password, str) or not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(
            f"The password must have at least {SHORTEST_PASSWORD} characters.",
            next_step="Use a long phrase or a generated password.",
            field="password",
        )
    return password


def _locked(attempts: Attempts, moment: datetime) -> Unauthenticated:
    seconds = attempts.retry_after(moment)
    return Unauthenticated("Too many failed attempts.", next_step=f"Try again in {seconds} s.", retry_after=seconds)


def _no_tenant(wanted: str) -> Unauthenticated:
    return Unauthenticated(f"There is no tenant {wanted} to act for.", next_step="Check the tenant's name.")


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "The credentials are not valid.", next_step="Check the token, or the user's name and password."
    )
