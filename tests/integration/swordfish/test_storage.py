"""Back ends and pools: shown once, to each as far as the caller may know of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.environment.redfish import PASSWORD, ROOT, RedfishClient, RedfishService, redfish_service
from tests.environment.server import Distribution
from tests.integration import rest

ODD = Distribution(Path(rest.__path__[0]) / "odd_driver.py", {"isthmus.drivers": {"odd": "OddDriver"}})
GIB = 1 << 30
TOTAL = 100 * GIB
STORAGE = f"{ROOT}/Storage"


@dataclass(slots=True)
class Shared:
    """A service with two tenants, two back ends, and in each tenant volumes and a snapshot on the first back end."""

    service: RedfishService
    backend: str
    pools: dict[str, str]
    tenants: dict[str, str]
    volumes: dict[str, set[str]]

    def pool(self, name: str) -> str:
        return f"{STORAGE}/{self.backend}/StoragePools/{self.pools[name]}"

    def everything(self) -> set[str]:
        return set().union(*self.volumes.values())

    def as_(self, tenant: str) -> RedfishClient:
        return self.service.client(f"{tenant}-reader")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("storage")
    with redfish_service(folder, distributions=[ODD]) as service:
        described = [
            {"name": "large", "total": TOTAL, "capabilities": {"dataStorage": {"compression": True}}},
            {"name": "small", "total": 10 * GIB, "capabilities": {"advanced": {"diskType": "nvme"}}},
        ]
        backend = service.make("/v1/backends", {"name": "array", "driver": "memory", "settings": {"pools": described}})
        spare = {"pools": [{"name": "p", "total": GIB}], "marks": str(folder)}
        service.make("/v1/backends", {"name": "spare", "driver": "odd", "settings": spare})
        memory = {"provisioningProperties": {"ioConnectivity": {"accessProtocol": "memory"}}}
        for name, capability, value in (("large", "dataStorage.compression", True), ("small", "diskType", "nvme")):
            custom = {"customProperties": {f"capabilities:{capability}": value}}
            service.make("/v1/profiles", {"name": name, "properties": {**memory, **custom}})
        tenants: dict[str, str] = {}
        volumes: dict[str, set[str]] = {}
        for name in ("blue", "red"):
            tenants[name] = service.make("/v1/tenants", {"name": name})["id"]
            user = {"name": f"{name}-reader", "tenant": tenants[name], "roles": ["reader"], "password": PASSWORD}
            service.make("/v1/users", user)
            volumes[name] = set(_filled(service, tenants[name]))
        with service.server.session() as session:
            found = session.get(f"{service.server.address}/v1/pools?backend={backend['id']}").json()["items"]
        yield Shared(service, backend["id"], {pool["name"]: pool["id"] for pool in found}, tenants, volumes)


def _filled(service: RedfishService, tenant: str) -> Iterator[str]:
    """The URIs of three volumes and a snapshot in the large pool, and a volume in the small one."""
    with service.server.session(tenant=tenant) as session:

        def made(path: str, body: dict[str, Any], kind: str) -> str:
            operation = session.post(service.server.address + path, json=body).json()
            ended = session.get(f"{service.server.address}/v1/operations/{operation['id']}?wait=30").json()
            assert ended["state"] == "done", ended
            return str(ended["result"][kind])

        for number in range(3):
            volume = made("/v1/volumes", {"name": f"v{number}", "size": GIB, "profile": "large"}, "volume")
            yield f"{ROOT}/StorageServices/{tenant}/Volumes/{volume}"
        snapshot = made("/v1/snapshots", {"volume": volume, "name": "s"}, "snapshot")
        yield f"{ROOT}/StorageServices/{tenant}/Volumes/{snapshot}"
        volume = made("/v1/volumes", {"name": "fast", "size": GIB, "profile": "small"}, "volume")
        yield f"{ROOT}/StorageServices/{tenant}/Volumes/{volume}"


def test_an_administrator_sees_each_back_end_with_its_health(shared: Shared) -> None:
    client = shared.service.client()
    shown = {body["Name"]: body for body in map(client.body, client.members(STORAGE))}
    assert set(shown) == {"array", "spare"}
    array = shown["array"]
    assert array["Status"] == {"State": "Enabled", "Health": "OK"}
    assert array["Identifiers"] == [{"DurableName": shared.backend, "DurableNameFormat": "UUID"}]
    assert set(client.members(array["StoragePools"]["@odata.id"])) == {shared.pool("large"), shared.pool("small")}


def test_a_tenant_sees_of_a_back_end_what_its_pools_tell(shared: Shared) -> None:
    client = shared.as_("blue")
    assert set(client.members(STORAGE)) == set(shared.service.client().members(STORAGE))
    body = client.body(f"{STORAGE}/{shared.backend}")
    assert body["Status"] == {"State": "Enabled"}
    assert "array" not in str(body) and "memory" not in str(body)
    assert set(client.members(body["StoragePools"]["@odata.id"])) == {shared.pool("large"), shared.pool("small")}


def test_a_disabled_back_end_says_so_to_all(shared: Shared) -> None:
    address = shared.service.server.address
    with shared.service.server.session() as session:
        spare = session.get(f"{address}/v1/backends/spare").json()["id"]
        for enabled, state in ((False, "Disabled"), (True, "Enabled")):
            assert session.patch(f"{address}/v1/backends/{spare}", json={"enabled": enabled}).ok
            for client in (shared.service.client(), shared.as_("blue")):
                assert client.body(f"{STORAGE}/{spare}")["Status"]["State"] == state


def test_the_controller_names_no_protocol_that_redfish_does_not_know(shared: Shared) -> None:
    for client, name in ((shared.service.client(), "Driver memory"), (shared.as_("red"), "Driver")):
        (controller,) = client.members(f"{STORAGE}/{shared.backend}/Controllers")
        body = client.body(controller)
        assert body["Name"] == name
        assert "SupportedDeviceProtocols" not in body and "SupportedControllerProtocols" not in body
        spare = next(uri for uri in client.members(STORAGE) if shared.backend not in uri)
        assert client.body(f"{spare}/Controllers/driver")["SupportedControllerProtocols"] == ["iSCSI"]


def test_a_pool_shows_its_room_and_what_it_offers(shared: Shared) -> None:
    address = shared.service.server.address
    with shared.service.server.session() as session:
        pool = session.get(f"{address}/v1/pools/{shared.pools['large']}").json()
    body = shared.service.client().body(shared.pool("large"))
    data = body["Capacity"]["Data"]
    assert data == {
        "AllocatedBytes": TOTAL,
        "ConsumedBytes": pool["used"],
        "GuaranteedBytes": TOTAL,
        "ProvisionedBytes": TOTAL,
    }
    assert body["RemainingCapacityPercent"] == (TOTAL - pool["used"]) * 100 // TOTAL
    assert set(body["SupportedProvisioningPolicies"]) <= {"Fixed", "Thin"}
    assert ("Thin" in body["SupportedProvisioningPolicies"]) == pool["thin"]
    assert ("Fixed" in body["SupportedProvisioningPolicies"]) == pool["thick"]
    assert body["CompressionEnabled"] is True
    assert "CompressionEnabled" not in shared.service.client().body(shared.pool("small"))
    assert body["Links"]["OwningStorageResource"] == {"@odata.id": f"{STORAGE}/{shared.backend}"}


def test_the_volumes_of_a_pool_are_those_that_the_caller_may_see(shared: Shared) -> None:
    def volumes(client: RedfishClient, pool: str) -> set[str]:
        return set(client.members(f"{shared.pool(pool)}/AllocatedVolumes"))

    for tenant, own in shared.volumes.items():
        client = shared.as_(tenant)
        large, small = volumes(client, "large"), volumes(client, "small")
        assert large | small == own
        assert (len(large), len(small)) == (4, 1)
        assert set(client.members(f"{STORAGE}/{shared.backend}/Volumes")) == own
    client = shared.service.client()
    assert volumes(client, "large") | volumes(client, "small") == shared.everything()
    assert set(client.members(f"{STORAGE}/{shared.backend}/Volumes")) == shared.everything()


def test_a_piece_of_the_volumes_counts_all_of_them(shared: Shared) -> None:
    place = f"{STORAGE}/{shared.backend}/Volumes"
    client = shared.service.client()
    everything = client.members(place)
    for top in (0, 1, 6, 100):
        page = client.body(f"{place}?$top={top}")
        assert page["Members@odata.count"] == len(everything)
        assert [member["@odata.id"] for member in page["Members"]] == everything[:top]


@pytest.mark.parametrize("token", ["x", "~", "x~y", "%00"])
def test_a_page_that_nobody_gave_is_refused(shared: Shared, token: str) -> None:
    for place in (f"{shared.pool('large')}/AllocatedVolumes", f"{STORAGE}/{shared.backend}/Volumes"):
        for token_there in (token, f"{shared.pools['large']}.v~{token}"):
            answer = shared.service.client().get(f"{place}?$skiptoken={token_there}")
            assert answer.status_code == 400, answer.text


def test_a_storage_service_leads_to_the_pools_where_they_are(shared: Shared) -> None:
    client, tenant = shared.as_("blue"), shared.tenants["blue"]
    service = client.body(f"{ROOT}/StorageServices/{tenant}")
    assert service["Identifier"] == {"DurableName": tenant, "DurableNameFormat": "UUID"}
    pools = client.members(service["StoragePools"]["@odata.id"])
    assert {shared.pool("large"), shared.pool("small")} < set(pools)
    classes = client.members(service["ClassesOfService"]["@odata.id"])
    assert service["DefaultClassOfService"]["@odata.id"] in classes
    for name in ("StoragePools", "ClassesOfService", "Volumes"):
        foreign = service[name]["@odata.id"].replace(tenant, shared.tenants["red"])
        assert client.get(foreign).status_code == 404


def test_a_storage_service_says_what_its_classes_can_ask_for(shared: Shared) -> None:
    client, tenant = shared.as_("blue"), shared.tenants["blue"]
    service = client.body(f"{ROOT}/StorageServices/{tenant}")
    data = client.body(service["DataStorageLoSCapabilities"]["@odata.id"])
    assert data["SupportedProvisioningPolicies"] == ["Fixed", "Thin"]
    assert data["SupportsSpaceEfficiency"] is False
    # The first array is reached by `memory` alone, which Redfish does not know.
    connectivity = client.body(service["IOConnectivityLoSCapabilities"]["@odata.id"])
    assert connectivity["SupportedAccessProtocols"] == ["iSCSI"]
    for name in ("DataStorageLoSCapabilities", "IOConnectivityLoSCapabilities"):
        foreign = service[name]["@odata.id"].replace(tenant, shared.tenants["red"])
        assert client.get(foreign).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "nothing/StoragePools",
        "nothing/Controllers",
        "nothing/Volumes",
        "{backend}/StoragePools/nothing",
        "{backend}/StoragePools/nothing/AllocatedVolumes",
        "{backend}/Controllers/nothing",
        "array",
        "{spare}/StoragePools/{pool}",
    ],
)
def test_what_is_not_there_is_not_found_by_anybody(shared: Shared, path: str) -> None:
    spare = next(uri for uri in shared.service.client().members(STORAGE) if shared.backend not in uri)
    known = {"backend": shared.backend, "spare": spare.rpartition("/")[2], "pool": shared.pools["large"]}
    for client in (shared.service.client(), shared.as_("red")):
        answer = client.get(f"{STORAGE}/{path.format(**known)}")
        assert answer.status_code == 404, answer.text


def test_back_ends_and_pools_are_not_changed_here(shared: Shared) -> None:
    client = shared.service.client()
    for uri in (
        STORAGE,
        f"{STORAGE}/{shared.backend}",
        shared.pool("large"),
        f"{shared.pool('large')}/AllocatedVolumes",
    ):
        for method in ("POST", "PATCH", "DELETE"):
            assert client.request(method, uri).status_code == 405
