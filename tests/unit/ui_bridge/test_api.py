"""What pages get from the API, with a plug-in that stands in for the real one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from isthmus.core.errors import Conflict, Forbidden, IsthmusError, NoPlacement, NotFound, Unauthenticated, Unavailable
from isthmus.core.model.description import Explanation
from isthmus.core.model.message import Message
from isthmus.core.model.operation import Operation, OperationState
from isthmus.core.model.page import Page, Query
from isthmus.plugin_manager.action import Action, Call
from isthmus.plugin_manager.places import Places
from isthmus.ui_bridge.api.application import Api
from isthmus.ui_bridge.api.operation import version
from isthmus.ui_bridge.dynamic import DynamicItems, Question
from isthmus.ui_bridge.objects import ObjectId
from isthmus.ui_bridge.platform import Sender, TooManyAttempts
from tests.unit.ui_bridge.surface import BARN, OTHER, Farm, surface

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
FOLDER = "urn:vmomi:Folder:group-1:guid-1"
AT_BARN = f"object={BARN}"
BUILD = Action(
    "barn-build",
    "Build a barn",
    "volume:create",
    kinds=("Folder",),
    run=lambda call: {},
    input={
        "type": "object",
        "additionalProperties": False,
        "required": ["by"],
        "properties": {
            "by": {"type": "integer", "minimum": 1024, "x-unit": "bytes"},
            "of": {"enum": ["wood", "stone"]},
            "doors": {"type": "array", "items": {"type": "object", "properties": {"width": {"minimum": 1}}}},
        },
    },
)
EXPLANATION: Mapping[str, Any] = {
    "requested": {"size": 5 << 30, "count": 1, "thin": True, "profile": "gold", "protocol": "iscsi", "zone": None},
    "considered": 3,
    "filters": [{"filter": "state", "refused": 0}, {"filter": "capacity", "refused": 2}],
    "remaining": 1,
    "refused": [{"pool": "p-1", "name": "small", "filter": "capacity", "needed": 5 << 30, "room": 1 << 30}],
    "unconfirmed": [],
    "chosen": {"pool": "p-2", "name": "large", "score": 0.5, "weights": {"free_capacity": 0.5}, "unenforced": []},
}


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def ask(
    path: str,
    farm: Farm,
    *,
    body: Any = None,
    query: str = AT_BARN,
    texts: Any = None,
    dynamic: DynamicItems | None = None,
    places: int = 4,
    **more: Any,
) -> Answer:
    """A request by Anna; a POST when there is a body. `more` is of the environment."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET" if body is None else "POST",
        "PATH_INFO": f"/farm/ui/api/{path}",
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(content)),
        "CONTENT_TYPE": "application/json" if body is not None else "",
        "wsgi.input": io.BytesIO(content),
        "isthmus.request_id": "req-1",
        "HTTP_VMWARE_API_SESSION_ID": "anna",
        **more,
    }
    begun: list[Any] = []
    found = surface(**(texts or {}))
    found = replace(found, actions=(*found.actions, BUILD))
    api = Api("/farm/ui", farm, farm, found, dynamic or DynamicItems(farm, farm, found), Places(places))
    parts: Iterable[bytes] = api(environ, lambda *given: begun.append(given))
    (status, headers), *_ = begun
    return Answer(int(status.split()[0]), dict(headers), b"".join(parts))


def operation(identifier: str = "op-1", **more: Any) -> Operation:
    made = Operation(
        identifier, "farm.barn-grow", "Datastore", BARN, "t1", "anna", "req-7", OperationState.RUNNING, MOMENT, MOMENT,
        step="dig", progress=0.25, result={"subject": "Barn 1", "stalls": 3},
    )  # fmt: skip
    return replace(made, **more)


