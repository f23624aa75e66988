"""The actions around registration, as every face offers them. Their functions import what they need when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ....plugin_manager.action import Action, Call
from .request import DOCTOR, REGISTER, UNREGISTER, UPGRADE

if TYPE_CHECKING:
    from .registrar import Registrar

_PERMISSION = "plugin:write"


def registration_actions(
    registrar: Callable[[], Registrar], silent: Callable[[], Mapping[str, str]]
) -> tuple[Action, ...]:
    """`register`, `upgrade`, `unregister`, `doctor` and `vcenters`. `silent` says why vCenters do not answer, by their
    names."""

    def register(call: Call) -> dict[str, Any]:
        return registrar().register(call.context, call.input)

    def upgrade(call: Call) -> dict[str, Any]:
        return {"vcenters": registrar().upgrade(call.input)}

    def upgrading(call: Call) -> dict[str, Any]:
        from .upgrading import planned

        return {"vcenters": planned(registrar(), call.input)}

    def leaving(call: Call) -> dict[str, Any]:
        from .leaving import planned

        return planned(registrar(), call.input)

    def leave(call: Call) -> dict[str, Any]:
        from .leaving import unregister

        return unregister(registrar(), call.input)

    def doctor(call: Call) -> dict[str, Any]:
        from .doctor import examine

        return examine(registrar(), call.input)

    def examination(call: Call) -> dict[str, Any]:
        from .doctor import examine

        return examine(registrar(), {**call.input, "repair": False})

    def vcenters(call: Call) -> dict[str, Any]:
        from .listing import listed

        return {"vcenters": listed(registrar().reaches, silent())}

    return (
        Action(
            "register",
            "Register the plug-in with a vCenter",
            _PERMISSION,
            input=REGISTER,
            summary="Nothing is registered that would not load; the same again changes nothing.",
            run=register,
        ),
        Action(
            "upgrade",
            "Bring registrations up to date",
            _PERMISSION,
            input=UPGRADE,
            summary="The version, our certificate or the next one, the vCenter's new pin, or another service account.",
            plan=upgrading,
            run=upgrade,
        ),
        Action(
            "unregister",
            "Take the plug-in out of a vCenter",
            _PERMISSION,
            input=UNREGISTER,
            summary="What users made with it stays. Works too when our records or the account's password are gone.",
            plan=leaving,
            run=leave,
        ),
        Action(
            "doctor",
            "Find what is wrong with registrations, and repair it",
            _PERMISSION,
            input=DOCTOR,
            plan=examination,
            run=doctor,
        ),
        Action("vcenters", "List the vCenters", "plugin:read", plan=vcenters, run=vcenters),
    )
