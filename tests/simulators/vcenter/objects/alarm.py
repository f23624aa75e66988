"""Alarm: a rule that colours entities."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..managed import Managed
from ..registry import vim
from ..wire.call import Call
from .entity import Entity

if TYPE_CHECKING:
    from .alarm_manager import AlarmManager


class Alarm(Managed):
    """Defined on an entity, for it and all below."""

    KIND = vim.alarm.Alarm
    PRIVILEGES: ClassVar = {"ReconfigureAlarm": "Alarm.Edit", "RemoveAlarm": "Alarm.Delete"}

    def __init__(self, manager: AlarmManager, moid: str, entity: Entity, info: Any) -> None:
        self._manager, self._entity = manager, entity
        super().__init__(manager.vc, moid, info=info)

    @property
    def authority(self) -> Managed:
        return self._entity

    @property
    def entity(self) -> Entity:
        """Where it is defined."""
        return self._entity

    def RemoveAlarm(self, call: Call) -> None:
        self._manager.remove(self)

    def ReconfigureAlarm(self, call: Call, spec: Any) -> None:
        self._manager.reconfigure(self, spec, call.who.user)

    def colour_for(self, event: Any, kind: Any) -> str | None:
        """What an event about an entity of a type makes of its status; None when this alarm is not concerned."""
        if not self.get("info.enabled"):
            return None
        expressions = [self.get("info.expression")]
        while expressions:
            each = expressions.pop(0)
            if isinstance(each, (vim.alarm.OrAlarmExpression, vim.alarm.AndAlarmExpression)):
                expressions.extend(each.expression)
            elif isinstance(each, vim.alarm.EventAlarmExpression) and _fits(each, event, kind):
                return str(each.status) if each.status else "red"
        return None


def _fits(expression: Any, event: Any, kind: Any) -> bool:
    if not isinstance(event, expression.eventType):
        return False
    if expression.eventTypeId and getattr(event, "eventTypeId", None) != expression.eventTypeId:
        return False
    if expression.objectType is not None and not issubclass(kind, expression.objectType):
        return False
    return all(_compares(each, event) for each in expression.comparisons)


def _compares(comparison: Any, event: Any) -> bool:
    arguments = {each.key: each.value for each in getattr(event, "arguments", [])}
    given = arguments.get(comparison.attributeName, getattr(event, comparison.attributeName, None))
    value = str(given)
    answers = {
        "equals": value == comparison.value,
        "notEqualTo": value != comparison.value,
        "startsWith": value.startswith(comparison.value),
        "endsWith": value.endswith(comparison.value),
    }
    return bool(answers.get(comparison.operator))