@dataclass(slots=True)
class Journal:
    """`Operations` in memory: `then` is what the operation is after each wait."""

    known: list[Operation]
    then: list[Operation] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    steered: list[tuple[str, str]] = field(default_factory=list)
    messages: tuple[Message, ...] = ()

    def list(self, query: Query | None = None) -> Page[Operation]:
        filters = (query or Query()).filters
        found = [each for each in self.known if all(getattr(each, name) == value for name, value in filters.items())]
        return Page(sorted(found, key=lambda each: each.created_at, reverse=True))

    def get(self, operation: str) -> Operation:
        for each in self.known:
            if each.id == operation:
                return each
        raise NotFound(operation)

    def wait(self, operation: str, timeout: float = 30.0) -> Operation:
        self.waits.append(timeout)
        return self.then.pop(0)

    def cancel(self, operation: str) -> Operation:
        self.steered.append(("cancel", operation))
        return replace(self.get(operation), cancel_requested=True)

    def retry(self, operation: str) -> Operation:
        self.steered.append(("retry", operation))
        return self.get(operation)

    def abandon(self, operation: str) -> Operation:
        self.steered.append(("abandon", operation))
        return self.get(operation)

    def explain(self, request_id: str) -> Explanation:
        return Explanation(request_id, [each for each in self.known if each.request_id == request_id], self.messages)


def test_the_session_says_who_and_where() -> None:
    farm = Farm(missing=frozenset({"Farm.Grow"}))
    answer = ask("session", farm)
    assert answer.json() == {
        "user": "anna",
        "role": "member",
        "tenant": "Keepers",
        "vcenter": {"guid": "guid-1", "name": "vc.example.test"},
        "object": {"id": BARN, "kind": "Datastore", "name": "Barn 1"},
        "version": "1.2",
        "missing_privileges": ["Farm.Grow"],
    }
    assert answer.headers["Cache-Control"] == "no-store" and farm.asked == [("anna", BARN)]


def test_a_whole_vcenter_is_a_place_too() -> None:
    farm = Farm()
    assert ask("session", farm, query="vcenter=guid-1").json()["object"] is None
    assert farm.asked == [("anna", "urn:vmomi:::guid-1")]


@pytest.mark.parametrize("query", ["", "object=barn", "vcenter=", "vcenter=../x", "object=urn:vmomi:::guid-1"])
def test_what_names_no_place_is_refused_before_anybody_is_asked(query: str) -> None:
    farm = Farm()
    assert (ask("session", farm, query=query).status, farm.asked) == (400, [])


def test_the_words_of_the_pages_need_no_session_and_are_kept() -> None:
    farm = Farm(error=Unauthenticated("No."))
    answer = ask("texts", farm, query="locale=de-AT", texts={"ui.save": "Save"})
    assert answer.json()["locale"] == "de-DE" and answer.json()["texts"]["ui.save"] == "de: Save"
    assert all(key.startswith("ui.") for key in answer.json()["texts"])
    assert answer.headers["Cache-Control"] == "max-age=300"


def test_a_view_is_blocks() -> None:
    answer = ask("views/barn", Farm()).json()
    assert answer["title"] == "Barn" and answer["refreshed_at"].endswith("+00:00")
    assert answer["blocks"] == [{"type": "notice", "level": "info", "text": f"{BARN} for anna", "cure": ""}]
    assert ask("views/none", Farm()).status == 404


def test_actions_say_whether_they_can_be_done_and_why_not() -> None:
    farm = Farm(missing=frozenset({"Farm.Grow"}), reasons={("barn-delete", BARN): "It is full."})
    grow, raze = ask("actions", farm, query=f"{AT_BARN}&locale=de").json()["items"]
    assert grow["title"] == "de: Grow a barn" and not grow["available"]
    assert grow["reason"] == "Hier wird das Recht Farm.Grow benötigt." and grow["cure"].startswith("Bitten Sie")
    assert (raze["available"], raze["reason"]) == (False, "Das ist jetzt nicht möglich: It is full.")
    assert ask("actions", Farm()).json()["items"][1]["available"]


