"""The actions on storage systems, as every face offers them. They are done to nothing in particular: a system is named
in the input. What does them is imported when it is first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ....core.errors import IsthmusError
from ....plugin_manager.action import Action, Call
from ..vcenters.privileges import ADMINISTER
from .adapters import Form

if TYPE_CHECKING:
    from .storage_systems import StorageSystems

ADD, TEST, EDIT, REMOVE = "system-add", "system-test", "system-edit", "system-remove"
_PERMISSION = "system:write"
_SYSTEM = {"type": "string", "minLength": 1, "description": "The storage system, by name or id."}
_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "description": "What it is to be called here."}
_ADDRESS = {"type": "string", "maxLength": 512, "description": "Where it is: https://HOST:PORT for most adapters."}


def system_actions(form: Form, systems: Callable[[], StorageSystems]) -> tuple[Action, ...]:
    """`system-add`, `system-test`, `system-edit` and `system-remove`; `form` has the settings of all adapters."""
    names = [each.name for each in form.adapters]
    adapter: dict[str, Any] = {"type": "string", "minLength": 1, "description": "How it is spoken with."}
    if names:
        adapter["enum"] = names
    clear = {
        "type": "array",
        "items": {"type": "string", "enum": sorted(form.fields)} if form.fields else {"type": "string"},
        "uniqueItems": True,
        "description": "Settings and secrets to forget, by their fields' names.",
    }
    enabled = {"type": "boolean", "description": "Whether it is used at all."}

    def made(action: str, title: str, summary: str, does: str, given: dict[str, Any], **more: Any) -> Action:
        def check(call: Call) -> IsthmusError | None:
            try:
                systems().check(action, call)
            except IsthmusError as error:
                return error
            return None

        return Action(
            action,
            title,
            _PERMISSION,
            input=given,
            summary=summary,
            privilege=ADMINISTER,
            check=check,
            plan=lambda call: systems().plan(action, call),
            run=lambda call: getattr(systems(), does)(call),
            **more,
        )

    named = {"system": lambda call: systems().choices(call)}
    return (
        made(
            ADD,
            "Add a storage system",
            "It is asked first; one that does not answer, or does not accept the credential, is not added.",
            "add",
            _input("name", "adapter", name=_NAME, adapter=adapter, address=_ADDRESS, **form.fields),
        ),
        made(
            TEST,
            "Test a storage system",
            "Ask it how it is, with the credential that is kept for it.",
            "test",
            _input("system", system=_SYSTEM),
            choices=named,
        ),
        made(
            EDIT,
            "Change a storage system",
            "Another name, address, setting or secret, tried before it is kept; what is left out stays.",
            "edit",
            _input("system", system=_SYSTEM, name=_NAME, address=_ADDRESS, enabled=enabled, **form.fields, clear=clear),
            choices=named,
        ),
        made(
            REMOVE,
            "Remove a storage system",
            "Forget it and its credential. Nothing is done to the system itself; datastores on it go on working.",
            "remove",
            _input("system", system=_SYSTEM),
            choices=named,
        ),
    )


def _input(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}
