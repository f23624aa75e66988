"""What the plug-in brings to a vCenter besides pages: types of tasks and events, privileges, and the texts of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ....plugin_manager.action import Action
from ....ui_bridge.locale import LOCALES, Texts
from ..events.kinds import KINDS
from ..vcenters.privileges import GROUP, PRIVILEGES
from .identity import KEY

VCENTER_LOCALES = {"en": "en", "de": "de", "zh": "zh_CN"}


@dataclass(frozen=True, slots=True)
class Offer:
    """Made of the actions that are offered on objects of the inventory."""

    actions: Sequence[Action]
    texts: Texts

    def tasks(self) -> list[str]:
        """The types of tasks, one for each action."""
        return [task_type(action.id) for action in self.actions if action.kinds]

    def events(self) -> dict[str, tuple[str, ...]]:
        """The types of events, each with the names of its arguments."""
        return {kind.type_id: kind.arguments for kind in KINDS}

    def privileges(self) -> list[tuple[str, str]]:
        """Each with its group."""
        return [(privilege, GROUP) for privilege in PRIVILEGES]

    def resources(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Locale, module and texts, as vCenter keeps them."""
        for language in LOCALES:
            locale = VCENTER_LOCALES[language]
            yield locale, "extension", self._extension(language)
            yield locale, "task", self._tasks(language)
            yield locale, "event", self._events(language)
            yield locale, "auth", self._privileges(language)

    def _extension(self, language: str) -> dict[str, str]:
        return {
            f"{KEY}.label": self.texts.get("plugin.name", language),
            f"{KEY}.summary": self.texts.get("plugin.summary", language),
        }

    def _tasks(self, language: str) -> dict[str, str]:
        found = {}
        for action in self.actions:
            if action.kinds:
                found[f"{task_type(action.id)}.label"] = self.texts.get(f"action.{action.id}.title", language)
                found[f"{task_type(action.id)}.summary"] = self.texts.get(f"action.{action.id}.summary", language)
        return found

    def _events(self, language: str) -> dict[str, str]:
        found = {}
        for kind in KINDS:
            # Arguments stand in the text as vCenter has them too: {name}.
            text = self.texts.get(f"event.{kind.name}", language)
            found[f"{kind.type_id}.category"] = kind.severity
            for part in _FORMS:
                found[f"{kind.type_id}.{part}"] = text
        return found

    def _privileges(self, language: str) -> dict[str, str]:
        found = {f"{GROUP}.label": self.texts.get("plugin.name", language)}
        for privilege in PRIVILEGES:
            for part in ("label", "summary"):
                text = self.texts.get(f"privilege.{privilege}.{part}", language)
                # Releases look privileges up with and without the first word.
                found[f"{privilege}.{part}"] = found[f"privilege.{privilege}.{part}"] = text
        return found


_FORMS = (
    "description",
    "fullFormat",
    "formatOnDatacenter",
    "formatOnComputeResource",
    "formatOnHost",
    "formatOnVm",
)


def task_type(action: str) -> str:
    """The id of an action's type of task."""
    return f"{KEY}.{action}"