def test_an_action_that_is_broken_takes_none_of_the_others_away() -> None:
    class Broken(Farm):
        def check(self, plugin: str, action: str, call: Call) -> IsthmusError | None:
            if action == "barn-grow":
                raise ValueError("secret-7")
            return None

    grow, raze = ask("actions", Broken()).json()["items"]
    assert raze["available"] and not grow["available"]
    assert grow["reason"] == "Something went wrong inside the server." and "req-1" in grow["cure"]


def test_a_whole_vcenter_has_the_actions_on_nothing_in_particular() -> None:
    assert [each["id"] for each in ask("actions", Farm(), query="vcenter=guid-1").json()["items"]] == ["barns"]
    assert ask("actions/barns", Farm()).status == 404
    assert ask("actions/barn-grow", Farm(), query="vcenter=guid-1").status == 404


def test_an_action_is_described_in_the_readers_language() -> None:
    texts = {"input.barn-grow.by": "Stalls", "input.by.note": "How many more.", "step.dig": "Dig"}
    found = ask("actions/barn-grow", Farm(), query=f"{AT_BARN}&locale=zh-CN", texts=texts).json()
    assert found["input"]["properties"]["by"] == {"title": "zh: Stalls", "description": "zh: How many more."}
    assert found["steps"][1] == {"id": "dig", "label": "zh: Dig"} and found["pivot"] == "fill"
    assert ask("actions/barn-grow", Farm()).json()["input"]["properties"]["by"]["description"] == "How much"


def test_a_dialog_is_told_what_holds_of_the_object_that_it_is_about() -> None:
    farm = Farm(bounded={"by": {"minimum": 7, "default": 7}})
    assert ask("actions/barn-grow", farm).json()["input"]["properties"]["by"] == {
        "title": "by", "description": "How much", "minimum": 7, "default": 7,
    }  # fmt: skip


@pytest.mark.parametrize("reasons", [{}, {("barn-grow", BARN): "It is full."}], ids=["available", "not-now"])
def test_a_dialog_does_without_what_cannot_be_told(reasons: dict[tuple[str, str], str]) -> None:
    found = ask("actions/barn-grow", Farm(bounded=Unavailable("It does not answer."), reasons=reasons)).json()
    assert found["available"] is not bool(reasons)
    assert found["input"]["properties"]["by"] == {"title": "by", "description": "How much"}


def test_choices_are_put_in_words() -> None:
    texts = {"choice.free": "{value} free", "choice.open.no": "closed"}
    farm = Farm()
    found = ask("actions/barn-grow/choices/by", farm, body={"input": {"by": 1}}, texts=texts).json()["items"]
    assert [each["note"] for each in found] == ["3 GiB free · closed", ""]
    assert (found[0]["value"], found[0]["title"], farm.calls[0].input) == (3, "Three", {"by": 1})
    assert ask("actions/barn-grow/choices/none", Farm(), body={}).status == 404


def test_a_plan_is_shown_by_names_in_the_readers_language() -> None:
    texts = {
        "plan.field": "Field",
        "plan.size": "Size",
        "plan.hosts": "Hosts",
        "plan.name": "Name",
        "step.fill": "Fill",
    }
    planned = {
        "field": {"pool": "field-1", "size": 1 << 30, "steps": ["x"], "unenforced": ["speed"]},
        "size": 2 << 30,
        "hosts": [{"id": "host-1", "name": "esx-01"}],
        "steps": ["announce", "fill"],
        "pivot": "fill",
        "kind": "farm.grow",
    }
    answer = ask("actions/barn-grow/plan", Farm(planned=planned), body={"input": {}}, texts=texts).json()
    assert answer["plan"] == planned
    unenforced, plain, field_, hosts, pivot, steps = answer["blocks"]
    assert unenforced["level"] == "warning" and "speed" in unenforced["text"]
    assert plain["facts"] == [{"label": "Size", "value": {"kind": "bytes", "value": 2 << 30}}]
    assert field_["title"] == "Field" and field_["facts"][0]["value"]["value"] == "The long field"
    assert field_["facts"][1] == {"label": "Size", "value": {"kind": "bytes", "value": 1 << 30}}
    assert hosts["rows"][0]["cells"]["name"] == {
        "kind": "object", "value": "urn:vmomi:HostSystem:host-1:guid-1", "text": "esx-01",
    }  # fmt: skip
    assert "“Fill”" in pivot["text"]
    assert [row["cells"]["step"]["value"] for row in steps["rows"]] == ["announce", "Fill"]


