"""A real server with the plug-in, and vCenters that are simulated over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from isthmus.core.model.record import Records
from isthmus.core.model.request import ProfileRequest
from isthmus.core.security.keys import LocalKey
from isthmus.core.security.sealing import Sealer
from isthmus.core.store.database import Database
from isthmus.core.store.records import OwnedRecords
from isthmus.core.store.schema import metadata
from tests.environment import iscsi
from tests.environment.server import RunningServer, running_server
from tests.integration.vcenter_simulator import array as arrays
from tests.integration.vcenter_simulator.array import Array
from tests.simulators.vcenter import Grant, Specification, User, VCenter
from tests.simulators.vcenter.storage import libiscsi

if TYPE_CHECKING:
    from tests.integration.vsphere.actions_site import ActionSite

ADMINISTRATOR = User("administrator@vsphere.local", "Secret-1")
SERVICE = User("svc-isthmus@vsphere.local", "Secret-2")
ANNA = User("anna@vsphere.local", "Secret-3", grants=(Grant("ReadOnly"),))
BERND = User("bernd@vsphere.local", "Secret-4", grants=(Grant("ReadOnly"),))
KEY = "io.isthmus.storage"
THICK = {
    "provisioningProperties": {
        "dataStorage": {"provisioningPolicy": "Thick"},
        "ioConnectivity": {"accessProtocol": "iscsi"},
    }
}


def specification(*more: User, **given: Any) -> Specification:
    """A small vCenter with an administrator, a service account and two users who may only look."""
    return Specification(users=(ADMINISTRATOR, SERVICE, ANNA, BERND, *more), **given)


@dataclass(frozen=True, slots=True)
class Installation:
    """The server, and a client with the administrator's token that acts for the default tenant."""

    server: RunningServer
    client: requests.Session

    def act(self, action: str, **given: Any) -> requests.Response:
        """Use an action of the plug-in."""
        address = f"{self.server.address}/v1/actions/vsphere/{action}"
        return self.client.post(address, json={"input": given}, timeout=60)

    def done(self, action: str, **given: Any) -> dict[str, Any]:
        """Use an action that is to succeed; what it answers."""
        answer = self.act(action, **given)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    def register(self, vc: VCenter, **given: Any) -> dict[str, Any]:
        """Register the plug-in, with a pin and the service account."""
        return self.done("register", **registration(vc), **given)


def registration(vc: VCenter) -> dict[str, Any]:
    """The input of a registration that is as it should be."""
    return {
        "vcenter": f"127.0.0.1:{vc.port}",
        "pin": vc.certificate.thumbprint,
        "user": ADMINISTRATOR.name,
        "password": ADMINISTRATOR.password,
        "service_user": SERVICE.name,
        "service_password": SERVICE.password,
    }


def extension(vc: VCenter) -> Any:
    """What is registered with the vCenter under the plug-in's key; None without anything."""
    return vc.extensions.registered(KEY)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("vsphere")
    with running_server(folder) as server, server.session(tenant="default") as client:
        yield Installation(server, client)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    """The plug-in's records in a database of their own."""
    database = Database(f"sqlite:///{tmp_path / 'isthmus.db'}")
    metadata.create_all(database.engine)
    yield OwnedRecords(database, "plugin:vsphere", Sealer([LocalKey(bytes(32))]))
    database.close()


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter(specification()) as made:
        yield made


@pytest.fixture(scope="module")
def array() -> Iterator[Array]:
    """An engine with a tgtd of its own, which exports for real."""
    if reason := iscsi.missing() or libiscsi.missing():
        pytest.skip(reason)
    with arrays.array() as running:
        running.engine.profiles.create(running.root, ProfileRequest("thick", THICK))
        yield running


@pytest.fixture
def site(array: Array) -> Iterator[ActionSite]:
    """A vCenter whose hosts log in to the array, and the actions on it."""
    from tests.integration.vsphere.actions_site import action_site

    with action_site(array) as made:
        yield made
