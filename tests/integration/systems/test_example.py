"""The adapter that docs/writing-an-adapter.md shows, in a server and by itself."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from isthmus.adapters.contract import AdapterSetup
from isthmus.core.context import Context
from isthmus.core.errors import Misconfigured, NotFound, NotOffered, Unavailable
from isthmus.core.model.page import Query
from isthmus.core.model.request import VolumeRequest
from tests.environment.server import Distribution, running_server, until
from tests.integration.systems.conftest import Place

pytestmark = pytest.mark.xdist_group("systems")

MODULE = Path(__file__).parents[3] / "docs" / "examples" / "inventory-adapter" / "inventory_adapter.py"
POOLS = [{"id": f"p{number}", "name": f"pool{number}", "total": 1000, "used": number} for number in range(3)]


@dataclass
class Shelf:
    """The system."""

    address: str = ""
    token: str = "open sesame"
    said: dict[str, Any] = field(default_factory=lambda: {"product": "Shelf", "version": "3", "pools": POOLS})


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    system = Shelf()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == f"Bearer {system.token}"
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(json.dumps(system.said if known else {}).encode())

        def log_message(self, *words: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    system.address = f"http://127.0.0.1:{server.server_port}/inventory.json"
    yield system
    server.shutdown()
    server.server_close()


def adapter(shelf: Shelf, **more: Any) -> Any:
    spec = importlib.util.spec_from_file_location("inventory_adapter", MODULE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = {"address": shelf.address, "settings": {"zone": "hall"}, "secrets": {"token": shelf.token}}
    return module.InventoryAdapter(AdapterSetup("id", "shelf", **{**given, **more}))


def test_its_pools_are_shown_and_the_rest_is_not_offered(shelf: Shelf) -> None:
    made = adapter(shelf)
    storage = made.storage(Context("t", "u", frozenset({"member"})))
    first = storage.pools.list(Query(limit=2, sort="name"))
    assert [pool.name for pool in first.items] == ["pool0", "pool1"]
    assert [pool.name for pool in storage.pools.list(Query(limit=2, sort="name", cursor=first.next)).items] == ["pool2"]
    assert storage.pools.get("p2").used == 2
    with pytest.raises(NotFound):
        storage.pools.get("p3")
    with pytest.raises(NotOffered):
        storage.volumes.create(VolumeRequest("v", 1))
    made.close()


def test_what_fails_says_why(shelf: Shelf) -> None:
    somebody = Context("t", "u", frozenset({"member"}))
    with pytest.raises(Misconfigured):
        adapter(shelf, secrets={"token": "guess"}).storage(somebody).describe()
    with pytest.raises(Unavailable):
        adapter(shelf, address="http://127.0.0.1:1/").storage(somebody).describe()
    shelf.said["pools"] = 1
    assert adapter(shelf).storage(somebody).describe().product == "Shelf"


def test_a_server_reaches_it_and_notices_when_it_is_gone(shelf: Shelf, tmp_path: Path) -> None:
    example = Distribution(MODULE, {"isthmus.adapters": {"inventory": "InventoryAdapter"}})
    with running_server(tmp_path, distributions=[example]) as server, server.session() as session:
        near = Place(server, session)
        wanted = {"name": "shelf", "adapter": "inventory", "address": shelf.address, "secrets": {"token": shelf.token}}
        assert near.post("/v1/systems", wanted)["offers"] == ["pools"]
        assert near.get("/v1/systems/shelf")["product"] == "Shelf 3"
        shelf.token = "changed"
        assert not near.post("/v1/systems/shelf/test")["ok"]
        until(lambda: any("does not accept the token" in said for said in near.warnings()), 10)
        near.patch("/v1/systems/shelf", {"secrets": {"token": "changed"}})
        until(lambda: near.warnings() == set(), 10)
