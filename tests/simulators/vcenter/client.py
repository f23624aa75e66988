"""An unmodified pyVmomi as client of a simulator, and specs that are tedious to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyVim import connect as pyvim

from .registry import vim, vmodl
from .specification import ADMINISTRATOR, User
from .vcenter import VCenter

_Collector = vmodl.query.PropertyCollector


def connect(vc: VCenter, user: User = ADMINISTRATOR, **more: Any) -> Any:
    """A logged-in ServiceInstance. The client trusts this vCenter's certificate and no other."""
    library: Any = pyvim
    return library.SmartConnect(
        host="127.0.0.1", port=vc.port, user=user.name, pwd=user.password, sslContext=vc.client_context(), **more
    )


def anonymous(vc: VCenter) -> Any:
    """A ServiceInstance without a session, in the vCenter's own API version."""
    library: Any = pyvim
    stub = library.SoapStubAdapter(
        host="127.0.0.1", port=vc.port, version=vc.release.api, sslContext=vc.client_context()
    )
    return vim.ServiceInstance("ServiceInstance", stub)


def view_spec(view: Any, wanted: Mapping[Any, Sequence[str]]) -> Any:
    """A FilterSpec for what a view shows: paths by type."""
    through = _Collector.TraversalSpec(name="view", type=type(view), path="view", skip=False)
    return _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=view, skip=True, selectSet=[through])],
        propSet=[_Collector.PropertySpec(type=kind, pathSet=list(paths)) for kind, paths in wanted.items()],
    )


def object_spec(objects: Sequence[Any], kind: Any, paths: Sequence[str]) -> Any:
    """A FilterSpec for some objects; no paths: all properties."""
    return _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=each) for each in objects],
        propSet=[_Collector.PropertySpec(type=kind, pathSet=list(paths), all=not paths)],
    )


def view(service: Any, *kinds: Any) -> Any:
    """A ContainerView of all entities of some types."""
    content = service.RetrieveContent()
    return content.viewManager.CreateContainerView(content.rootFolder, list(kinds), True)


def read(service: Any, spec: Any) -> dict[str, dict[str, Any]]:
    """All that a FilterSpec selects: values by path, by object id."""
    collector = service.RetrieveContent().propertyCollector
    page = collector.RetrievePropertiesEx([spec], _Collector.RetrieveOptions())
    found: dict[str, dict[str, Any]] = {}
    while page is not None:
        found.update({each.obj._moId: {item.name: item.val for item in each.propSet} for each in page.objects})
        page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None
    return found


def finished(service: Any, task: Any) -> Any:
    """TaskInfo of a task that has ended; its fault is not raised. Waits by property collector."""
    collector = service.RetrieveContent().propertyCollector.CreatePropertyCollector()
    try:
        collector.CreateFilter(object_spec([task], vim.Task, ["info.state"]), False)
        version = ""
        while True:
            update = collector.WaitForUpdatesEx(version, _Collector.WaitOptions(maxWaitSeconds=20))
            if update is None:
                raise TimeoutError(task._moId)
            version = update.version
            state = update.filterSet[0].objectSet[0].changeSet[0].val
            if state in ("success", "error"):
                info = read(service, object_spec([task], vim.Task, ["info"]))
                return info[task._moId]["info"]
    finally:
        collector.DestroyPropertyCollector()
