"""CustomFieldsManager: fields that administrators add to entities."""
# ruff: noqa: N802 (methods carry their WSDL names)

from __future__ import annotations

from typing import Any

from .. import values
from ..managed import Managed
from ..registry import named_fault, vim
from ..wire.call import Call
from .entity import Entity


class CustomFieldsManager(Managed):
    """`field` holds the definitions; values are in each entity's `customValue` and `value`."""

    KIND = vim.CustomFieldsManager

    def AddCustomFieldDef(self, call: Call, name: str, kind: Any, def_policy: Any, policy: Any) -> Any:
        with self.vc.model.change():
            self._free(name)
            made = vim.CustomFieldsManager.FieldDef(
                key=self.vc.model.number(),
                name=name,
                type=str,
                managedObjectType=kind,
                fieldDefPrivileges=def_policy,
                fieldInstancePrivileges=policy,
            )
            self._take([*self._all(), made])
            return made

    def RemoveCustomFieldDef(self, call: Call, key: int) -> None:
        with self.vc.model.change():
            gone = self._with_key(key)
            self._take([each for each in self._all() if each is not gone])
            for entity in self._entities():
                self._put(entity, key, "")

    def RenameCustomFieldDef(self, call: Call, key: int, name: str) -> None:
        with self.vc.model.change():
            old = self._with_key(key)
            self._free(name)
            new = values.replaced(old, values.segments("name"), name)
            self._take([new if each is old else each for each in self._all()])

    def SetField(self, call: Call, entity: Any, key: int, value: str) -> None:
        self._with_key(key)
        self._put(self.vc.entity(entity), key, value)

    def set_by_name(self, entity: Entity, name: str, value: str) -> None:
        """Set a field of an entity by the field's name. NotFound when there is none."""
        found = next((each for each in self.for_kind(entity.KIND) if each.name == name), None)
        if found is None:
            raise named_fault(vim.fault.NotFound(), f"There is no field {name}")
        self._put(entity, found.key, value)

    def for_kind(self, kind: Any) -> list[Any]:
        """The fields that objects of a type have."""
        return [
            each for each in self._all() if each.managedObjectType is None or issubclass(kind, each.managedObjectType)
        ]

    def _put(self, entity: Entity, key: int, value: str) -> None:
        kept = [each for each in entity.get("customValue") or [] if each.key != key]
        if value:
            kept.append(vim.CustomFieldsManager.StringValue(key=key, value=value))
        with self.vc.model.change():
            entity.set("customValue", kept)
            entity.set("value", kept)

    def _all(self) -> list[Any]:
        return list(self.get("field") or [])

    def _entities(self) -> list[Entity]:
        return [each for each in self.vc.model.every(Entity) if each.get("customValue")]

    def _take(self, fields: list[Any]) -> None:
        self.set("field", fields)
        self.vc.model.touch_all()

    def _with_key(self, key: int) -> Any:
        found = next((each for each in self._all() if each.key == key), None)
        if found is None:
            raise named_fault(vim.fault.NotFound(), f"There is no field {key}")
        return found

    def _free(self, name: str) -> None:
        if any(each.name == name for each in self._all()):
            raise named_fault(vim.fault.DuplicateName(name=name, object=self.ref), f"There is a field {name} already")
