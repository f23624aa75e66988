"""The alarms at a vCenter that our events set and clear: defined once, kept true, taken away.

An alarm is known as ours by the types of events that it hears, whatever it is called: an administrator may rename it,
disable it or let it do something, and that stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ....core.errors import Conflict, Failed, IsthmusError, NotFound
from ....core.model.description import Finding
from ....ui_bridge.locale import Texts
from ..connection.faults import translated
from ..connection.soap import Connection
from ..connection.vmodl import vim
from ..hosts.reading import read_all
from ..registration.identity import KEY
from .kinds import ALARMS, Alarm

CHECK = "alarms"
PRIVILEGES = ("Alarm.Create", "Alarm.Edit", "Alarm.Delete")
_CURE = "Run `isthmus vsphere doctor` with --repair."
_SPEC = ("name", "description", "enabled", "expression", "action", "actionFrequency", "setting")


@dataclass(frozen=True, slots=True)
class Definition:
    """One alarm on one type of objects."""

    alarm: Alarm
    on: str

    @property
    def rules(self) -> frozenset[tuple[str, str, str]]:
        """Type of event, type of object, colour."""
        return frozenset((kind.type_id, self.on, kind.colour) for kind in self.alarm.kinds)

    def name(self, texts: Texts, locale: str) -> str:
        """What it is called when it is made."""
        return texts.get(f"alarm.{self.alarm.name}.name", locale, kind=self.on)

    def expression(self) -> Any:
        """The worst first: an event fits one rule only, so the order is for people."""
        return vim.alarm.OrAlarmExpression(
            expression=[
                vim.alarm.EventAlarmExpression(
                    eventType=vim.event.EventEx,
                    eventTypeId=kind.type_id,
                    objectType=getattr(vim, self.on),
                    status=kind.colour,
                )
                for kind in reversed(self.alarm.kinds)
            ]
        )


DEFINITIONS = tuple(Definition(alarm, on) for alarm in ALARMS for on in alarm.on)


class Alarms:
    """In one session that may define alarms at the root of the inventory. Every call may be made again."""

    def __init__(self, connection: Connection, texts: Texts) -> None:
        self._connection, self._texts = connection, texts

    def put(self) -> list[str]:
        """Define what is missing and mend what differs; returns what was done. Read back: raises `Failed`."""
        done = []
        known = self._known()
        for definition in DEFINITIONS:
            found = [each for each in known if _is(each[1], definition)]
            if not found:
                self._create(definition)
                done.append(f"the alarm {definition.name(self._texts, 'en')!r} was not defined")
                continue
            if _rules(found[0][1].expression) != definition.rules:
                self._mend(found[0], definition)
                done.append(f"the alarm {found[0][1].name!r} heard something else")
            for alarm, info in found[1:]:
                self._remove(alarm)
                done.append(f"the alarm {info.name!r} was defined twice")
        if done and (wrong := list(self.differences())):
            address = self._connection.endpoint.address
            raise Failed(f"vCenter {address} took the alarms, but reads back: {', '.join(wrong)}.", next_step=_CURE)
        return done

    def differences(self) -> Iterator[str]:
        """What is not as it should be, in a few words each."""
        known = self._known()
        for definition in DEFINITIONS:
            found = [info for _, info in known if _is(info, definition)]
            if not found:
                yield f"{definition.name(self._texts, 'en')!r} is not defined"
            elif any(_rules(each.expression) != definition.rules for each in found):
                yield f"{found[0].name!r} hears something else"
            elif len(found) > 1:
                yield f"{found[0].name!r} is defined {len(found)} times"

    def findings(self) -> Iterator[Finding]:
        """One: they are as they should be, what is wrong with them, or why that cannot be seen."""
        try:
            wrong = list(self.differences())
        except IsthmusError as error:
            yield Finding(CHECK, "warning", f"The alarms cannot be read: {error.message}", error.next_step or "")
            return
        if wrong:
            yield Finding(CHECK, "error", f"Alarms are not as they should be: {', '.join(wrong)}.", _CURE)
        else:
            yield Finding(CHECK, "ok", f"{len(DEFINITIONS)} alarms are defined.")

    def remove(self) -> int:
        """Take all of ours away; returns how many there were."""
        ours = [alarm for alarm, info in self._known() if _ours(info)]
        for alarm in ours:
            self._remove(alarm)
        return len(ours)

    def _known(self) -> list[tuple[Any, Any]]:
        content = self._connection.content
        with translated(self._connection.endpoint):
            alarms = content.alarmManager.GetAlarm(content.rootFolder)
        infos = read_all(self._connection, list(alarms or []), "info")
        return [(each, infos[each._moId]["info"]) for each in alarms or [] if "info" in infos.get(each._moId, {})]

    def _create(self, definition: Definition) -> None:
        content = self._connection.content
        locale = str(self._connection.read(content.sessionManager, "defaultLocale").get("defaultLocale") or "en")
        spec = vim.alarm.AlarmSpec(
            name=definition.name(self._texts, locale),
            description=self._texts.get(f"alarm.{definition.alarm.name}.description", locale),
            enabled=True,
            expression=definition.expression(),
            setting=vim.alarm.AlarmSetting(toleranceRange=0, reportingFrequency=0),
        )
        try:
            with translated(self._connection.endpoint):
                content.alarmManager.CreateAlarm(content.rootFolder, spec)
        except Conflict:
            # Somebody may have defined it at the same moment; one of the same name that is not ours stays in the way.
            if not any(_is(info, definition) for _, info in self._known()):
                raise

    def _mend(self, known: tuple[Any, Any], definition: Definition) -> None:
        alarm, info = known
        given = {name: getattr(info, name, None) for name in _SPEC}
        spec = vim.alarm.AlarmSpec(**{**given, "expression": definition.expression()})
        with translated(self._connection.endpoint):
            alarm.ReconfigureAlarm(spec)

    def _remove(self, alarm: Any) -> None:
        try:
            with translated(self._connection.endpoint):
                alarm.RemoveAlarm()
        except NotFound:
            return


def _rules(expression: Any) -> frozenset[tuple[str, str, str]]:
    found, left = set(), [expression]
    while left:
        each = left.pop()
        left += list(getattr(each, "expression", None) or ())
        if isinstance(each, vim.alarm.EventAlarmExpression):
            on = each.objectType.__name__.rpartition(".")[2] if each.objectType else ""
            found.add((str(each.eventTypeId or ""), on, str(each.status or "")))
    return frozenset(found)


def _ours(info: Any) -> bool:
    return any(kind.startswith(f"{KEY}.") for kind, _, _ in _rules(info.expression))


def _is(info: Any, definition: Definition) -> bool:
    """Whether it is this one, perhaps with other rules."""
    return any(kind == each and on == place for kind, on, _ in _rules(info.expression)
               for each, place, _ in definition.rules)  # fmt: skip
