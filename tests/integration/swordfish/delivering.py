"""The duty that tells destinations, on a real database, without a server around it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.core.context import Context
from isthmus.core.duties.keeper import Keeper
from isthmus.core.engine.engine import Engine
from isthmus.core.events.numberer import number_waiting
from isthmus.core.model.identity import now
from isthmus.core.model.request import Changes, Credential, TenantRequest, UserRequest
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from isthmus.plugins.swordfish import uris
from isthmus.plugins.swordfish.events.delivery import Delivery
from isthmus.plugins.swordfish.events.subscription import PUSH, Subscription, Subscriptions
from tests.environment.engine import KEY, Installation
from tests.environment.redfish_events import Destination

SOON = {"interval": 0.05, "attempts": 2}


@dataclass(slots=True)
class Site:
    """An installation with subscriptions; `keeper` begins to deliver as one of its servers would."""

    database: Database
    engine: Engine
    adapter: Any
    root: Context
    records: OwnedRecords
    subscriptions: Subscriptions
    keepers: list[Keeper] = field(default_factory=list)

    def tenant(self, name: str) -> str:
        """A new tenant, of which its own destinations and the administrators' are told."""
        made = self.engine.tenants.create(self.root, TenantRequest(name)).id
        number_waiting(self.database)
        return made

    def user(self, name: str, tenant: str | None, role: str) -> str:
        """A new user, of whom the tenant's destinations and the administrators' are told."""
        wanted = UserRequest(name, tenant, (role,), "a long enough phrase")
        made = self.engine.users.create(self.root, wanted).id
        number_waiting(self.database)
        return made

    def enable(self, enabled: bool, *, tenant: str | None = None, user: str | None = None) -> None:
        if tenant is not None:
            self.engine.tenants.update(self.root, tenant, Changes(enabled=enabled))
        if user is not None:
            self.engine.users.update(self.root, user, Changes(enabled=enabled))
        number_waiting(self.database)

    def subscribe(self, url: str, *, user: str | None = None, tenant: str | None = None, **more: Any) -> Subscription:
        """From now on `url` is told what `user`, else the administrator, may see."""
        newest = self.adapter.storage(self.root).events.newest()
        given = {"destination": url, "delivered": newest, "retry_policy": "RetryForever", **more}
        wanted = Subscription("", PUSH, user or self.root.user, tenant, (), now(), **given)
        return self.subscriptions.add(wanted)

    def deliver(self, **settings: Any) -> Delivery:
        return Delivery(lambda: self.adapter, self.subscriptions, **{**SOON, **settings})

    def keeper(self, owner: str = "a", **settings: Any) -> Keeper:
        made = Keeper(self.database, owner, [self.deliver(**settings).duty()], lease=0.5)
        self.keepers.append(made)
        made.start()
        return made


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    database = Database(f"sqlite:///{folder}/isthmus.db")
    metadata.create_all(database.engine)
    installation = Installation.begin(database, folder)
    engine = installation.engine()
    root = engine.users.authenticate(Credential(token=installation.prepared.token))
    records = OwnedRecords(database, "plugin:swordfish", Sealer([KEY]))
    made = Site(database, engine, installation.adapter(engine), root, records, Subscriptions(records))
    number_waiting(database)
    try:
        yield made
    finally:
        for keeper in made.keepers:
            keeper.stop(2)
        database.close()


def told(destination: Destination, origin: str) -> list[str]:
    """The resources that messages were about, up to the one about `origin`."""
    messages = [body for _, body in destination.until(origin)]
    return [record["OriginOfCondition"]["@odata.id"] for body in messages for record in body["Events"]]


def service(tenant: str) -> str:
    return uris.storage_service(tenant)
