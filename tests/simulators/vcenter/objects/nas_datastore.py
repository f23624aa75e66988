"""A datastore on an NFS export that hosts mounted."""

from __future__ import annotations

from typing import Any

from ..registry import invalid_argument, named_fault, vim
from ..storage.nfs import Export, NoExport, Unreachable
from .datacenter import datacenter_of
from .datastore import Datastore, nas_info
from .host_system import HostSystem
from .vmfs_datastore import datastores_in, demand_free_name

_TYPES = {"": "NFS", "NFS": "NFS", "NFS41": "NFS41"}
_MOST_CONNECTIONS = 4


class NasDatastore(Datastore):
    """Two hosts that mount the same export under the same name have one datastore."""

    PLAYED = False

    def siblings(self) -> list[Any]:
        return datastores_in(datacenter_of(self))

    def is_export(self, servers: list[str], path: str) -> bool:
        """Whether it is on this export."""
        return list(self.get("info.nas.remoteHostNames")) == servers and self.get("info.nas.remotePath") == path

    def demand_unused_by(self, host: HostSystem) -> None:
        """ResourceInUse while the host needs it."""
        machines = [self.vc.machine(ref) for ref in self.get("vm") or []]
        named = [each.name for each in machines if each.host is host]
        if named:
            raise named_fault(
                vim.fault.ResourceInUse(type=vim.Datastore, name=self.name),
                f"The resource '{self.name}' is in use by {', '.join(named[:5])}.",
            )
        self.demand_unblocked()


def mount(host: HostSystem, spec: Any) -> NasDatastore:
    """Ask the server, then mount. DuplicateName, AlreadyExists; PlatformConfigFault with the server's
    answer."""
    kind = _TYPES.get(spec.type or "")
    if kind is None:
        raise invalid_argument("spec.type", f"There is no file system of type {spec.type}")
    servers = list(spec.remoteHostNames or []) or [spec.remoteHost]
    if kind == "NFS" and len(servers) > 1:
        raise invalid_argument("spec.remoteHostNames", "NFS 3 takes one server")
    if spec.connections is not None and not 1 <= spec.connections <= _MOST_CONNECTIONS:
        raise invalid_argument("spec.connections", f"1 to {_MOST_CONNECTIONS} connections can be made")
    datacenter = datacenter_of(host)
    known = [each for each in datastores_in(datacenter) if isinstance(each, NasDatastore)]
    same = next((each for each in known if each.is_export(servers, spec.remotePath)), None)
    if same is not None and same.mount_of(host) is not None:
        raise named_fault(vim.fault.AlreadyExists(name=same.name), f"The export is mounted on the host as {same.name}")
    if same is None:
        demand_free_name(datacenter, spec.localPath)
    elif same.name != spec.localPath or same.get("summary.type") != kind:
        raise _refused(f"the export is known as {same.name} ({same.get('summary.type')}) on other hosts")
    export = _asked(host, servers, spec.remotePath, 4 if kind == "NFS41" else 3)
    with host.vc.model.change():
        store = same
        if store is None:
            info = nas_info(
                spec.localPath, export.size, export.free, host=servers[0], path=spec.remotePath, version=kind
            )
            info.nas.remoteHostNames = servers
            info.nas.securityType = spec.securityType or "AUTH_SYS"
            info.nas.userName = spec.userName or ""
            store = NasDatastore(host.vc, spec.localPath, datacenter, info, export.size, export.free)
        host.mount(store, "readOnly" if spec.accessMode == "readOnly" else "readWrite")
        entry: Any = store.mount_of(host)
        entries = [each for each in store.get("host") if each.key._moId != host.moid]
        entry.numTcpConnections = spec.connections or 1
        entry.vmknicName = spec.vmknicToBind
        store.set("host", [*entries, vim.Datastore.HostMount(key=host.ref, mountInfo=entry)])
    return store


def _asked(host: HostSystem, servers: list[str], path: str, version: int) -> Export:
    """What the first server that answers has."""
    words = ""
    for server in servers:
        try:
            return host.vc.exports.look(server, path, version)
        except NoExport as error:
            raise _refused(str(error)) from None
        except Unreachable as error:
            words = str(error)
    raise _refused(words)


def _refused(words: str) -> Any:
    return named_fault(
        vim.fault.PlatformConfigFault(text=f"NFS mount failed: {words}"),
        f"An error occurred during host configuration: NFS mount failed: {words}",
    )
