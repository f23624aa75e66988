"""What a vCenter refuses comes out as an error that says what it was and what to do."""

from __future__ import annotations

import ssl
from http.client import BadStatusLine
from typing import Any

import pytest

from isthmus.core.errors import Busy, Conflict, Failed, IsthmusError, NotFound, Refused, Unauthenticated
from isthmus.plugins.vsphere.connection.endpoint import Endpoint
from isthmus.plugins.vsphere.connection.errors import LoginRefused, PrivilegeMissing, SessionEnded, Unreachable
from isthmus.plugins.vsphere.connection.faults import of_fault, translated
from isthmus.plugins.vsphere.connection.trust import Trust
from isthmus.plugins.vsphere.connection.vmodl import vim, vmodl
from tests.simulators.vcenter import issue

ENDPOINT = Endpoint("vc.example.com", 443, Trust(certificate=issue().pem))


def faults() -> dict[str, tuple[Any, type[IsthmusError]]]:
    return {
        "login": (vim.fault.InvalidLogin(), LoginRefused),
        "session": (vim.fault.NotAuthenticated(privilegeId="System.View"), SessionEnded),
        "privilege": (vim.fault.NoPermission(privilegeId="Datastore.Rename"), PrivilegeMissing),
        "object": (vmodl.fault.ManagedObjectNotFound(), NotFound),
        "name": (vim.fault.DuplicateName(name="store"), Conflict),
        "busy": (vim.fault.TaskInProgress(), Busy),
        "used": (vim.fault.ResourceInUse(), Busy),
        "argument": (vmodl.fault.InvalidArgument(invalidProperty="spec.size"), Refused),
        "method": (vmodl.fault.MethodNotFound(method="CreateVmfs"), Refused),
        "else": (vim.fault.HostConfigFault(), Failed),
    }


@pytest.mark.parametrize("case", faults())
def test_each_fault_has_its_own_error_that_names_the_vcenter(case: str) -> None:
    fault, expected = faults()[case]
    error = of_fault(fault, "vc.example.com")
    assert type(error) is expected
    assert "vc.example.com" in error.message


def test_the_missing_privilege_and_the_argument_are_named() -> None:
    error = of_fault(faults()["privilege"][0], "vc")
    assert "Datastore.Rename" in error.message and error.details["privilege"] == "Datastore.Rename"
    assert "spec.size" in of_fault(faults()["argument"][0], "vc").message


def test_what_vcenter_said_is_kept() -> None:
    fault = vim.fault.HostConfigFault(
        msg="An error occurred.", faultMessage=[vmodl.LocalizableMessage(key="k", message="The disk is formatted.")]
    )
    assert of_fault(fault, "vc").message == "vCenter vc: An error occurred. The disk is formatted."


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), TimeoutError(), ConnectionResetError(104, "reset"), BadStatusLine("")]
)
def test_a_failed_connection_is_an_unreachable_vcenter(error: Exception) -> None:
    with pytest.raises(Unreachable, match=r"vCenter vc\.example\.com cannot be reached"), translated(ENDPOINT):
        raise error


def test_tls_that_fails_is_no_wrong_certificate() -> None:
    with pytest.raises(Unreachable, match="TLS failed"), translated(ENDPOINT):
        raise ssl.SSLError(1, "handshake failure")


def test_errors_of_ours_pass() -> None:
    with pytest.raises(Unauthenticated, match="mine"), translated(ENDPOINT):
        raise Unauthenticated("mine")
