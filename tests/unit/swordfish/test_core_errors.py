"""Each of Isthmus's errors has a status and a message of the registries, and says what to do."""

from __future__ import annotations

import pytest

from isthmus.core import errors
from isthmus.plugins.swordfish.protocol.core_errors import refusal_of

URI = "/redfish/v1/Thing"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (errors.Invalid("No."), 400, "GeneralError"),
        (errors.Invalid("Too small.", field="size"), 400, "PropertyValueError"),
        (errors.Unauthenticated("Who?"), 401, "NoValidSession"),
        (errors.Forbidden("No."), 403, "InsufficientPrivilege"),
        (errors.NotFound("None."), 404, "ResourceMissingAtURI"),
        (errors.Stale("Old."), 412, "PreconditionFailed"),
        (errors.InUse("Attached."), 409, "ResourceInUse"),
        (errors.Occupied("Busy."), 409, "ResourceInUse"),
        (errors.KeyReused("Again."), 400, "HeaderInvalid"),
        (errors.LimitExceeded("Enough."), 409, "CreateLimitReachedForResource"),
        (errors.NoPlacement("Full."), 409, "ResourceExhaustion"),
        (errors.NotOffered("Cannot."), 400, "GeneralError"),
        (errors.Gone("Past."), 410, "GeneralError"),
        (errors.Overloaded("Later.", retry_after=7), 503, "ServiceTemporarilyUnavailable"),
        (errors.Unavailable("Away."), 503, "ServiceTemporarilyUnavailable"),
        (errors.Failed("Broken."), 500, "OperationFailed"),
        (errors.IsthmusError("What?"), 500, "InternalError"),
    ],
)
def test_an_error_has_its_status_and_message(error: errors.IsthmusError, status: int, message: str) -> None:
    refusal = refusal_of(error, URI, {"size": "/CapacityBytes"})
    assert refusal.status == status
    assert refusal.messages[0]["MessageId"].endswith(f".{message}")
    assert error.message in refusal.messages[0]["Resolution"]


def test_a_name_that_is_taken_is_said_in_the_same_way_of_all_kinds() -> None:
    error = errors.Conflict("There is a profile gold already.", field="name", value="gold")
    refusal = refusal_of(error, URI, {"name": "/Name"}, kind="ClassOfService")
    (message,) = refusal.messages
    assert (refusal.status, message["MessageArgs"]) == (409, ["ClassOfService", "Name", "gold"])
    assert message["MessageId"].endswith(".ResourceAlreadyExists") and message["RelatedProperties"] == ["/Name"]
    assert refusal_of(error, URI, {"name": "/Name"}).messages[0]["MessageId"].endswith(".ResourceInUse")


def test_who_must_come_back_later_is_told_when() -> None:
    assert refusal_of(errors.Overloaded("Later.", retry_after=7), URI).headers == {"Retry-After": "7"}


def test_a_stranger_is_told_how_to_sign_in() -> None:
    assert refusal_of(errors.Unauthenticated("Who?"), URI).headers["WWW-Authenticate"].startswith("Basic ")


def test_a_property_is_named_as_the_client_knows_it() -> None:
    message = refusal_of(errors.Invalid("Too small.", field="size"), URI, {"size": "/CapacityBytes"}).messages[0]
    assert message["RelatedProperties"] == ["/CapacityBytes"]
