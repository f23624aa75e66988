"""Actions are checked before they run, whoever offers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from isthmus.core.context import Context
from isthmus.core.errors import Conflict, Forbidden, Invalid, IsthmusError, NotFound
from isthmus.core.model.identity import now
from isthmus.core.model.operation import Operation, OperationState
from isthmus.plugin_manager.action import Action, Call, Choice, Subject
from isthmus.plugin_manager.actions import Catalogue

MEMBER = Context(tenant="t", user="u", roles=frozenset({"member"}))
READER = Context(tenant="t", user="r", roles=frozenset({"reader"}))
SCHEMA = {
    "type": "object",
    "required": ["size"],
    "additionalProperties": False,
    "properties": {"size": {"type": "integer", "minimum": 1}, "thin": {"type": "boolean", "default": True}},
}


class Offered:
    """A catalogue with one action of each kind, and what they were called with."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.submitted: list[Mapping[str, Any]] = []
        self.wrong: IsthmusError | None = None
        self.catalogue = Catalogue(self.authorise)
        for action in (
            Action(
                id="grow",
                title="Grow",
                permission="volume:extend",
                input=SCHEMA,
                kinds=("volume",),
                run=self.run,
                choices={"size": self.sizes},
                bounds=lambda call: {"size": {"minimum": len(call.subject.id) if call.subject else 0}},
            ),
            Action(id="build", title="Build", permission="volume:create", flow="p.build", check=self.check),
        ):
            self.catalogue.add("p", action, self.submit)

    def authorise(self, context: Context, permission: str) -> None:
        if "member" not in context.roles:
            raise Forbidden(permission)

    def check(self, call: Call) -> IsthmusError | None:
        return self.wrong

    def sizes(self, call: Call) -> Sequence[Choice]:
        return (Choice(1, "one byte", {"thin": call.input["thin"]}),)

    def run(self, call: Call) -> Mapping[str, Any]:
        self.calls.append(call)
        return {"grown": call.input["size"]}

    def submit(self, kind: str, context: Context, **options: Any) -> Operation:
        self.submitted.append({"kind": kind, **options})
        moment = now()
        return Operation(
            "id",
            kind,
            options["resource_type"],
            options["resource"],
            context.tenant,
            context.user,
            context.request_id,
            OperationState.PENDING,
            moment,
            moment,
            plan={"steps": ["one"]} if options["dry_run"] else None,
        )


@pytest.fixture
def offered() -> Offered:
    return Offered()


VOLUME = Subject("volume", "v1")


def test_a_function_gets_its_input_with_defaults(offered: Offered) -> None:
    assert offered.catalogue.invoke("p", "grow", Call(MEMBER, VOLUME, {"size": 5})) == {"grown": 5}
    assert offered.calls[0].input == {"size": 5, "thin": True}


@pytest.mark.parametrize("given", [{}, {"size": 0}, {"size": "5"}, {"size": 5, "more": 1}])
def test_input_that_does_not_fit_is_refused(offered: Offered, given: dict[str, Any]) -> None:
    for ask in (offered.catalogue.invoke, offered.catalogue.plan):
        with pytest.raises(Invalid):
            ask("p", "grow", Call(MEMBER, VOLUME, given))
    assert offered.calls == []


@pytest.mark.parametrize("subject", [None, Subject("host", "h1")])
def test_a_subject_of_another_kind_is_refused(offered: Offered, subject: Subject | None) -> None:
    with pytest.raises(Invalid):
        offered.catalogue.invoke("p", "grow", Call(MEMBER, subject, {"size": 5}))
    with pytest.raises(Invalid):
        offered.catalogue.invoke("p", "build", Call(MEMBER, VOLUME))


def test_rights_are_asked_for_before_anything_else(offered: Offered) -> None:
    for ask in (offered.catalogue.invoke, offered.catalogue.plan, offered.catalogue.check):
        with pytest.raises(Forbidden):
            ask("p", "grow", Call(READER, None, {"nonsense": 1}))


def test_what_a_check_answers_is_what_invoking_ends_with(offered: Offered) -> None:
    assert offered.catalogue.check("p", "build", Call(MEMBER)) is None
    offered.wrong = Conflict("The datastore is full.", next_step="Expand it.")
    assert offered.catalogue.check("p", "build", Call(MEMBER)) is offered.wrong
    with pytest.raises(Conflict, match="The datastore is full"):
        offered.catalogue.invoke("p", "build", Call(MEMBER))
    assert offered.submitted == []


def test_choices_are_made_of_the_input_that_is_known(offered: Offered) -> None:
    chosen = offered.catalogue.choices("p", "grow", "size", Call(MEMBER, VOLUME, {"thin": False}))
    assert chosen == (Choice(1, "one byte", {"thin": False}),)
    assert offered.catalogue.choices("p", "grow", "size", Call(MEMBER, VOLUME))[0].details == {"thin": True}


def test_choices_are_for_whoever_may_do_it_and_for_properties_that_have_some(offered: Offered) -> None:
    with pytest.raises(Forbidden):
        offered.catalogue.choices("p", "grow", "size", Call(READER, VOLUME))
    with pytest.raises(Invalid):
        offered.catalogue.choices("p", "grow", "size", Call(MEMBER))
    with pytest.raises(NotFound):
        offered.catalogue.choices("p", "grow", "thin", Call(MEMBER, VOLUME))


def test_bounds_are_of_the_subject_and_for_whoever_may_do_it(offered: Offered) -> None:
    assert offered.catalogue.bounds("p", "grow", Call(MEMBER, VOLUME)) == {"size": {"minimum": len(VOLUME.id)}}
    assert offered.catalogue.bounds("p", "build", Call(MEMBER)) == {}
    with pytest.raises(Forbidden):
        offered.catalogue.bounds("p", "grow", Call(READER, VOLUME))
    with pytest.raises(Invalid):
        offered.catalogue.bounds("p", "grow", Call(MEMBER))


def test_a_flow_becomes_an_operation_and_a_dry_run_its_steps(offered: Offered) -> None:
    assert offered.catalogue.plan("p", "build", Call(MEMBER)) == {"steps": ["one"]}
    made = offered.catalogue.invoke("p", "build", Call(MEMBER, key="k"))
    assert isinstance(made, Operation)
    assert [entry["dry_run"] for entry in offered.submitted] == [True, False]
    assert offered.submitted[1]["kind"] == "p.build"
    assert offered.submitted[1]["key"] == "k"
    assert offered.submitted[1]["data"] == {"input": {}, "subject": None}


def test_actions_are_found_by_plugin_and_kind_of_subject(offered: Offered) -> None:
    assert [(plugin, action.id) for plugin, action in offered.catalogue.list()] == [("p", "build"), ("p", "grow")]
    assert [action.id for _, action in offered.catalogue.list(kind="volume")] == ["grow"]
    with pytest.raises(NotFound):
        offered.catalogue.get("q", "grow")
    with pytest.raises(ValueError, match="two actions grow"):
        offered.catalogue.add("p", offered.catalogue.get("p", "grow"), offered.submit)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "Grow", "run": print},
        {"id": "grow_it", "run": print},
        {"id": "grow"},
        {"id": "grow", "run": print, "flow": "p.grow"},
        {"id": "grow", "run": print, "input": {"type": "string"}},
        {"id": "grow", "run": print, "choices": {"size": print}},
    ],
)
def test_an_action_that_cannot_be_is_refused_when_it_is_declared(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="action"):
        Action(title="Grow", permission="volume:extend", **wrong)
