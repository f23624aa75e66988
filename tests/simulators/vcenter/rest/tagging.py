"""Tags and categories: `/api/cis/tagging` and, with its older envelope, `/rest/com/vmware/cis/tagging`."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .router import Question, Router, problem

if TYPE_CHECKING:
    from ..sessions import Session
    from ..vcenter import VCenter

_NEW, _OLD = "/api/cis/tagging", "/rest/com/vmware/cis/tagging"
_RIGHT = "InventoryService.Tagging"


@dataclass(slots=True)
class Category:
    """`associable_types` empty: any; `cardinality`: SINGLE or MULTIPLE."""

    id: str
    name: str
    description: str = ""
    cardinality: str = "SINGLE"
    associable_types: list[str] = field(default_factory=list)
    used_by: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tag:
    """A tag of a category."""

    id: str
    name: str
    category_id: str
    description: str = ""
    used_by: list[str] = field(default_factory=list)


class Tagging:
    """The tags of one vCenter, and what they are attached to (type and id)."""

    def __init__(self, vc: VCenter) -> None:
        self._vc = vc
        self.categories: dict[str, Category] = {}
        self.tags: dict[str, Tag] = {}
        self.attached: dict[str, set[tuple[str, str]]] = {}

    def _identity(self, kind: str) -> str:
        return f"urn:vmomi:InventoryService{kind}:{uuid.uuid4()}:GLOBAL"

    def demand(self, session: Session, privilege: str) -> None:
        """The right, on the root folder."""
        self._vc.rights.demand(session, self._vc.root, f"{_RIGHT}.{privilege}")

    def create_category(self, spec: dict[str, Any]) -> str:
        """A new category's id."""
        name = _text(spec, "name")
        if any(each.name == name for each in self.categories.values()):
            raise problem(400, "ALREADY_EXISTS", f"There is a category {name} already")
        if spec.get("cardinality", "SINGLE") not in ("SINGLE", "MULTIPLE"):
            raise problem(400, "INVALID_ARGUMENT", "cardinality is SINGLE or MULTIPLE")
        category = Category(
            self._identity("Category"),
            name,
            spec.get("description", ""),
            spec.get("cardinality", "SINGLE"),
            list(spec.get("associable_types", [])),
        )
        self.categories[category.id] = category
        return category.id

    def create_tag(self, spec: dict[str, Any]) -> str:
        """A new tag's id."""
        category, name = _text(spec, "category_id"), _text(spec, "name")
        self.category(category)
        if any(each.name == name and each.category_id == category for each in self.tags.values()):
            raise problem(400, "ALREADY_EXISTS", f"The category has a tag {name} already")
        tag = Tag(self._identity("Tag"), name, category, spec.get("description", ""))
        self.tags[tag.id] = tag
        return tag.id

    def category(self, identity: str) -> Category:
        """404 when there is none."""
        if identity not in self.categories:
            raise problem(404, "NOT_FOUND", f"There is no category {identity}")
        return self.categories[identity]

    def tag(self, identity: str) -> Tag:
        """404 when there is none."""
        if identity not in self.tags:
            raise problem(404, "NOT_FOUND", f"There is no tag {identity}")
        return self.tags[identity]

    def change(self, kind: str, identity: str, spec: dict[str, Any]) -> None:
        """Another name or description. 400 for a name that its neighbours have."""
        if kind == "category":
            subject: Category | Tag = self.category(identity)
            beside: list[Category | Tag] = list(self.categories.values())
        else:
            tag = subject = self.tag(identity)
            beside = [each for each in self.tags.values() if each.category_id == tag.category_id]
        name = spec.get("name", subject.name)
        if not isinstance(name, str) or not name:
            raise problem(400, "INVALID_ARGUMENT", "name is empty")
        if any(each.name == name and each is not subject for each in beside):
            raise problem(400, "ALREADY_EXISTS", f"There is a {kind} {name} already")
        subject.name, subject.description = name, spec.get("description", subject.description)

    def delete_category(self, identity: str) -> None:
        """With its tags."""
        self.category(identity)
        for tag in [each for each in self.tags.values() if each.category_id == identity]:
            self.delete_tag(tag.id)
        del self.categories[identity]

    def delete_tag(self, identity: str) -> None:
        """From all it was attached to."""
        self.tag(identity)
        self.attached.pop(identity, None)
        del self.tags[identity]

    def attach(self, identity: str, subject: dict[str, Any]) -> None:
        """A tag to an object. Nothing when it has it; 400 where the category does not allow it."""
        category = self.category(self.tag(identity).category_id)
        kind, moid = self._subject(subject)
        if category.associable_types and kind not in category.associable_types:
            raise problem(400, "INVALID_ARGUMENT", f"Tags of {category.name} are not for {kind}")
        others = [each for each in self.of(kind, moid) if self.tags[each].category_id == category.id]
        if category.cardinality == "SINGLE" and others and others != [identity]:
            raise problem(400, "INVALID_ARGUMENT", f"The object has a tag of {category.name} already")
        self.attached.setdefault(identity, set()).add((kind, moid))

    def detach(self, identity: str, subject: dict[str, Any]) -> None:
        """A tag from an object. Nothing when it has it not."""
        self.tag(identity)
        self.attached.get(identity, set()).discard((_text(subject, "type"), _text(subject, "id")))

    def _subject(self, subject: dict[str, Any]) -> tuple[str, str]:
        kind, moid = _text(subject, "type"), _text(subject, "id")
        found = self._vc.model.objects.get(moid)
        if found is None or found.KIND._wsdlName != kind:
            raise problem(404, "NOT_FOUND", f"There is no {kind} {moid}")
        return kind, moid

    def of(self, kind: str, moid: str) -> list[str]:
        """The ids of an object's tags."""
        return [identity for identity, subjects in self.attached.items() if (kind, moid) in subjects]

    def objects(self, identity: str) -> list[dict[str, str]]:
        """What a tag is attached to; what has left the inventory is no longer."""
        self.tag(identity)
        subjects = sorted(self.attached.get(identity, set()))
        return [{"type": kind, "id": moid} for kind, moid in subjects if moid in self._vc.model.objects]


