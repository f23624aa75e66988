"""From a specification to the first inventory."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from . import rights
from .objects.compute_resource import Cluster, ComputeResource
from .objects.datacenter import Datacenter
from .objects.datastore import Datastore, nas_info, vmfs_info
from .objects.host_parts import HOST_PARTS
from .objects.host_system import HostSystem
from .objects.network import Network
from .objects.virtual_machine import VirtualMachine
from .registry import vim
from .specification import Datacenter as DatacenterSpec
from .specification import Datastore as DatastoreSpec
from .specification import Host as HostSpec

if TYPE_CHECKING:
    from .vcenter import VCenter


def build(vc: VCenter) -> None:
    """Fill a new vCenter, then grant what its users have. `LookupError` for a name that nothing has."""
    HostSystem.SYSTEMS.update(HOST_PARTS)
    for datacenter in vc.spec.datacenters:
        _datacenter(vc, datacenter)
    for number, role in enumerate(vc.spec.roles, start=1):
        vc.rights.roles[number] = rights.Role(number, role.name, frozenset(role.privileges) | rights.READ)
    by_name = {role.name: role.id for role in vc.rights.roles.values()}
    for user in vc.spec.users:
        for grant in user.grants:
            entity = vc.named(grant.entity) if grant.entity else vc.root
            who = rights.principal(user.name)
            vc.rights.permit(entity, rights.Permission(who, False, by_name[grant.role], grant.propagate))


def _datacenter(vc: VCenter, spec: DatacenterSpec) -> None:
    datacenter = vc.add_datacenter(spec.name, vc.root)
    networks = [Network(vc, name, datacenter) for name in spec.networks]
    hosts: dict[str, HostSystem] = {}
    for cluster in spec.clusters:
        parent = Cluster(vc, cluster.name, datacenter.hosts)
        hosts.update((each.name, _host(vc, each, parent, networks)) for each in cluster.hosts)
    for each in spec.hosts:
        hosts[each.name] = _host(vc, each, ComputeResource(vc, each.name, datacenter.hosts), networks)
    stores = {store.name: _datastore(vc, store, datacenter, hosts) for store in spec.datastores}
    for wanted in spec.machines:
        place = hosts[wanted.host] if wanted.host else next(iter(hosts.values()))
        home = stores[wanted.datastore] if wanted.datastore else next(iter(stores.values()))
        machine = VirtualMachine(vc, wanted.name, place, home, wanted.disks)
        machine.written()
        if wanted.powered_on:
            machine.power("poweredOn")


def _host(vc: VCenter, spec: HostSpec, parent: ComputeResource, networks: list[Network]) -> HostSystem:
    host = HostSystem(vc, spec.name, parent, spec.version or vc.release.version)
    host.set("network", [each.ref for each in networks])
    for each in networks:
        each.extend("host", host.ref)
    parent.set("network", [each.ref for each in networks])
    return host


def _datastore(vc: VCenter, spec: DatastoreSpec, datacenter: Datacenter, hosts: dict[str, HostSystem]) -> Datastore:
    if spec.kind == "VMFS":
        disk = uuid.uuid5(uuid.NAMESPACE_OID, f"{vc.guid}/{spec.name}").hex
        extent = vim.host.ScsiDisk.Partition(diskName=f"naa.6{disk[:31]}", partition=1)
        info = vmfs_info(spec.name, spec.capacity, spec.free, extents=[extent])
    else:
        info = nas_info(
            spec.name, spec.capacity, spec.free, host="nas.example.test", path=f"/{spec.name}", version=spec.kind
        )
    store = Datastore(vc, spec.name, datacenter, info, spec.capacity, spec.free)
    store.mount_on([hosts[name] for name in spec.hosts or hosts])
    return store
