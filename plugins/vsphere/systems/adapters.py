"""The adapters that are installed, and their settings as fields of one form.

Each adapter says in its own schema what it takes. A form has all of it: a field for each setting, marked with the
adapters that it is for (`"x-for": {"adapter": […]}`). Settings of one name and type share a field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ....core.model.description import Extension
from ....core.model.system import LOCAL

_TAKEN = frozenset({"system", "name", "adapter", "address", "enabled", "clear"})
"""What every form has besides."""
_CERTIFICATE = "BEGIN CERTIFICATE"
_FILE = "application/x-pem-file"
_LARGEST_FILE = 65536
"""In characters."""


@dataclass(frozen=True, slots=True)
class AdapterKind:
    """An adapter: its name and the JSON Schema of its settings, secrets (`writeOnly`) among them."""

    name: str
    schema: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.schema.get("properties", {})
        return found


def kinds(extensions: Iterable[Extension]) -> tuple[AdapterKind, ...]:
    """Those that systems can be added with, by name."""
    usable = [
        AdapterKind(each.name, each.details.get("settings_schema", {}))
        for each in extensions
        if each.namespace == "adapters" and each.state in ("loaded", "available") and each.name != LOCAL
    ]
    return tuple(sorted(usable, key=lambda each: each.name))


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody wrote into a form, for one adapter. `strange` are fields that are not that adapter's."""

    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    strange: tuple[str, ...] = ()


class Form:
    """The fields of all adapters."""

    def __init__(self, adapters: Sequence[AdapterKind]) -> None:
        self.adapters = adapters
        self.fields: dict[str, dict[str, Any]] = {}
        self._field: dict[tuple[str, str], str] = {}
        for each in adapters:
            for name, schema in each.properties.items():
                self._field[each.name, name] = self._placed(each.name, name, schema)
        for name, schema in self.fields.items():
            users = schema["x-for"]["adapter"]
            if len(users) < len(adapters):
                schema["description"] = f"{', '.join(users)}: {schema.get('description', name)}"

    def given(self, adapter: str, given: Mapping[str, Any]) -> Given:
        """What of an input is the adapter's."""
        names = {
            self._field[adapter, name]: name
            for each in self.adapters
            if each.name == adapter
            for name in each.properties
        }
        settings: dict[str, Any] = {}
        secrets: dict[str, str] = {}
        for written, value in given.items():
            if written in names:
                (secrets if self.fields[written].get("writeOnly") else settings)[names[written]] = value
        return Given(settings, secrets, tuple(sorted((given.keys() & self.fields.keys()) - names.keys())))

    def setting(self, adapter: str, written: str) -> tuple[str, bool] | None:
        """Which setting of the adapter a field is, and whether a secret; None when it is none of it."""
        for (owner, name), placed in self._field.items():
            if owner == adapter and placed == written:
                return name, bool(self.fields[placed].get("writeOnly"))
        return None

    def _placed(self, adapter: str, name: str, schema: Mapping[str, Any]) -> str:
        placed = name
        if name in _TAKEN or (name in self.fields and not _alike(self.fields[name], schema)):
            placed = f"{adapter}_{name}"
        known = self.fields.get(placed)
        if known is not None:
            known["x-for"]["adapter"].append(adapter)
            return placed
        # What is left out is completed by the core; a form that fills it in would pin it.
        made = {key: value for key, value in schema.items() if key != "default"}
        if _CERTIFICATE in str(schema.get("pattern", "")):
            made["contentMediaType"] = _FILE
            made.setdefault("maxLength", _LARGEST_FILE)
        self.fields[placed] = {**made, "x-for": {"adapter": [adapter]}}
        return placed


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("type") == other.get("type") and bool(one.get("writeOnly")) == bool(other.get("writeOnly"))
