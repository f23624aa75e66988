"""What a vCenter shall hold when it starts, in a few lines."""

from __future__ import annotations

from dataclasses import dataclass, field

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Grant:
    """A role on an entity (by name; empty: the root folder)."""

    role: str = "Admin"
    entity: str = ""
    propagate: bool = True


@dataclass(frozen=True, slots=True)
class User:
    """`name` as `user@domain`. Without a grant nobody can log in."""

    name: str
    password: str
    grants: tuple[Grant, ...] = (Grant(),)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A role beside the system's own (NoAccess, ReadOnly, Admin)."""

    name: str
    privileges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Host:
    """An ESXi host. `version` of ESXi; empty: the vCenter's."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of hosts."""

    name: str
    hosts: tuple[Host, ...] = ()


@dataclass(frozen=True, slots=True)
class Datastore:
    """A datastore, mounted on the named hosts (none named: on all of the datacenter). Sizes in bytes."""

    name: str
    capacity: int = 1024 * GIB
    free: int = 512 * GIB
    kind: str = "VMFS"
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """A machine on a host, with disks (bytes each) on a datastore; empty names: the first there is."""

    name: str
    host: str = ""
    datastore: str = ""
    disks: tuple[int, ...] = (16 * GIB,)
    powered_on: bool = False


@dataclass(frozen=True, slots=True)
class Datacenter:
    """A datacenter. `hosts` stand alone, outside of clusters."""

    name: str = "Datacenter"
    clusters: tuple[Cluster, ...] = ()
    hosts: tuple[Host, ...] = ()
    datastores: tuple[Datastore, ...] = ()
    machines: tuple[VirtualMachine, ...] = ()
    networks: tuple[str, ...] = ("VM Network",)


ADMINISTRATOR = User("administrator@vsphere.local", "Secret-1")


@dataclass(frozen=True, slots=True)
class Specification:
    """A vCenter. `release` as in `releases`; `guid` empty: a new one; `locale` that of sessions which ask for none.
    Seconds for times."""

    release: str = "8.0.3"
    name: str = "localhost"
    guid: str = ""
    locale: str = "en"
    users: tuple[User, ...] = (ADMINISTRATOR,)
    roles: tuple[Role, ...] = ()
    datacenters: tuple[Datacenter, ...] = field(default_factory=lambda: (small(),))
    session_idle: float = 1800.0
    ticket_life: float = 120.0


def small() -> Datacenter:
    """Two hosts in a cluster, one datastore, one machine."""
    return sized(hosts=2, datastores=1, machines=1)


def sized(hosts: int, datastores: int, machines: int, per_cluster: int = 16) -> Datacenter:
    """A datacenter of a size: hosts in clusters, machines spread over hosts and datastores."""
    names = [f"esx-{number:02}.example.test" for number in range(1, hosts + 1)]
    stores = [f"datastore-{number:03}" for number in range(1, datastores + 1)]
    return Datacenter(
        clusters=tuple(
            Cluster(f"cluster-{1 + at // per_cluster}", tuple(Host(name) for name in names[at : at + per_cluster]))
            for at in range(0, hosts, per_cluster)
        ),
        datastores=tuple(Datastore(name) for name in stores),
        machines=tuple(
            VirtualMachine(f"vm-{number:03}", names[number % hosts], stores[number % datastores])
            for number in range(1, machines + 1)
        ),
    )
