"""An adapter that shows the pools of a storage system which tells them as a JSON document over HTTP.

    {"product": "Shelf", "version": "3", "pools": [{"id": "p1", "name": "fast", "total": 1000, "used": 10}]}

Sizes are in bytes. The system asks for a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import requests

from isthmus.adapters.contract import AdapterSetup, Storage
from isthmus.adapters.contract.base import BaseAdapter, BaseStorage, page_of
from isthmus.adapters.contract.setup import CREDENTIAL
from isthmus.core.context import Context
from isthmus.core.errors import Invalid, Misconfigured, NotFound, NotOffered, Unavailable
from isthmus.core.model.description import Description
from isthmus.core.model.page import Page, Query
from isthmus.core.model.pool import Pool, PoolState
from isthmus.core.model.request import Changes

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class InventoryAdapter(BaseAdapter):
    """Speaks to one system; shared by threads."""

    name: ClassVar[str] = "inventory"
    contract_version: ClassVar[int] = 1
    settings_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["token"],
        "properties": {
            "token": CREDENTIAL["token"],
            "zone": {"type": "string", "default": "hall", "description": "The zone that its pools are in."},
        },
    }

    def __init__(self, setup: AdapterSetup) -> None:
        super().__init__(setup)
        if not setup.address:
            raise Invalid("It needs an address.", field="address")
        self._session = requests.Session()
        self._session.trust_env = False

    def storage(self, context: Context) -> Storage:
        return InventoryStorage(context, self)

    def close(self) -> None:
        self._session.close()

    def read(self) -> Mapping[str, Any]:
        """The document; every call asks the system, and none waits longer than the server allows."""
        headers = {"Authorization": f"Bearer {self.setup.secrets['token']}"}
        try:
            answer = self._session.get(str(self.setup.address), headers=headers, timeout=self.setup.timeout)
        except requests.RequestException as error:
            raise Unavailable(f"The system {self.setup.name} does not answer.") from error
        if answer.status_code in (401, 403):
            raise Misconfigured(f"The system {self.setup.name} does not accept the token.")
        try:
            answer.raise_for_status()
            return dict(answer.json())
        except (requests.RequestException, ValueError, TypeError) as error:
            raise Unavailable(f"The system {self.setup.name} gave no inventory.") from error


class InventoryStorage(BaseStorage):
    """The system on behalf of somebody; it knows nobody, so everybody sees the same."""

    def __init__(self, context: Context, adapter: InventoryAdapter) -> None:
        super().__init__(context, adapter.setup.name)
        self._adapter = adapter
        self.pools = InventoryPools(adapter)

    def describe(self) -> Description:
        said = self._adapter.read()
        return Description(
            self._adapter.setup.name, str(said.get("product", "")), str(said.get("version", "")), ("pools",)
        )


class InventoryPools:
    """Pools to look at."""

    def __init__(self, adapter: InventoryAdapter) -> None:
        self._adapter = adapter

    def list(self, query: Query | None = None) -> Page[Pool]:
        return page_of(Pool, map(self._pool, self._adapter.read().get("pools", ())), query)

    def get(self, pool: str) -> Pool:
        for told in self._adapter.read().get("pools", ()):
            if told["id"] == pool:
                return self._pool(told)
        raise NotFound(f"There is no pool {pool}.")

    def update(self, pool: str, changes: Changes, *, if_version: int | None = None) -> Pool:
        raise NotOffered("Its pools are changed where they are.")

    def _pool(self, told: Mapping[str, Any]) -> Pool:
        return Pool(
            id=str(told["id"]),
            backend=self._adapter.setup.system,
            name=str(told["name"]),
            state=PoolState.AVAILABLE,
            zone=self._adapter.setup.settings["zone"],
            total=int(told["total"]),
            used=int(told["used"]),
            ours=0,
            provisioned=0,
            granularity=1,
            thin=False,
            thick=True,
            ratio=1.0,
            reserve=0.0,
            protocols=(),
            abilities=(),
            created_at=BEGINNING,
            updated_at=BEGINNING,
        )
