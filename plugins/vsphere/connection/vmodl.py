"""pyVmomi, as this plugin uses it. Its types are made at run time, so what comes from it is `Any`: here, and nowhere
further than this package and the few modules that speak vCenter's own language. Importing this imports pyVmomi."""

from __future__ import annotations

from typing import Any

import pyVmomi
from pyVmomi import SoapAdapter, VmomiSupport

vim: Any = pyVmomi.vim  # type: ignore[attr-defined]
vmodl: Any = pyVmomi.vmodl  # type: ignore[attr-defined]
stub_adapter: Any = SoapAdapter.SoapStubAdapter
support: Any = VmomiSupport


def known_versions() -> list[tuple[str, str]]:
    """The API versions that pyVmomi knows, newest first: its own name for each and the name on the wire."""
    return [(name, str(support.versionIdMap[name])) for name in support.GetServiceVersions("vim25")]
