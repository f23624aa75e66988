"""pyVmomi, as this plugin uses it. Its types are made at run time, so what comes from it is `Any`: here, and nowhere
further than the modules that speak vCenter's own language.

pyVmomi is imported when something of it is first used, not when this is imported: a server that no vCenter is
registered with does without.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

_importing = threading.RLock()


class _Deferred:
    """A part of pyVmomi (`module`, and `name` within it), imported at the first use of an attribute."""

    def __init__(self, module: str, name: str = "") -> None:
        self._module, self._name = module, name

    def __getattr__(self, name: str) -> Any:
        # The package and its modules import each other: two threads that begin at different ends would meet halves.
        with _importing:
            import_module("pyVmomi")
            module = import_module(self._module)
        found = getattr(getattr(module, self._name) if self._name else module, name)
        # Next time it is found without coming here.
        self.__dict__[name] = found
        return found


vim: Any = _Deferred("pyVmomi", "vim")
vmodl: Any = _Deferred("pyVmomi", "vmodl")
pbm: Any = _Deferred("pyVmomi", "pbm")
support: Any = _Deferred("pyVmomi.VmomiSupport")
_soap: Any = _Deferred("pyVmomi.SoapAdapter")


def stub_adapter(**given: Any) -> Any:
    """A `SoapStubAdapter`."""
    return _soap.SoapStubAdapter(**given)


def known_versions() -> list[tuple[str, str]]:
    """The API versions that pyVmomi knows, newest first: its own name for each and the name on the wire."""
    return [(name, str(support.versionIdMap[name])) for name in support.GetServiceVersions("vim25")]
