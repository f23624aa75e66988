"""What a new datastore is to be, and whether the storage and the hosts can have it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....adapters.contract import Storage
from ....core.errors import Conflict, NotFound
from ....core.model.pool import Pool
from ....core.model.profile import Profile
from ....core.model.request import VolumeRequest
from ..connection.soap import Connection
from ..hosts.esx import Esx
from ..hosts.named import demand_connected
from ..hosts.reading import datastores_beside
from ..reasons import because
from .stage import everything

MARK = "vsphere-operation"
"""In the metadata of what a flow makes: whose it is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new datastore: of this profile, in this pool (None: any), for so many hosts."""

    name: str
    size: int
    profile: Profile
    pool: Pool | None
    hosts: int

    @classmethod
    def of(cls, given: Mapping[str, Any], storage: Storage, hosts: int) -> Wanted:
        """Raises `Conflict` or `Invalid` with the reason why the storage cannot have it so."""
        profile = _profile(storage, given.get("profile"))
        wanted = cls(str(given["name"]), int(given["size"]), profile, _pool(storage, given.get("pool")), hosts)
        if profile.storage_type != "block":
            raise because(Conflict, "profile-not-block", profile=profile.name)
        protocol = wanted._connectivity.get("accessProtocol")
        if protocol and str(protocol).lower() != "iscsi":
            raise because(Conflict, "profile-protocol", profile=profile.name, protocol=protocol)
        if hosts > 1 and not wanted.shared:
            raise because(Conflict, "profile-single", profile=profile.name, hosts=hosts)
        return wanted

    @property
    def thin(self) -> bool:
        """As the profile says; thin where it says nothing."""
        return is_thin(self.profile)

    @property
    def shared(self) -> bool:
        """Whether several hosts may have the volume at once."""
        return is_shared(self.profile)

    @property
    def _connectivity(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.profile.properties.get("provisioningProperties", {}).get("ioConnectivity", {})
        return found

    def request(self, mark: str) -> VolumeRequest:
        """As the storage is asked."""
        pool = None if self.pool is None else self.pool.id
        return VolumeRequest(self.name, self.size, self.profile.id, pool=pool, metadata={MARK: mark})


def is_shared(profile: Profile) -> bool:
    """Whether several hosts may have a volume of the profile at once."""
    for key, value in profile.properties.get("customProperties", {}).items():
        name = key.removeprefix("capabilities:").strip().removeprefix("extras.")
        if key.startswith("capabilities:") and name == "multiAttach":
            return str(value).lower().removeprefix("<is>").strip() == "true"
    return False


def is_thin(profile: Profile) -> bool:
    """Whether volumes of the profile are thin; they are where it says nothing."""
    storage = profile.properties.get("provisioningProperties", {}).get("dataStorage", {})
    return bool(storage.get("provisioningPolicy", "Thin") == "Thin")


def demand_hosts(hosts: Sequence[Esx], chosen: Sequence[str], *, adapters: bool = True) -> None:
    """Raises unless there are hosts, all connected, each with a software iSCSI adapter. `adapters` False leaves those
    out, which are much to read: for a menu, which has milliseconds."""
    demand_connected(hosts, chosen)
    for host in hosts:
        if host.maintenance:
            raise because(Conflict, "host-maintenance", host=host.name)
        if adapters:
            host.adapter()


def demand_free_name(connection: Connection, host: Esx, name: str) -> None:
    """Raises when a datastore of the datacenter has the name."""
    if name in datastores_beside(connection, host.ref):
        raise because(Conflict, "name-taken", name=name)


def _profile(storage: Storage, name: str | None) -> Profile:
    if name is not None:
        try:
            return storage.profiles.get(name)
        except NotFound:
            raise because(Conflict, "no-profile", profile=name) from None
    found: Profile | None = next((each for each in everything(storage.profiles.list) if each.is_default), None)
    if found is None:
        raise because(Conflict, "no-default-profile")
    return found


def _pool(storage: Storage, name: str | None) -> Pool | None:
    if name is None:
        return None
    found: list[Pool] = [each for each in everything(storage.pools.list) if name in (each.id, each.name)]
    if not found:
        raise because(Conflict, "no-pool", pool=name)
    if len(found) > 1 and name != found[0].id:
        raise because(Conflict, "pool-ambiguous", pool=name)
    return found[0]


def demand_system(systems: Mapping[str, Any], name: str) -> None:
    """Raises unless there is a system of that name now."""
    if name not in systems:
        raise because(Conflict, "no-system", system=name)
