"""The classes of service that a storage service offers: the profiles that its tenant may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....core.errors import Conflict, NotFound, Stale
from ....core.model.page import LARGEST_PAGE, Query
from ....core.model.profile import Profile
from ....core.model.request import Changes
from .. import uris
from ..protocol.request import Request
from ..protocol.resource import Window
from ..protocol.windows import window_of
from .class_mapping import Properties

_ATTEMPTS = 20
"""Of a change that meets others; each time somebody else's was done."""


def offered(profile: Profile, tenant: str) -> bool:
    """Whether the tenant may use it. Administrators see all profiles, whoever asks; a service shows its tenant's."""
    return not profile.tenants or tenant in profile.tenants


def find(request: Request) -> Profile:
    """The profile in the path; raises `NotFound` for one that this service does not offer."""
    wanted, tenant = request.params["profile"], request.params["tenant"]
    if request.acting_for(tenant) is not request.context:
        # Whoever may act for every tenant may name one that is not there.
        request.administration.tenants.get(tenant)
    profile = request.tenant_storage.profiles.get(wanted)
    if profile.id != wanted or not offered(profile, tenant):
        raise NotFound(f"There is no class of service {wanted} in this storage service.")
    return profile


def default(request: Request) -> Profile | None:
    """The profile of volumes for which none is named, if the tenant may use it."""
    page = request.tenant_storage.profiles.list(Query(filters={"is_default": True}, limit=1))
    return next((one for one in page.items if offered(one, request.params["tenant"])), None)


def window(request: Request, after: str | None, limit: int) -> Window:
    """A piece of the service's classes.

    They are gathered whole: what administrators list has the profiles of other tenants in it.
    """
    tenant = request.params["tenant"]
    return window_of([uris.class_of_service(tenant, one.id) for one in _all(request)], after, limit)


def require_own(request: Request, profile: Profile) -> None:
    """Raises `Conflict` unless the class is offered by this service alone.

    A class that several services offer is one profile: changed here, it would change there.
    """
    if profile.tenants != (request.params["tenant"],):
        raise Conflict(
            f"The class of service {profile.name} is offered by other storage services too.",
            next_step="Let an administrator change the profile itself.",
        )


def change(request: Request, profile: Profile, made_of: Callable[[Properties], Properties]) -> None:
    """Give the profile the sections that `made_of` makes of those it has.

    A profile is changed whole, a class piece by piece: what somebody else changed meanwhile must not be lost. Under
    `If-Match` the first one wins (`Stale` for the others); without it, it is done again with what is there now.
    """
    for _ in range(_ATTEMPTS):
        require_own(request, profile)
        changes = Changes(properties=made_of(profile.properties))
        try:
            request.tenant_storage.profiles.update(profile.id, changes, if_version=profile.version)
            return
        except Stale:
            if request.expected(profile) is not None:
                raise
        profile = request.tenant_storage.profiles.get(profile.id)
    raise Conflict(f"The class of service {profile.name} is being changed by others.", next_step="Try again.")


def _all(request: Request) -> Iterator[Profile]:
    cursor: str | None = None
    while True:
        page = request.tenant_storage.profiles.list(Query(limit=LARGEST_PAGE, cursor=cursor))
        yield from (one for one in page.items if offered(one, request.params["tenant"]))
        cursor = page.next
        if cursor is None:
            return