def test_a_plan_says_what_stays_of_an_action_in_the_actions_own_words() -> None:
    planned, texts = (
        {"steps": ["fill"], "pivot": "fill"},
        {"planned.pivot.barn-grow": "Grown is grown, from {step} on."},
    )
    notice, _ = ask("actions/barn-grow/plan", Farm(planned=planned), body={"input": {}}, texts=texts).json()["blocks"]
    assert (notice["level"], notice["text"]) == ("warning", "Grown is grown, from fill on.")


def test_a_finding_names_things_and_needs_no_name_itself() -> None:
    found = {"findings": [{"rule": "r-1", "title": "Rule", "host": {"id": "host-1", "name": "esx-01"}, "good": False}]}
    found["findings"][0]["severity"] = "warning"
    (table,) = ask("actions/barn-delete", Farm(outcome=found), body={}).json()["blocks"]
    assert [each["id"] for each in table["columns"]] == ["rule", "title", "host", "good", "severity"]
    (row,) = table["rows"]
    assert row["cells"]["severity"] == {"kind": "state", "value": "warning", "text": "warning"}
    assert row["cells"]["host"]["text"] == "esx-01" and row["cells"]["good"] == {"kind": "text", "value": "No"}


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({}, "by", "Stalls is missing."),
        ({"by": 0}, "by", "Stalls is at least 1 KiB."),
        ({"by": "x"}, "by", "Stalls is of another kind."),
        ({"by": 2048, "of": "straw"}, "of", "of is one of: wood, stone."),
        ({"by": 2048, "doors": [{"width": -1}]}, "doors.width", "width is at least 1."),
        ({"by": 2048, "roof": 1}, "roof", "There is no field roof."),
    ],
)
@pytest.mark.parametrize("path", ["actions/barn-build", "actions/barn-build/plan"])
def test_what_does_not_fit_is_told_by_its_field(path: str, given: Any, field: str, said: str) -> None:
    farm = Farm()
    answer = ask(path, farm, body={"input": given}, query=f"object={FOLDER}", texts={"input.by": "Stalls"})
    assert (answer.status, answer.json()["field"], answer.json()["message"]) == (400, field, said)
    assert farm.calls == []


def test_doing_it_answers_the_operation_or_the_result() -> None:
    farm = Farm(outcome=operation())
    answer = ask("actions/barn-grow", farm, body={"input": {"by": 2}, "key": "k-1"})
    assert answer.status == 202 and answer.json()["operation"]["id"] == "op-1"
    (call,) = farm.calls
    assert (call.key, call.input, call.subject and call.subject.id) == ("k-1", {"by": 2}, BARN)
    answer = ask("actions/barn-delete", Farm(outcome={"stalls": 3}), body={})
    assert (answer.status, answer.json()["result"]) == (200, {"stalls": 3})
    assert answer.json()["blocks"][0]["facts"][0]["value"] == {"kind": "number", "value": 3}


@pytest.mark.parametrize("path", ["actions/barn-grow", "actions/barn-grow/plan", "actions/barn-grow/choices/by"])
def test_without_the_privilege_nothing_is_planned_or_done(path: str) -> None:
    farm = Farm(missing=frozenset({"Farm.Grow"}))
    answer = ask(path, farm, body={"input": {}})
    assert (answer.status, answer.json()["message"]) == (403, "You need the privilege Farm.Grow here.")
    assert farm.calls == []


