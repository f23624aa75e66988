"""Clone tickets: how the session that a user has in the vSphere Client becomes one that this server may use.

The client's session token goes to the vCenter that the client runs on, and to no other place; what comes back clones
the user's session once, at the vCenter that was named (vSphere Client SDK, backend authentication).
"""

from __future__ import annotations

import json

from .endpoint import Endpoint
from .errors import TicketRefused, Unreachable
from .faults import translated
from .https import ask

_PATH = "/api/ui/vcenter/session/clone-ticket"


def clone_ticket(gateway: Endpoint, token: str, guid: str, *, seconds: float = 10.0) -> str:
    """A ticket for the vCenter `guid`, given by the one whose vSphere Client the user is logged in to.

    Raises `TicketRefused`, `Unreachable`, and what is wrong with a certificate.
    """
    # The guide names the field in two ways; vCenter ignores what it does not know.
    body = json.dumps({"vc_guid": guid, "vc-guid": guid}).encode()
    headers = {"vmware-api-session-id": token, "Content-Type": "application/json", "Accept": "application/json"}
    with translated(gateway):
        reply = ask(gateway, "POST", _PATH, body=body, headers=headers, seconds=seconds)
    status = reply.status
    if status >= 500:
        raise Unreachable(
            f"vCenter {gateway.address} gives no session tickets now (HTTP {status}).",
            next_step="Try again in a moment.",
            vcenter=gateway.address,
        )
    try:
        ticket = json.loads(reply.content)["session_clone_ticket"]
    except (ValueError, TypeError, KeyError):
        ticket = ""
    if status >= 300 or not isinstance(ticket, str) or not ticket:
        raise TicketRefused(
            f"vCenter {gateway.address} gave no ticket for your session (HTTP {status}).",
            next_step=_CURES.get(status, "Log in to the vSphere Client again."),
            vcenter=gateway.address,
        )
    return ticket


_CURES = {
    403: "The plug-in must be registered with that vCenter, and you need rights there: run `isthmus vsphere doctor`.",
    404: "That vCenter is not linked to the one you are logged in to: open its own vSphere Client.",
}
