"""A service with something of everything: tenants, back ends, classes of service with all lines, volumes and what is
made of them, hosts, attachments, tasks that ended well and badly, accounts of each role, sessions, subscriptions.

Where this machine lets it, it listens on the usual ports of a loopback address of its own, as a protocol validator
wants it: 443 for TLS and 80 for plain HTTP.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.chaos.depth import Site
from tests.environment import iscsi, nbd
from tests.environment.ports import free_port
from tests.environment.redfish import PASSWORD, ROOT, RedfishClient, RedfishService, redfish_service
from tests.environment.redfish_events import Destination
from tests.environment.server import Distribution, running_server
from tests.integration import rest

GIB = 1 << 30
MIB = 1 << 20
ODD = Distribution(Path(rest.__path__[0]) / "odd_driver.py", {"isthmus.drivers": {"odd": "OddDriver"}})
OWN_ADDRESS = "127.0.0.2"
ROLES = ("manager", "member", "reader")
TENANTS = ("blue", "red")
_SECRET = "sixteen-letters1"

EVERY_LINE: Mapping[str, Any] = {
    "provisioningProperties": {
        "dataStorage": {
            "provisioningPolicy": "Thin",
            "isSpaceEfficient": True,
            "recoveryTimeObjective": "OnlineActive",
            "storageAccessCapability": ["Read", "Write"],
        },
        "ioConnectivity": {"accessProtocol": "memory", "maxIOPS": 500, "maxBWS": 8, "latency": 3},
    },
    "snapshotProperties": {"schedule": {"occurrence": "Daily"}, "retention": {"number": 3, "duration": 7}},
    "replicationProperties": {
        "dataProtection": {"replicaType": "Mirror", "recoveryPointObjectiveTime": "PT5M", "isIsolated": True},
        "replicaInfos": {"replicaUpdateMode": "Asynchronous", "replicationPeriod": "PT5M"},
    },
    "dataProtectionProperties": {
        "dataProtection": {
            "replicaType": "Clone",
            "minLifetime": "P30D",
            "recoveryGeographicObjective": "Datacenter",
            "recoveryTimeObjective": "Nearline",
        }
    },
}


@dataclass(slots=True)
class Populated:
    """`tenants` and `classes` by name; `protocols` are those of real storage."""

    service: RedfishService
    client: RedfishClient
    marks: Path
    tenants: dict[str, str]
    classes: dict[str, str]
    protocols: tuple[str, ...]
    usual_ports: bool
    _made: list[int] = field(default_factory=list)

    def home(self, tenant: str) -> str:
        """The storage service of a tenant."""
        return f"{ROOT}/StorageServices/{self.tenants[tenant]}"

    def body(self, tenant: str, of: str, size: int = GIB) -> dict[str, Any]:
        """What makes a volume, with a name of its own."""
        self._made.append(1)
        return {
            "Name": f"volume-{len(self._made)}",
            "CapacityBytes": size,
            "Links": {"ClassOfService": {"@odata.id": f"{self.home(tenant)}/ClassesOfService/{self.classes[of]}"}},
        }

    def volume(self, client: RedfishClient, tenant: str, of: str = "memory", size: int = GIB) -> dict[str, Any]:
        """A new volume, ready."""
        return made(client, client.post(f"{self.home(tenant)}/Volumes", self.body(tenant, of, size)))

    def host(self, client: RedfishClient, protocol: str, name: str) -> str:
        """The URI of a new initiator."""
        form = {"DurableNameFormat": "iQN"} if name.startswith("iqn.") else {}
        body = {"Name": name[-20:], "Identifiers": [{"DurableName": name, **form}]}
        answer = client.post(f"{ROOT}/Fabrics/{protocol}/Endpoints", body)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def connection(self, client: RedfishClient, volume: str, endpoint: str) -> dict[str, Any]:
        """The volume attached to the initiator."""
        fabric = endpoint.partition("/Endpoints/")[0]
        body: dict[str, Any] = {
            "VolumeInfo": [{"Volume": {"@odata.id": volume}, "AccessCapabilities": ["Read", "Write"]}],
            "Links": {"InitiatorEndpoints": [{"@odata.id": endpoint}]},
        }
        if fabric.endswith("/iscsi"):
            body["ConnectionKeys"] = {"CHAP": {"CHAPPassword": _SECRET}}
        return made(client, client.post(f"{fabric}/Connections", body))

    def user(self, tenant: str, role: str) -> RedfishClient:
        """A user of a tenant, by Basic."""
        return self.service.client(f"{tenant}-{role}")

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Within, the array `odd` refuses to make a volume."""
        mark = self.marks / "refuse"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    def storm(self, changes: int, clients: int) -> None:
        """So many creates, attaches, snapshots and deletes, by clients of all tenants at once."""
        names = (*TENANTS, "default")
        with ThreadPoolExecutor(clients) as pool:
            each = [
                pool.submit(self._gust, names[number % len(names)], number, changes // clients)
                for number in range(clients)
            ]
            for one in each:
                one.result()

    def _gust(self, tenant: str, number: int, changes: int) -> None:
        client = self.service.client() if tenant == "default" else self.user(tenant, "manager")
        endpoint = self.host(client, "iscsi", f"iqn.2004-10.com.example:storm{number}-{tenant}")
        steps = itertools.islice(self._turns(client, tenant, endpoint), changes)
        assert sum(1 for _ in steps) == changes

    def _turns(self, client: RedfishClient, tenant: str, endpoint: str) -> Iterator[None]:
        """Change after change, in turns that leave nothing but their tasks."""
        while True:
            attached = self.volume(client, tenant, "odd")
            yield
            connection = self.connection(client, attached["@odata.id"], endpoint)
            yield
            kept = self.volume(client, tenant)
            yield
            snapshot = replica(client, kept, "Snapshot")
            yield
            for one in (connection, snapshot, kept, attached):
                gone(client, one["@odata.id"])
                yield


def made(client: RedfishClient, answer: requests.Response) -> dict[str, Any]:
    """The resource that a request made, however long it took."""
    answer = client.finished(answer)
    assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json()
    return found


def gone(client: RedfishClient, uri: str) -> None:
    answer = client.finished(client.delete(uri))
    assert answer.status_code == 204, f"{answer.status_code} {answer.text}"


def replica(client: RedfishClient, source: dict[str, Any], kind: str) -> dict[str, Any]:
    """A snapshot or a clone of a volume."""
    body = {
        "ReplicaType": kind,
        "ReplicaUpdateMode": "Synchronous",
        "TargetStoragePool": source["Links"]["ProvidingStoragePool"]["@odata.id"],
    }
    return made(client, client.post(source["Actions"]["#Volume.CreateReplicaTarget"]["target"], body))


def why_not_usual_ports() -> str:
    """Why no server can listen on the usual ports of an address of its own; empty when one can."""
    for port in (443, 80):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((OWN_ADDRESS, port))
            except OSError as error:
                reason = "ports below 1024 are for root" if error.errno == errno.EACCES else str(error.strerror)
                return f"{OWN_ADDRESS} port {port}: {reason}"
    return ""


@contextlib.contextmanager
def populated(folder: Path) -> Iterator[Populated]:
    """A populated service on a server of its own; fails at its end when an answer had something wrong.

    `folder` must be one that the daemons' account may pass through.
    """
    place = Site(folder)
    usual = not why_not_usual_ports()
    listen: dict[str, Any] = {"redirect_port": free_port()}
    if usual:
        listen = {"host": OWN_ADDRESS, "port": 443, "redirect_port": 80}
    settings = {**place.settings, "listen": listen}
    try:
        with running_server(folder, distributions=[ODD], **settings) as server, server.session() as session:
            wanted = {"discovery": True, "report_interval": 1}
            answer = session.patch(f"{server.address}/v1/extensions/plugins/swordfish", json={"settings": wanted})
            assert answer.ok, answer.text
            server.stop()
        with redfish_service(folder, **settings) as service, contextlib.closing(Destination()) as destination:
            (folder / "marks").mkdir()
            yield _furnished(service, folder, destination, usual)
    finally:
        place.close()


def _furnished(service: RedfishService, folder: Path, destination: Destination, usual: bool) -> Populated:
    protocols = tuple(name for name, tool in (("iscsi", iscsi), ("nbd", nbd)) if not tool.missing())
    arrays: Mapping[str, tuple[str, Mapping[str, Any]]] = {
        "hdd": ("memory", {"pools": [_pool(f"pool{number}", "hdd") for number in range(2)]}),
        "nvme": ("memory", {"pools": [_pool("pool", "nvme")]}),
        "odd": ("odd", {"pools": [_pool("pool", "odd")], "marks": str(folder / "marks")}),
        "file": ("file", {"directory": str(folder / "files"), "capabilities": _kind("file")}),
    }
    for name, (driver, settings) in arrays.items():
        if driver != "file" or protocols:
            service.make("/v1/backends", {"name": name, "driver": driver, "settings": settings})
    classes = _classes(service, protocols)
    tenants = {name: str(service.make("/v1/tenants", {"name": name})["id"]) for name in TENANTS}
    for name in TENANTS:
        for role in ROLES:
            user = {"name": f"{name}-{role}", "tenant": tenants[name], "roles": [role], "password": PASSWORD}
            service.make("/v1/users", user)
    client = service.client()
    with service.server.session() as session:
        known = session.get(f"{service.server.address}/v1/tenants").json()["items"]
    tenants |= {one["name"]: one["id"] for one in known}
    found = Populated(service, client, folder / "marks", tenants, classes, protocols, usual)
    for name in TENANTS:
        _fill(found, name)
    _people(found, destination)
    return found


def _kind(disks: str) -> dict[str, Any]:
    """Capabilities by which profiles tell back ends apart."""
    able = {"isSpaceEfficient": True, "recoveryTimeObjective": "OnlineActive"}
    return {"advanced": {"diskType": disks}, "dataStorage": {**able, "storageAccessCapability": ["Read", "Write"]}}


def _pool(name: str, disks: str) -> dict[str, Any]:
    return {"name": name, "total": 1 << 50, "capabilities": _kind(disks)}


def _classes(service: RedfishService, protocols: tuple[str, ...]) -> dict[str, str]:
    """The ids of profiles by name."""
    asked: dict[str, Mapping[str, Any]] = {"every-line": EVERY_LINE}
    for name, protocol, disks in (
        ("memory", "memory", "hdd"),
        ("fast", "memory", "nvme"),
        ("odd", "iscsi", "odd"),
        *((f"real-{protocol}", protocol, "file") for protocol in protocols),
    ):
        asked[name] = {
            "provisioningProperties": {"ioConnectivity": {"accessProtocol": protocol}},
            "customProperties": {"capabilities:diskType": disks},
        }
    return {
        name: str(service.make("/v1/profiles", {"name": name, "properties": properties})["id"])
        for name, properties in asked.items()
    }


def _fill(found: Populated, tenant: str) -> None:
    client = found.user(tenant, "manager")
    volumes = [found.volume(client, tenant, of) for of in ("memory", "memory", "every-line", "fast")]
    replica(client, volumes[0], "Snapshot")
    replica(client, volumes[0], "Clone")
    made(client, client.post(f"{found.home(tenant)}/Volumes", found.body(tenant, "memory")))
    gone(client, volumes[1]["@odata.id"])
    with found.refusing():
        refused = client.finished(client.post(f"{found.home(tenant)}/Volumes", found.body(tenant, "odd")))
        assert refused.status_code == 409, refused.text
    endpoint = found.host(client, "iscsi", f"iqn.2004-10.com.example:{tenant}")
    found.connection(client, found.volume(client, tenant, "odd")["@odata.id"], endpoint)
    for protocol in found.protocols:
        host = endpoint if protocol == "iscsi" else found.host(client, protocol, f"{tenant}.example")
        volume = found.volume(client, tenant, f"real-{protocol}", 4 * MIB)
        found.connection(client, volume["@odata.id"], host)


def _people(found: Populated, destination: Destination) -> None:
    """Accounts of each role, sessions that stay, subscriptions."""
    for role in ("Administrator", "Operator", "ReadOnly"):
        body = {"UserName": f"made-{role.lower()}", "Password": PASSWORD, "RoleId": role}
        made(found.client, found.client.post(f"{ROOT}/AccountService/Accounts", body))
        found.service.logged_in(body["UserName"])
    found.service.logged_in("blue-reader")
    for client, context in ((found.client, "all of it"), (found.user("blue", "manager"), "of blue")):
        body = {"Destination": destination.url, "Protocol": "Redfish", "Context": context}
        made(client, client.post(f"{ROOT}/EventService/Subscriptions", body))