@pytest.mark.parametrize(
    ("body", "more", "status"),
    [
        ({}, {"CONTENT_TYPE": "text/plain"}, 415),
        ({}, {"CONTENT_TYPE": ""}, 415),
        ({}, {"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ({}, {"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
        ({}, {"HTTP_SEC_FETCH_SITE": "none"}, 403),
        ({}, {"CONTENT_LENGTH": str(64 * 1024 + 1)}, 400),
        ({}, {"CONTENT_LENGTH": "-1"}, 400),
        (b'{"input": 1}', {}, 400),
        (b'{"key": "a", "key": "b"}', {}, 400),
        (b"[]", {}, 400),
        (b'{"key": ""}', {}, 400),
        (b'{"key": 5}', {}, 400),
    ],
)
def test_what_no_page_of_ours_would_send_does_nothing(body: Any, more: dict[str, Any], status: int) -> None:
    farm = Farm()
    assert (ask("actions/barn-delete", farm, body=body, **more).status, farm.calls) == (status, [])


def test_a_body_in_pieces_counts_like_any_other() -> None:
    farm = Farm()
    assert ask("actions/barn-grow", farm, body={"input": {"by": 2}}, CONTENT_LENGTH="").status == 200
    assert farm.calls[0].input == {"by": 2}
    large = b'{"input": {"x": "' + b"y" * 65_536 + b'"}}'
    assert ask("actions/barn-grow", farm, body=large, CONTENT_LENGTH="").status == 400 and len(farm.calls) == 1


def test_a_request_of_our_own_page_passes() -> None:
    more: dict[str, Any] = {"HTTP_SEC_FETCH_SITE": "same-origin", "CONTENT_TYPE": "application/json; charset=utf-8"}
    assert ask("actions/barn-delete", Farm(), body={}, **more).status == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthenticated("x"), 401),
        (Forbidden("x"), 403),
        (Conflict("x"), 409),
        (Unavailable("x"), 503),
        (TooManyAttempts("x", retry_after=7), 429),
    ],
)
def test_errors_keep_their_kind(error: IsthmusError, status: int) -> None:
    answer = ask("session", Farm(error=error))
    assert (answer.status, answer.json()["code"], answer.json()["request_id"]) == (status, error.code, "req-1")
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) == (7 if status == 429 else 5)


def test_a_refused_placement_comes_with_its_explanation() -> None:
    error = NoPlacement("No pool.", explanation={**EXPLANATION, "chosen": None})
    answer = ask("actions/barn-delete", Farm(outcome=error), body={})
    assert answer.status == 409 and answer.json()["blocks"][0]["type"] == "notice"


def test_a_defect_of_ours_shows_nothing_of_itself() -> None:
    answer = ask("actions/barn-delete", Farm(outcome=ValueError("secret-7")), body={})
    assert answer.status == 500 and b"secret-7" not in answer.content and "req-1" in answer.json()["next_step"]


def test_other_addresses_and_methods_are_refused() -> None:
    for path in ("", "nothing", "views/", "actions/a/b", "operations/op-1/delete", "actions/../session"):
        assert ask(path, Farm()).status == 404, path
    answer = ask("session", Farm(), body={})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


def test_operations_are_those_of_the_place_newest_first() -> None:
    known = [
        operation("op-1"),
        operation("op-2", created_at=MOMENT + timedelta(seconds=1)),
        operation("elsewhere", resource=BARN.replace("guid-1", "guid-2")),
        operation("other", resource=OTHER, created_at=MOMENT + timedelta(seconds=2)),
        operation("foreign", kind="volume.create", resource_type="volume", resource="v-1"),
    ]
    farm = Farm(journal=Journal(known))
    assert [each["id"] for each in ask("operations", farm).json()["items"]] == ["op-2", "op-1"]
    everywhere = ask("operations", farm, query="vcenter=guid-1&limit=2").json()["items"]
    assert [each["id"] for each in everywhere] == ["other", "op-2"]


