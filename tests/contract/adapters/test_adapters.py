"""The two adapters of Isthmus, each held to the same promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from isthmus.adapters.contract import Adapter, AdapterFactory
from isthmus.adapters.local import LocalAdapter
from isthmus.adapters.remote import RemoteAdapter, RemoteSystem
from isthmus.core.context import new_request_id
from isthmus.core.drivers.memory import MemoryClient
from isthmus.core.engine.systems import Systems
from isthmus.core.errors import Misconfigured
from isthmus.core.model.attachment import Connection
from isthmus.core.model.request import Credential, SystemRequest, TenantRequest, TokenRequest, UserRequest
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.schema import metadata
from isthmus.plugin_manager.places import Places
from isthmus.plugin_manager.server.systems import LiveSystems
from isthmus.plugins.rest.application import make_application
from isthmus.plugins.rest.routes.catalogue import ROUTES
from tests.contract.adapters.administration import AdministrationSuite, fresh
from tests.contract.adapters.storage import Bench, StorageSuite
from tests.environment.engine import KEY, Installation, NoExtensions


def load(name: str) -> AdapterFactory:
    """What the plugin manager does for a server."""
    if name != "remote":
        raise Misconfigured(f"There is no adapter {name!r}.")
    return RemoteSystem


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Adapter, Installation]]:
    """An engine with a memory back end, and its adapter."""
    folder: Path = tmp_path_factory.mktemp("installation")
    database = Database(f"sqlite:///{folder}/isthmus.db")
    metadata.create_all(database.engine)
    installation = Installation.begin(database, folder)
    engine = installation.engine()
    engine.start()
    installation.furnish(engine)
    systems = LiveSystems(database, Sealer([KEY]), load)
    adapter = LocalAdapter(engine, NoExtensions(), Systems(engine.parts, systems))
    systems.serve(adapter)
    yield adapter, installation
    engine.stop(drain=1.0)
    systems.close()
    database.close()


@pytest.fixture(scope="module")
def address(local: tuple[Adapter, Installation]) -> Iterator[str]:
    """Where the same engine is behind the REST API, on loopback."""
    adapter, _ = local
    application = make_application(ROUTES, lambda: adapter, Places(8))

    def identified(environ: dict[str, Any], start_response: Any) -> Any:
        environ["isthmus.request_id"] = environ.get("HTTP_X_OPENSTACK_REQUEST_ID") or new_request_id()
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, identified, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)


@pytest.fixture(scope="module")
def remote(address: str) -> Iterator[Adapter]:
    made = RemoteAdapter(address)
    yield made
    made.close()


@pytest.fixture
def reachable(address: str, local: tuple[Adapter, Installation]) -> SystemRequest:
    """The same engine once more, as a system of itself."""
    token = local[1].prepared.token
    assert token is not None
    return SystemRequest(fresh("system"), "remote", address, {"tenant": "default"}, {"token": token})


def sampling(adapter: Adapter) -> Callable[[], None]:
    assert isinstance(adapter, LocalAdapter)
    return adapter._engine.sampler.sample


def write(connection: Connection, data: bytes) -> bool:
    client = MemoryClient(connection)
    client.write(0, data)
    client.close()
    return True


def bench_of(adapter: Adapter, installation: Installation, sample: Callable[[], None]) -> Bench:
    root = adapter.authenticate(Credential(token=installation.prepared.token), tenant="default")
    administration = adapter.administration(root)

    def member(tenant: str) -> Any:
        known = administration.tenants.get(tenant)
        name = f"member-of-{tenant}-{type(adapter).__name__}"
        user = administration.users.create(UserRequest(name, known.id, ("manager",)))
        _, text = administration.tokens.create(TokenRequest("suite", user=user.id))
        return adapter.authenticate(Credential(token=text))

    stranger = f"stranger-{type(adapter).__name__}"
    administration.tenants.create(TenantRequest(stranger))
    return Bench(adapter, root, member("default"), member(stranger), "memory", "shared", "memory", write, sample)


@pytest.fixture(scope="module")
def local_bench(local: tuple[Adapter, Installation]) -> Bench:
    return bench_of(*local, sampling(local[0]))


@pytest.fixture(scope="module")
def remote_bench(local: tuple[Adapter, Installation], remote: Adapter) -> Bench:
    return bench_of(remote, local[1], sampling(local[0]))


class TestLocalAdapter(StorageSuite, AdministrationSuite):
    @pytest.fixture
    def bench(self, local_bench: Bench) -> Bench:
        return local_bench


class TestRemoteAdapter(StorageSuite, AdministrationSuite):
    @pytest.fixture
    def bench(self, remote_bench: Bench) -> Bench:
        return remote_bench
