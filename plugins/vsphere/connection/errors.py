"""What goes wrong between this server and a vCenter, each with the next thing to do."""

from __future__ import annotations

from typing import Any, ClassVar

from ....core.errors import Forbidden, Misconfigured, Unauthenticated, Unavailable


class OfTheWay(Exception):
    """Beside a class of errors: what goes wrong on the way to a vCenter. Its own words are English and say most; for
    other languages `details["way"]` names the reason, also where an operation's record made a plainer error of it."""

    way: ClassVar[str]

    def __init__(self, message: str, *, next_step: str | None = None, **details: Any) -> None:
        super().__init__(message, next_step=next_step, **{"way": self.way, **details})  # type: ignore[call-arg]


class Unreachable(OfTheWay, Unavailable):
    """The vCenter does not answer, or not in time. `details["vcenter"]` names it."""

    way = "unreachable"


class WrongCertificate(OfTheWay, Misconfigured):
    """What is served is not what was pinned, or not signed by the authority that is trusted.

    `details` hold `expected` and `served`, SHA-256 fingerprints, as far as they are known.
    """

    way = "wrong-certificate"


class CertificateExpired(OfTheWay, Misconfigured):
    """The vCenter's certificate is not valid now."""

    way = "wrong-certificate"


class TicketRefused(OfTheWay, Unauthenticated):
    """A vCenter gave no clone ticket, or did not take one: the user's session in the vSphere Client is over, the
    ticket was used or is too old, or the plug-in is not registered there."""

    way = "ticket-refused"


class LoginRefused(OfTheWay, Unauthenticated):
    """The user name or the password is not accepted by the vCenter."""

    way = "login-refused"


class SessionEnded(OfTheWay, Unauthenticated):
    """The session at the vCenter lives no more."""

    way = "session-ended"


class PrivilegeMissing(OfTheWay, Forbidden):
    """The vCenter did not allow it; `details["privilege"]` names what is missing."""

    way = "privilege-missing"


def no_account(vcenter: str) -> Misconfigured:
    """Nobody was named for the plug-in's own work there."""
    return Misconfigured(
        f"There is no service account for vCenter {vcenter}.",
        next_step="Run `isthmus vsphere upgrade` with --service-user.",
    )