def install(vc: VCenter, router: Router) -> None:
    """Both forms of every route."""
    tagging = vc.tagging

    def create(kind: str, question: Question, session: Session) -> str:
        tagging.demand(session, f"Create{kind.capitalize()}")
        spec = question.json()
        spec = spec.get("create_spec", spec)
        return tagging.create_category(spec) if kind == "category" else tagging.create_tag(spec)

    def listed(kind: str, question: Question, session: Session) -> list[str]:
        return list(tagging.categories if kind == "category" else tagging.tags)

    def shown(kind: str, question: Question, session: Session, identity: str) -> dict[str, Any]:
        return asdict(tagging.category(identity) if kind == "category" else tagging.tag(identity))

    def changed(kind: str, question: Question, session: Session, identity: str) -> None:
        tagging.demand(session, f"Edit{kind.capitalize()}")
        spec = question.json()
        tagging.change(kind, identity, spec.get("update_spec", spec))

    def deleted(kind: str, question: Question, session: Session, identity: str) -> None:
        tagging.demand(session, f"Delete{kind.capitalize()}")
        (tagging.delete_category if kind == "category" else tagging.delete_tag)(identity)

    def in_category(question: Question, session: Session, identity: str) -> list[str]:
        tagging.category(identity)
        return [each.id for each in tagging.tags.values() if each.category_id == identity]

    def attach(question: Question, session: Session, identity: str) -> None:
        tagging.demand(session, "AttachTag")
        tagging.attach(identity, question.json().get("object_id", {}))

    def detach(question: Question, session: Session, identity: str) -> None:
        tagging.demand(session, "AttachTag")
        tagging.detach(identity, question.json().get("object_id", {}))

    def attached_tags(question: Question, session: Session) -> list[str]:
        subject = question.json().get("object_id", {})
        return tagging.of(_text(subject, "type"), _text(subject, "id"))

    def attached_objects(question: Question, session: Session, identity: str) -> list[dict[str, str]]:
        return tagging.objects(identity)

    def on_objects(question: Question, session: Session) -> list[dict[str, Any]]:
        subjects = question.json().get("object_ids", [])
        return [{"object_id": each, "tag_ids": tagging.of(_text(each, "type"), _text(each, "id"))} for each in subjects]

    for base in (_NEW, _OLD) if vc.release.has_api else (_OLD,):
        add = _adder(router, base)
        for kind in ("category", "tag"):
            add("POST", f"/{kind}", _bound(create, kind))
            add("GET", f"/{kind}", _bound(listed, kind))
            add("GET", f"/{kind}/{{id}}", _bound(shown, kind))
            add("PATCH", f"/{kind}/{{id}}", _bound(changed, kind))
            add("DELETE", f"/{kind}/{{id}}", _bound(deleted, kind))
        add("POST", "/tag/{id}", in_category, "list-tags-for-category")
        add("POST", "/tag-association/{id}", attach, "attach")
        add("POST", "/tag-association/{id}", detach, "detach")
        add("POST", "/tag-association", attached_tags, "list-attached-tags")
        add("POST", "/tag-association/{id}", attached_objects, "list-attached-objects")
        add("POST", "/tag-association", on_objects, "list-attached-tags-on-objects")


def _bound(handler: Any, kind: str) -> Any:
    return lambda question, *rest: handler(kind, question, *rest)


def _adder(router: Router, base: str) -> Any:
    """Adds routes below a base; the older one wraps what it answers, and names ids with a prefix."""

    def add(method: str, path: str, handler: Any, action: str | None = None) -> None:
        where = f"{base}{path.replace('/{id}', '/id:{id}') if base == _OLD else path}"
        router.add(method, where, handler if base == _NEW else wrapped(handler), action=action)

    def wrapped(handler: Any) -> Any:
        def answer(*given: Any) -> Any:
            found = handler(*given)
            return None if found is None else {"value": found}

        return answer

    return add


def _text(spec: dict[str, Any], name: str) -> str:
    value = spec.get(name)
    if not isinstance(value, str) or not value:
        raise problem(400, "INVALID_ARGUMENT", f"{name} is missing")
    return value
