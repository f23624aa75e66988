"""AlarmManager: alarms on events, the colours they give, and who has seen them."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from .. import values
from ..managed import Managed
from ..registry import named_fault, vim
from ..wire.call import Call
from .alarm import Alarm
from .entity import Entity

_WORSE = {"gray": 0, "green": 1, "yellow": 2, "red": 3}


class AlarmManager(Managed):
    """Listens to events. An entity's status is the worst colour its alarms give it."""

    KIND = vim.alarm.AlarmManager

    def CreateAlarm(self, call: Call, entity: Any, spec: Any) -> Any:
        subject = self.vc.entity(entity)
        with self.vc.model.change():
            self._free(spec.name)
            moid = f"alarm-{self.vc.model.number()}"
            alarm = Alarm(self, moid, subject, self._info(moid, subject, spec, call.who.user))
            self.vc.model.add(alarm)
            for each in self._below(subject):
                each.extend("declaredAlarmState", self._state(alarm, each, "gray"))
            return alarm.ref

    def _info(self, moid: str, entity: Entity, spec: Any, user: str) -> Any:
        known = {info.name: getattr(spec, info.name) for info in spec._GetPropertyList()}
        return vim.alarm.AlarmInfo(
            **{name: value for name, value in known.items() if value is not None and value != []},
            key=moid,
            alarm=vim.alarm.Alarm(moid),
            entity=entity.ref,
            lastModifiedTime=self.vc.clock.now(),
            lastModifiedUser=user,
            creationEventId=0,
        )

    def _state(self, alarm: Alarm, entity: Entity, colour: str, event: int | None = None) -> Any:
        return vim.alarm.AlarmState(
            key=f"{alarm.moid}.{entity.moid}",
            entity=entity.ref,
            alarm=alarm.ref,
            overallStatus=colour,
            time=self.vc.clock.now(),
            acknowledged=False,
            eventKey=event,
        )

    def _below(self, entity: Entity) -> list[Entity]:
        return [each for each in self.vc.model.every(Entity) if each is entity or entity in each.ancestors()]

    def _free(self, name: str) -> None:
        if not name:
            raise named_fault(vim.fault.InvalidName(name=name), "An alarm has a name")
        for each in self.vc.model.every(Alarm):
            if each.get("info.name") == name:
                raise named_fault(vim.fault.DuplicateName(name=name, object=each.ref), f"There is an alarm {name}")

    def GetAlarm(self, call: Call, entity: Any) -> list[Any]:
        alarms = self.vc.model.every(Alarm)
        return [each.ref for each in alarms if entity is None or each.entity.moid == entity._moId]

    def GetAlarmState(self, call: Call, entity: Any) -> list[Any]:
        return list(self.vc.entity(entity).get("declaredAlarmState") or [])

    def AcknowledgeAlarm(self, call: Call, alarm: Any, entity: Any) -> None:
        key = f"{alarm._moId}.{entity._moId}"
        with self.vc.model.change():
            for each in self._holders(self.vc.entity(entity)):
                for place in ("declaredAlarmState", "triggeredAlarmState"):
                    self._acknowledge(each, f"{place}[{key}]", call.who.user)

    def _acknowledge(self, entity: Entity, path: str, user: str) -> None:
        if entity.get(path) is not None:
            entity.set(f"{path}.acknowledged", True)
            entity.set(f"{path}.acknowledgedByUser", user)
            entity.set(f"{path}.acknowledgedTime", self.vc.clock.now())

    def ClearTriggeredAlarms(self, call: Call, spec: Any) -> None:
        with self.vc.model.change():
            for entity in self.vc.model.every(Entity):
                for state in list(entity.get("triggeredAlarmState") or []):
                    if state.entity._moId == entity.moid:
                        self._colour(self.vc.model.of(state.alarm), entity, "green", None)

    def EnableAlarmActions(self, call: Call, entity: Any, enabled: bool) -> None:
        self.vc.entity(entity).set("alarmActionsEnabled", enabled)

    def AreAlarmActionsEnabled(self, call: Call, entity: Any) -> bool:
        return bool(self.vc.entity(entity).get("alarmActionsEnabled"))

    def remove(self, alarm: Alarm) -> None:
        """An alarm goes, with the colours it gave."""
        with self.vc.model.change():
            for entity in self._below(alarm.entity):
                self._colour(alarm, entity, "green", None)
                declared = entity.get("declaredAlarmState") or []
                entity.set("declaredAlarmState", [each for each in declared if each.alarm._moId != alarm.moid])
            self.vc.model.remove(alarm)

    def reconfigure(self, alarm: Alarm, spec: Any, user: str) -> None:
        """Another rule; the colours it gave stay until the next event."""
        with self.vc.model.change():
            if spec.name != alarm.get("info.name"):
                self._free(spec.name)
            alarm.set("info", self._info(alarm.moid, alarm.entity, spec, user))

    def heard(self, event: Any, subject: Entity | None) -> None:
        """An event: the alarms it concerns colour what it is about."""
        if subject is None:
            return
        for alarm in self.vc.model.every(Alarm):
            if alarm.entity is subject or alarm.entity in subject.ancestors():
                colour = alarm.colour_for(event, subject.KIND)
                if colour is not None:
                    self._colour(alarm, subject, colour, event.key)

    def _colour(self, alarm: Managed, entity: Entity, colour: str, event: int | None) -> None:
        assert isinstance(alarm, Alarm)
        state = self._state(alarm, entity, colour, event)
        declared = [each for each in entity.get("declaredAlarmState") or [] if each.key != state.key]
        entity.set("declaredAlarmState", [*declared, state])
        for each in self._holders(entity):
            triggered = [old for old in each.get("triggeredAlarmState") or [] if old.key != state.key]
            if colour in ("yellow", "red"):
                triggered.append(state)
            each.set("triggeredAlarmState", triggered)
        own = [each for each in entity.get("triggeredAlarmState") or [] if each.entity._moId == entity.moid]
        worst = max((str(each.overallStatus) for each in own), key=_WORSE.__getitem__, default="green")
        entity.set("overallStatus", worst)
        if values.read(entity.get("summary"), values.segments("overallStatus")) is not None:
            entity.set("summary.overallStatus", worst)

    @staticmethod
    def _holders(entity: Entity) -> list[Entity]:
        """Where a triggered alarm of an entity shows: there and above."""
        return [entity, *entity.ancestors()]
