"""pyVmomi's type registry, as this package uses it.

The types are made at run time, and their constructors are not annotated, so `vim`, `pbm` and `vmodl` are `Any` here: a
wrong field is refused by the registry when the object is made.
"""

from __future__ import annotations

from typing import Any

from pyVmomi import SoapAdapter, VmomiSupport
from pyVmomi import pbm as _pbm
from pyVmomi import vim as _vim
from pyVmomi import vmodl as _vmodl

vim: Any = _vim
pbm: Any = _pbm
vmodl: Any = _vmodl
support: Any = VmomiSupport
soap_adapter: Any = SoapAdapter

NAMESPACE = "urn:vim25"
POLICY_NAMESPACE = "urn:pbm"
_known: dict[tuple[str, str], Any] = {}


def method_called(name: str, namespace: str = NAMESPACE) -> Any | None:
    """What the registry knows of the method with this WSDL name; None when no type has it."""
    try:
        return support.GetWsdlMethod(namespace, name).info
    except KeyError:
        return None


def property_of(kind: Any, name: str) -> Any | None:
    """What the registry knows of a property of a managed or data type; None when it has none of that name."""
    key = (kind.__name__, name)
    if key not in _known:
        try:
            _known[key] = kind._GetPropertyInfo(name)
        except AttributeError:
            _known[key] = None
    return _known[key]


def type_called(name: str) -> Any | None:
    """The type with this WSDL name; None when there is none."""
    try:
        return support.GetWsdlType(NAMESPACE, name)
    except KeyError:
        return None


def is_reference(value: Any) -> bool:
    """Whether a value names a managed object."""
    return isinstance(value, support.ManagedObject)


def is_data(value: Any) -> bool:
    """Whether a value is a data object (faults are)."""
    return isinstance(value, support.DataObject)


def named_fault(fault: Any, message: str) -> Any:
    """A fault with a message a person can read."""
    fault.msg = message
    return fault


def invalid_argument(field: str, message: str) -> Any:
    """InvalidArgument, naming the argument (WSDL: invalidProperty)."""
    return named_fault(vmodl.fault.InvalidArgument(invalidProperty=field), message)
