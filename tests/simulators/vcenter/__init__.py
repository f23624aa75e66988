"""A vCenter to test with, on pyVmomi's own type registry. See README.md."""

from .certificate import Certificate, issue, pinned, thumbprint
from .specification import (
    Cluster,
    Datacenter,
    Datastore,
    Grant,
    Host,
    Role,
    Specification,
    User,
    VirtualMachine,
    sized,
    small,
)
from .vcenter import VCenter

__all__ = [
    "Certificate",
    "Cluster",
    "Datacenter",
    "Datastore",
    "Grant",
    "Host",
    "Role",
    "Specification",
    "User",
    "VCenter",
    "VirtualMachine",
    "issue",
    "pinned",
    "sized",
    "small",
    "thumbprint",
]
