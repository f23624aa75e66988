"""What a FilterSpec selects and what it reads, with the rights of the session that asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from . import values
from .registry import invalid_argument, named_fault, property_of, support, vim, vmodl

if TYPE_CHECKING:
    from .managed import Managed
    from .sessions import Session
    from .vcenter import VCenter

_ANONYMOUS = "System.Anonymous"
Contents = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """A property that this session may not read."""

    privilege: str


class _Path(NamedTuple):
    text: str
    name: str
    rest: tuple[values.Segment, ...]
    privilege: str


class Plan:
    """A FilterSpec, checked. InvalidProperty for a path no object of the type can have."""

    def __init__(self, vc: VCenter, spec: Any, version: str) -> None:
        self._vc = vc
        self._version = version
        self._objects = list(spec.objectSet)
        self._report_missing = bool(spec.reportMissingObjectsInResults)
        self._properties = list(spec.propSet)
        self._named: dict[str, Any] = {}
        self._paths: dict[type[Managed], tuple[_Path, ...] | None] = {}
        for each in self._properties:
            for path in each.pathSet:
                _check(each.type, path)
        for each in self._objects:
            self._check_selection(each.selectSet)

    def _check_selection(self, specs: Iterable[Any]) -> None:
        for spec in specs:
            if isinstance(spec, vmodl.query.PropertyCollector.TraversalSpec):
                _check(spec.type, spec.path)
                if spec.name:
                    self._named[spec.name] = spec
                self._check_selection(spec.selectSet)

    def select(self, session: Session | None, *, forgive: bool = False) -> dict[str, Managed]:
        """The objects by id, in the order in which they were reached. ManagedObjectNotFound for a start that is gone,
        unless that is forgiven or the spec asks for what is missing."""
        found: dict[str, Managed] = {}
        seen: set[tuple[str, int]] = set()
        for start in self._objects:
            try:
                managed = self._vc.find(start.obj, session)
            except vmodl.fault.ManagedObjectNotFound:
                if forgive or self._report_missing:
                    continue
                raise
            if not start.skip:
                self._take(managed, found)
            self._walk(managed, start.selectSet, session, found, seen)
        return found

    def _take(self, managed: Managed, found: dict[str, Managed]) -> None:
        if self.paths(managed) is not None:
            found[managed.moid] = managed

    def _walk(
        self,
        managed: Managed,
        specs: Iterable[Any],
        session: Session | None,
        found: dict[str, Managed],
        seen: set[tuple[str, int]],
    ) -> None:
        for given in specs:
            spec = given
            if not isinstance(spec, vmodl.query.PropertyCollector.TraversalSpec):
                spec = self._named.get(given.name)
                if spec is None:
                    raise invalid_argument("selectSet", f"No traversal is called {given.name}")
            if not issubclass(managed.KIND, spec.type) or (managed.moid, id(spec)) in seen:
                continue
            seen.add((managed.moid, id(spec)))
            first, *rest = values.segments(spec.path)
            value = values.read(managed.property(first.name, session), tuple(rest))
            for ref in value if isinstance(value, list) else [value]:
                target = None if ref is None else self._vc.visible(ref, session)
                if target is not None:
                    if not spec.skip:
                        self._take(target, found)
                    self._walk(target, spec.selectSet, session, found, seen)

    def paths(self, managed: Managed) -> tuple[_Path, ...] | None:
        """What to read of an object; None when no PropertySpec is for its type. The most special spec decides."""
        kind = type(managed)
        if kind not in self._paths:
            matching = [each for each in self._properties if issubclass(kind.KIND, each.type)]
            matching.sort(key=lambda each: len(each.type.__mro__))
            self._paths[kind] = self._compiled(managed, matching) if matching else None
        return self._paths[kind]

    def _compiled(self, managed: Managed, matching: list[Any]) -> tuple[_Path, ...]:
        chosen = [each for each in matching if each.type is matching[-1].type]
        names: dict[str, None] = {}
        for each in chosen:
            if each.all:
                names.update(dict.fromkeys(info.name for info in managed.KIND._GetPropertyList()))
            names.update(dict.fromkeys(each.pathSet))
        found = []
        for text in names:
            first, *rest = values.segments(text)
            info = property_of(managed.KIND, first.name)
            if info is not None and support.IsChildVersion(self._version, info.version):
                found.append(_Path(text, first.name, tuple(rest), managed.property_privilege(info)))
        return tuple(found)

    def contents(self, managed: Managed, session: Session | None) -> Contents:
        """The values by path; what is unset is left out, what may not be read is `Missing`."""
        found: Contents = {}
        allowed = self._vc.rights.of(session, managed)
        for path in self.paths(managed) or ():
            if path.privilege != _ANONYMOUS and path.privilege not in allowed:
                found[path.text] = Missing(path.privilege)
                continue
            value = managed.property(path.name, session)
            if path.rest:
                value = values.read(value, path.rest)
            if value is not None:
                found[path.text] = value
        return found


def missing_properties(managed: Managed, contents: Contents, session: Session | None) -> list[Any]:
    """What the session could not read, with the fault that says why."""
    fault = vim.fault.NotAuthenticated if session is None else vim.fault.NoPermission
    return [
        vmodl.query.PropertyCollector.MissingProperty(
            path=path, fault=fault(object=managed.authority.ref, privilegeId=value.privilege)
        )
        for path, value in contents.items()
        if isinstance(value, Missing)
    ]


def object_content(managed: Managed, contents: Contents, session: Session | None) -> Any:
    """As RetrievePropertiesEx reports an object."""
    return vmodl.query.PropertyCollector.ObjectContent(
        obj=managed.ref,
        propSet=[
            vmodl.DynamicProperty(name=path, val=value)
            for path, value in contents.items()
            if not isinstance(value, Missing)
        ],
        missingSet=missing_properties(managed, contents, session),
    )


def _check(kind: Any, path: str) -> None:
    if not values.exists(kind, path):
        raise named_fault(vmodl.query.InvalidProperty(name=path), f"{kind.__name__} has no property {path}")
