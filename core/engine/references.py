"""What a list may be filtered by under its name as well as its id: profiles, back ends, tenants and users."""

from __future__ import annotations

from collections.abc import Callable

from ..context import Context
from ..errors import NotFound
from ..security.policy import authorise
from ..store import nouns
from ..store.database import Tx
from .placing import find_profile

Reference = Callable[[Tx, Context, str], str]
"""The id of what is named by id or name; raises `NotFound` for what the caller may not know of, too."""


def profile_id(tx: Tx, context: Context, wanted: str) -> str:
    return find_profile(tx, context, wanted).id


def backend_id(tx: Tx, context: Context, wanted: str) -> str:
    """Ids stand in every pool; names are for who may read back ends."""
    known = nouns.backends.find(tx, wanted)
    if known is None:
        authorise(context, "backend:read", None)
        known = nouns.backend_by_name.find(tx, wanted)
    if known is None:
        raise NotFound(f"There is no back end {wanted}.")
    return known.id


def tenant_id(tx: Tx, context: Context, wanted: str) -> str:
    known = nouns.tenants.find(tx, wanted) or nouns.tenant_by_name.find(tx, wanted)
    if known is None or not _known(context, "tenant:read", known.id):
        raise NotFound(f"There is no tenant {wanted}.")
    return known.id


def user_id(tx: Tx, context: Context, wanted: str) -> str:
    known = nouns.users.find(tx, wanted) or nouns.user_by_name.find(tx, wanted)
    if known is None or not (known.id == context.user or _known(context, "user:read", known.tenant)):
        raise NotFound(f"There is no user {wanted}.")
    return known.id


def _known(context: Context, permission: str, tenant: str | None) -> bool:
    try:
        authorise(context, permission, tenant)
    except NotFound:
        return False
    return True