def test_an_operation_is_shown_with_its_steps() -> None:
    farm = Farm(journal=Journal([operation()]))
    found = ask("operations/op-1", farm, texts={"step.barn-grow.dig": "Dig a hole"}).json()
    assert found["object"] == {"id": BARN, "name": "Barn 1"} and found["result"] == {"stalls": 3}
    assert (found["action"], found["title"], found["state"]) == ("barn-grow", "Grow a barn", "running")
    assert [(each["id"], each["state"]) for each in found["steps"]] == [
        ("announce", "done"), ("dig", "running"), ("fill", "pending"), ("look", "pending"),
    ]  # fmt: skip
    assert found["steps"][1]["label"] == "Dig a hole" and found["can"] == ["cancel"]


@pytest.mark.parametrize(
    ("state", "told"), [("failed", "It has 4 stalls."), ("cancelled", "It has 4 stalls."), ("abandoned", "")]
)
def test_what_stays_of_an_operation_that_was_taken_back_is_told(state: str, told: str) -> None:
    left = {"text": "left.barn", "values": {"stalls": 4}}
    error = {"code": "cancelled" if state == "cancelled" else "storage_failed", "message": "No."}
    known = operation(state=OperationState(state), undoing=True, error=error, result={"left": left})
    texts = {"left.barn": "It has {stalls} stalls.", "outcome.cancelled": "Cancelled. All is as before."}
    found = ask("operations/op-1", Farm(journal=Journal([known])), texts=texts).json()
    assert found["left"] == told and found["result"] == {}
    assert found["error"]["message"] == ("Cancelled" if state == "cancelled" else "No.")


@pytest.mark.parametrize(
    ("more", "can"),
    [
        ({"step": "fill"}, []),
        ({"undoing": True}, []),
        ({"cancel_requested": True}, []),
        ({"state": OperationState.DONE}, []),
        ({"state": OperationState.NEEDS_ATTENTION}, ["retry", "abandon"]),
    ],
)
def test_what_can_be_done_to_an_operation_goes_by_its_state(more: dict[str, Any], can: list[str]) -> None:
    assert ask("operations/op-1", Farm(journal=Journal([operation(**more)]))).json()["can"] == can


def test_an_operation_of_another_vcenter_is_not_there() -> None:
    farm = Farm(journal=Journal([operation(resource=BARN.replace("guid-1", "guid-2"))]))
    for path, body in (("operations/op-1", None), ("operations/op-1/cancel", {}), ("explain/req-7", None)):
        assert ask(path, farm, body=body).status == 404
    assert isinstance(farm.journal, Journal) and farm.journal.steered == []


def test_an_operation_is_steered() -> None:
    journal = Journal([operation()])
    assert ask("operations/op-1/cancel", Farm(journal=journal), body={}).json()["cancel_requested"]
    for verb in ("retry", "abandon"):
        assert ask(f"operations/op-1/{verb}", Farm(journal=journal), body={}).status == 200
    assert [verb for verb, _ in journal.steered] == ["cancel", "retry", "abandon"]


def test_of_what_is_gone_only_whoever_began_it_may_follow_the_end() -> None:
    farm = Farm(error=NotFound("It is gone."), journal=Journal([operation()]))
    assert ask("operations/op-1", farm).status == 200
    assert ask("operations/op-1/cancel", farm, body={}).status == 403
    farm = Farm(error=NotFound("It is gone."), journal=Journal([operation(user="bernd")]))
    assert ask("operations/op-1", farm).status == 404


def test_a_long_poll_answers_as_soon_as_something_differs() -> None:
    seen = operation()
    journal = Journal([seen], then=[operation(step="fill")])
    query = f"{AT_BARN}&wait=20&after={version(seen)}"
    assert ask("operations/op-1", Farm(journal=journal), query=query).json()["step"] == "fill"
    assert journal.waits == [pytest.approx(0.4)]


def test_a_long_poll_ends_at_once_for_what_differs_already_or_goes_on_no_more() -> None:
    journal = Journal([operation()])
    assert ask("operations/op-1", Farm(journal=journal), query=f"{AT_BARN}&wait=20&after=old").status == 200
    stuck = operation(state=OperationState.NEEDS_ATTENTION)
    journal.known = [stuck]
    query = f"{AT_BARN}&wait=20&after={version(stuck)}"
    assert ask("operations/op-1", Farm(journal=journal), query=query, places=0).status == 200
    assert journal.waits == []


