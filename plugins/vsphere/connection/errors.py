"""What goes wrong between this server and a vCenter, each with the next thing to do."""

from __future__ import annotations

from ....core.errors import Forbidden, Misconfigured, Unauthenticated, Unavailable


class Unreachable(Unavailable):
    """The vCenter does not answer, or not in time. `details["vcenter"]` names it."""


class WrongCertificate(Misconfigured):
    """What is served is not what was pinned, or not signed by the authority that is trusted.

    `details` hold `expected` and `served`, SHA-256 fingerprints, as far as they are known.
    """


class CertificateExpired(Misconfigured):
    """The vCenter's certificate is not valid now."""


class TicketRefused(Unauthenticated):
    """A vCenter gave no clone ticket, or did not take one: the user's session in the vSphere Client is over, the
    ticket was used or is too old, or the plug-in is not registered there."""


class LoginRefused(Unauthenticated):
    """The user name or the password is not accepted by the vCenter."""


class SessionEnded(Unauthenticated):
    """The session at the vCenter lives no more."""


class PrivilegeMissing(Forbidden):
    """The vCenter did not allow it; `details["privilege"]` names what is missing."""
