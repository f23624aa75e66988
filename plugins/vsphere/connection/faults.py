"""What a vCenter or the way to it answers when it refuses, as errors of ours."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from xml.parsers.expat import ExpatError

from ....core.errors import Busy, Conflict, Failed, IsthmusError, NotFound, Refused
from ..reasons import because
from .certificate import reason
from .endpoint import Endpoint
from .errors import LoginRefused, PrivilegeMissing, SessionEnded, Unreachable
from .trust import refused
from .vmodl import vim, vmodl


@contextmanager
def translated(endpoint: Endpoint) -> Iterator[None]:
    """What is raised within comes out as an `IsthmusError` that names this vCenter."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise refused(endpoint.host, endpoint.port, endpoint.trust, error) from None
    except vmodl.MethodFault as fault:
        raise of_fault(fault, endpoint.address) from None
    except (OSError, HTTPException, ExpatError) as error:
        raise unreachable(endpoint.address, error) from None


def unreachable(vcenter: str, error: BaseException) -> Unreachable:
    """The connection failed, or what came over it was no answer."""
    if isinstance(error, HTTPException | ExpatError):
        why = "the answer broke off or was none"
    else:
        why = reason(error)
    return Unreachable(
        f"vCenter {vcenter} cannot be reached: {why}.",
        next_step="Check that the vCenter runs and that the network lets this server through to it.",
        vcenter=vcenter,
    )


def of_fault(fault: Any, vcenter: str) -> IsthmusError:
    """A fault of the vSphere API. What vCenter said of it stays in the message."""
    said = text_of(fault)
    if isinstance(fault, vim.fault.InvalidLogin):
        return LoginRefused(
            f"vCenter {vcenter} refused the login.",
            next_step="Check user name (user@domain) and password; after several failures the account may be locked.",
            vcenter=vcenter,
        )
    # NotAuthenticated is a NoPermission too.
    if isinstance(fault, vim.fault.NotAuthenticated):
        return SessionEnded(f"The session at vCenter {vcenter} has ended.", next_step="Log in again.", vcenter=vcenter)
    if isinstance(fault, vim.fault.NoPermission):
        privilege = str(fault.privilegeId or "")
        what = f"the privilege {privilege}" if privilege else "a privilege"
        return PrivilegeMissing(
            f"vCenter {vcenter} did not allow it: {what} is missing.",
            next_step="Ask an administrator of the vCenter for a role with it.",
            vcenter=vcenter,
            privilege=privilege,
        )
    if isinstance(fault, vmodl.fault.ManagedObjectNotFound | vim.fault.NotFound):
        return because(NotFound, "vcenter-lacks", vcenter=vcenter, said=said)
    if isinstance(fault, vim.fault.DuplicateName):
        return because(Conflict, "vcenter-name-taken", vcenter=vcenter, name=str(fault.name or ""))
    if isinstance(fault, vim.fault.TaskInProgress | vim.fault.ResourceInUse):
        return because(Busy, "vcenter-at-work", vcenter=vcenter, said=said)
    if isinstance(fault, vmodl.fault.InvalidArgument):
        field = f" ({fault.invalidProperty})" if fault.invalidProperty else ""
        return because(Refused, "vcenter-argument", vcenter=vcenter, field=field, said=said)
    if isinstance(fault, vmodl.fault.MethodNotFound | vmodl.fault.NotSupported):
        return because(Refused, "vcenter-offers-not", vcenter=vcenter, said=said)
    return because(Failed, "vcenter-failed", vcenter=vcenter, said=said)


def text_of(fault: Any) -> str:
    """What vCenter said, in a sentence; the fault's kind where it said nothing."""
    kind = type(fault).__name__.rpartition(".")[2]
    said = [str(fault.msg or "").strip() or kind]
    said += [str(each.message) for each in fault.faultMessage or () if each.message]
    text = " ".join(said)[:500]
    return text if text.endswith((".", "!")) else f"{text}."
