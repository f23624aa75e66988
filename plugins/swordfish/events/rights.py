"""What a subscriber may see: the rights of now, not those at the time of asking."""

from __future__ import annotations

from ....adapters.contract import Adapter
from ....core.context import MUST_CHANGE_PASSWORD, Context
from ....core.errors import Forbidden, NotFound
from ..accounts.privileges import standing

KEEPER = Context(None, "swordfish", frozenset({"admin"}))
"""On whose behalf the plugin looks after all subscriptions."""


def rights_of(adapter: Adapter, user: str, tenant: str | None) -> Context | None:
    """The user as one who logs in now; None where the user or the tenant is gone.

    Raises `Forbidden` while either is disabled.
    """
    administration = adapter.administration(KEEPER)
    try:
        known = administration.users.get(user)
        allowed = known.enabled and (tenant is None or administration.tenants.get(tenant).enabled)
    except NotFound:
        return None
    if not allowed:
        raise Forbidden("The account or its tenant is disabled.")
    roles = (MUST_CHANGE_PASSWORD,) if known.must_change_password else known.roles
    return standing(Context(tenant, user, frozenset(roles)))