def test_a_long_poll_ends_when_the_server_stops() -> None:
    journal = Journal([operation()], then=[operation()])
    query = f"{AT_BARN}&wait=20&after={version(operation())}"
    assert ask("operations/op-1", Farm(journal=journal), query=query).status == 200
    assert len(journal.waits) == 1


def test_whoever_followed_an_operation_to_its_end_finds_the_menu_as_it_is_then() -> None:
    farm = Farm(journal=Journal([operation()], then=[operation(state=OperationState.DONE)]))
    dynamic = DynamicItems(farm, farm, surface())
    menu = Question(Sender("anna", "", ""), (ObjectId.parse(BARN),), "menu", "en", "req-1")
    dynamic.answer(menu)
    ask("operations/op-1", farm, query=AT_BARN, dynamic=dynamic)
    looked = len(farm.asked)
    dynamic.answer(menu)
    assert len(farm.asked) == looked
    ask("operations/op-1", farm, query=f"{AT_BARN}&wait=20&after={version(operation())}", dynamic=dynamic)
    looked = len(farm.asked)
    dynamic.answer(menu)
    assert len(farm.asked) == looked + 1


def test_who_finds_no_place_to_wait_is_answered_at_once() -> None:
    journal = Journal([operation()])
    query = f"{AT_BARN}&wait=20&after={version(operation())}"
    assert ask("operations/op-1", Farm(journal=journal), query=query, places=0).status == 200
    assert journal.waits == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1"])
def test_numbers_out_of_their_range_are_refused(query: str) -> None:
    assert ask("operations", Farm(journal=Journal([])), query=f"{AT_BARN}&{query}").status == 400


def test_an_operation_says_why_its_volume_lies_where_it_lies() -> None:
    child = operation("child", kind="volume.create", parent="op-1", resource="v-1", explanation=EXPLANATION)
    found = ask("operations/op-1", Farm(journal=Journal([operation(), child]))).json()["explanation_blocks"]
    facts, filters, refused = found
    assert facts["facts"][0]["value"] == {"kind": "text", "value": "large"}
    assert [row["cells"]["refused"]["value"] for row in filters["rows"]] == [2]
    (row,) = refused["rows"]
    assert row["cells"]["room"] == {"kind": "bytes", "value": 1 << 30} and refused["more"]


def test_an_explanation_tells_of_nothing_that_only_has_the_same_request_id() -> None:
    mine = operation("op-1")
    child = operation("child", kind="volume.create", parent="op-1", resource="v-1", explanation=EXPLANATION)
    foreign = operation("op-2", resource=BARN.replace("guid-1", "guid-2"))
    theirs = operation("theirs", kind="volume.create", parent="op-2", resource="v-2", explanation=EXPLANATION)
    said = [
        Message(f"m-{name}", "t1", "error", "conflict", f"Of {name}.", "req-7", MOMENT, operation=name)
        for name in ("op-1", "op-2")
    ]
    journal = Journal([mine, child, foreign, theirs], messages=tuple(said))
    blocks = ask("explain/req-7", Farm(journal=journal)).json()["blocks"]
    assert [each["text"] for each in blocks if each["type"] == "notice"] == ["Of op-1."]
    assert len([each for each in blocks if each["type"] == "facts"]) == 1
    (table,) = [each for each in blocks if each.get("id") == "operations"]
    assert [row["id"] for row in table["rows"]] == ["op-1"]


def test_the_session_token_is_in_no_answer() -> None:
    farm = Farm(error=Forbidden("No."))
    answer = ask("session", farm, HTTP_VMWARE_API_SESSION_ID="token-5")
    assert b"token-5" not in answer.content and "token-5" not in str(answer.headers)
    assert ask("session", Farm(), HTTP_VMWARE_API_SESSION_ID="x" * 4000).status == 400
