"""Tokens: credentials that programs show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement

from ..context import MUST_CHANGE_PASSWORD, Context
from ..errors import Invalid, NotFound
from ..model.identity import new_id, now
from ..model.page import Query
from ..model.request import TokenRequest
from ..model.tenant import Token
from ..runtime.parts import Parts
from ..security.policy import allowed, authorise, authorise_grant, visible_tenant
from ..security.tokens import new_token, token_hash
from ..store import nouns, schema
from ..store.database import Tx
from .checks import check_name
from .collection import Collection
from .references import user_id

_LONGEST = 10 * 365 * 24 * 3600


class Tokens(Collection[Token]):
    """Everybody manages the own tokens, managers those of their tenant."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, nouns.tokens, "token", filters=("user", "name"), references={"user": user_id})

    def admit(self, context: Context) -> None:
        authorise(context, "token:own", context.tenant)

    def visible(self, context: Context, query: Query) -> Sequence[ColumnElement[bool]]:
        tenant = visible_tenant(context)
        if not allowed(context.roles, "token:read"):
            return (schema.tokens.c.user == context.user,)
        return () if tenant is None else (schema.tokens.c.tenant == tenant,)

    def create(self, context: Context, wanted: TokenRequest) -> tuple[Token, str]:
        """A new token for a user, with at most the user's roles; its text is returned this once."""
        with self.parts.database.read() as tx:
            user = nouns.users.find(tx, wanted.user or context.user)
            if user is None and wanted.user is not None:
                user = nouns.user_by_name.find(tx, wanted.user)
        absent = NotFound(f"There is no user {wanted.user or context.user}.")
        if user is None:
            raise absent
        verb = "own" if user.id == context.user else "create"
        try:
            authorise(context, f"token:{verb}", user.tenant if verb == "create" else context.tenant)
        except NotFound:
            raise absent from None
        if verb == "create":
            authorise_grant(context, user.roles)
        roles = tuple(dict.fromkeys(wanted.roles)) or tuple(
            role for role in user.roles if verb == "create" or role in context.roles
        )
        if context.must_change_password:
            # It serves to change the password and is worth nothing once that is done: who knew no more than the old
            # one keeps nothing.
            roles = (MUST_CHANGE_PASSWORD,)
        else:
            authorise_grant(context, roles)
        if not set(roles) - {MUST_CHANGE_PASSWORD} <= set(user.roles):
            raise Invalid(f"The user has only the roles {', '.join(user.roles)}.", field="roles")
        if wanted.lifetime is not None and not 0 < wanted.lifetime <= _LONGEST:
            raise Invalid("The lifetime is from 1 second to 10 years.", field="lifetime")
        text, moment = new_token(), now()
        token = Token(
            id=new_id(),
            user=user.id,
            tenant=user.tenant,
            roles=roles,
            name=check_name(wanted.name),
            created_at=moment,
            expires_at=None if wanted.lifetime is None else moment + timedelta(seconds=wanted.lifetime),
        )

        def work(tx: Tx) -> None:
            nouns.tokens.insert(tx, token, hash=token_hash(text))
            self.parts.happened(tx, "token.created", token, context)

        self.parts.database.change(work, durable=True)
        return token, text

    def revoke(self, context: Context, token: str) -> None:
        """End a token at once and everywhere; absent is success."""
        with self.parts.database.read() as tx:
            known = nouns.tokens.find(tx, token)
        if known is None:
            return
        if known.user == context.user:
            authorise(context, "token:own", context.tenant)
        else:
            try:
                authorise(context, "token:delete", known.tenant)
            except NotFound:
                return

        def work(tx: Tx) -> None:
            if nouns.tokens.delete(tx, known.id):
                self.parts.happened(tx, "token.revoked", known, context)

        self.parts.database.change(work, durable=True)
